"""Signed PDFs of anybody: first every byte accounted for (`signing.scan`), then pyHanko, then each signature.

The order is the protection: no library follows a reference in a file before the file is known to say one thing only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader

from qujat.signing import scan, tokens
from qujat.signing.scan import Revision, Unread
from qujat.signing.trust import Trust
from qujat.verifier import certificates, cms, message, pdf_changes, pdf_signatures, timestamps
from qujat.verifier.certificates import MOST_CRLS
from qujat.verifier.examination import Examination, examine_cms
from qujat.verifier.message import Message
from qujat.verifier.pdf_signatures import Placed, entry
from qujat.verifier.report import Objection, Reason, Report, SignatureReport, begun
from qujat.verifier.timestamps import Stamp

_MOST_PAGES = 20_000
_DATE = re.compile(r"D:(\d{14})(?:Z|([+-])(\d{2})'?(\d{2})?)")
# Names that make a page depend on more than its signed bytes (ISO 32000-1 12.6.4, 12.7.8, 13).
_ACTIVE = frozenset(
    b"/JavaScript /JS /XFA /Launch /SubmitForm /ImportData /RichMedia /Rendition /SetOCGState /Movie /Sound".split()
)


def examine(content: bytes, trust: Trust, now: datetime) -> Report:
    """Every signature in a PDF. Raises Objection if the file cannot be read."""
    report = begun("pdf", trust, now)
    try:
        revisions = scan.read(content)
    except Unread as error:
        return _unread(report, error, len(content))
    reader = PdfFileReader(BytesIO(content), strict=True)
    _check_same_index(reader, revisions)
    _check_pages(reader)
    found = pdf_signatures.find(content, reader, revisions)
    signatures = _Signatures(content, reader, trust, now, found.placed)
    refused = [SignatureReport(place=name, reasons=(objection.reason,)) for name, objection in found.refused]
    objections = [*found.objections, *_active(revisions)]
    return report.model_copy(
        update={
            "signatures": (*refused, *signatures.reports()),
            "reasons": tuple(objection.reason for objection in objections),
            "attachments": tuple(_attachments(reader)),
        }
    )


class _Signatures:
    """The signatures of one file, timestamps first: they prove when the others existed."""

    def __init__(
        self, content: bytes, reader: PdfFileReader, trust: Trust, now: datetime, found: Sequence[Placed]
    ) -> None:
        self.view, self.reader, self.trust, self.now, self.found = memoryview(content), reader, trust, now, found
        self.others, self.crls = _evidence(reader)
        self.stamps: list[tuple[int, Stamp]] = []

    def reports(self) -> Iterator[SignatureReport]:
        stamped = [self._timestamp(each) for each in self.found if each.is_timestamp]
        yield from (self._signature(each) for each in self.found if not each.is_timestamp)
        yield from stamped

    def _parts(self, placed: Placed) -> tuple[memoryview, memoryview]:
        begin, end = placed.gap
        return self.view[:begin], self.view[end : placed.covered]

    def _begin(self, placed: Placed, kind: Any) -> tuple[Examination, Message | None]:
        examination = Examination(placed.name, self.trust, self.now, kind=kind, claimed_at=_claimed(placed))
        whole = placed.covered == len(self.view)
        examination.coverage = "whole-file" if whole else "earlier-revision"
        examination.ask("coverage", lambda: pdf_changes.check(self.reader, placed, self.found, len(self.view)))
        found = examination.ask("format", lambda: _message(placed))
        return examination, found

    def _timestamp(self, placed: Placed) -> SignatureReport:
        """A document timestamp (ISO 32000-2 12.8.5): its token is over the ranges themselves."""
        examination, found = self._begin(placed, "document-timestamp")
        if found is not None:
            examination.level = "PAdES document timestamp"
            self._judge_timestamp(examination, found, placed)
        return examination.report()

    def _judge_timestamp(self, examination: Examination, found: Message, placed: Placed) -> None:
        crls = (*self.crls, *found.crls)
        trust = certificates.with_crls(self.trust, crls)
        try:
            stamp = timestamps.verify_message(found, lambda: self._parts(placed), trust, self.now)
            examination.signed = cms.check_signature(found)
        except Objection as objection:
            examination.object(objection)
            return
        examination.answered += ["digest", "signature", "timestamps", "certificate"]
        examination.stamps.append(stamp)
        self.stamps.append((placed.revision, stamp))

    def _signature(self, placed: Placed) -> SignatureReport:
        examination, found = self._begin(placed, "signature")
        later = [stamp for revision, stamp in self.stamps if revision > placed.revision]
        if found is not None:
            examine_cms(examination, found, lambda: self._parts(placed))
            _check_pades(examination, placed)
            _check_order(examination, later)
            examination.level = _level(examination, placed, evidence=bool(self.crls), archived=bool(later))
            examination.judge_certificate((*self.crls, *found.crls), self.others, later)
        return examination.report(later)


def _claimed(placed: Placed) -> datetime | None:
    """/M: the signer's own word on when he signed (ISO 32000-1 7.9.4), if he gives one with its zone."""
    found = _DATE.match(str(entry(placed.dictionary_object, "/M", "")))
    if not found:
        return None
    offset = timedelta(hours=int(found[3] or 0), minutes=int(found[4] or 0)) * (-1 if found[2] == "-" else 1)
    try:
        return datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC) - offset
    except (ValueError, OverflowError):
        return None


def _message(placed: Placed) -> Message:
    found = message.parse(message.unpadded(placed.contents))
    if not placed.is_timestamp and (found.content is not None or found.content_type != message.DATA):
        raise Objection("cms-malformed", "a PDF signature that holds contents of its own")
    return found


def _check_pades(examination: Examination, placed: Placed) -> None:
    """EN 319 142-1 6.3: a PAdES signature names its certificate."""
    if placed.kind == b"/ETSI.CAdES.detached" and examination.signed and not examination.signed.names_certificate:
        examination.object(Objection("cms-attributes", "no signing-certificate-v2"))


def _check_order(examination: Examination, later: Sequence[Stamp]) -> None:
    """A timestamp over the whole file cannot be older than one over a signature in it (EN 319 102-1 5.6.2.4)."""
    if any(own.time > after.time + timestamps.SKEW for own in examination.stamps for after in later):
        examination.object(Objection("timestamp-order"))


def _level(examination: Examination, placed: Placed, *, evidence: bool, archived: bool) -> str:
    stamped = bool(examination.stamps) or archived
    if placed.kind != b"/ETSI.CAdES.detached":
        return "CMS in PDF with a timestamp" if stamped else "CMS in PDF"
    if archived and evidence:
        return "PAdES-B-LTA"
    return "PAdES-B-LT" if stamped and evidence else "PAdES-B-T" if stamped else "PAdES-B-B"


def _unread(report: Report, error: Unread, size: int) -> Report:
    """A file whose end cannot be read: if its signatures stop before that end, the rest is nobody's."""
    covered = pdf_signatures.furthest(error.revisions)
    reasons = [Reason(code=error.code, detail=str(error))]
    if 0 < covered < size and error.revisions:
        reasons.insert(0, Reason(code="not-whole-file", detail=f"signed to byte {covered} of {size}"))
    return report.model_copy(update={"reasons": tuple(reasons)})


def _check_same_index(reader: PdfFileReader, revisions: Sequence[Revision]) -> None:
    """pyHanko must have read the same objects at the same places as we did."""
    if reader.xrefs.total_revisions != len(revisions):
        raise Objection("pdf-structure", "another number of revisions")
    for index, revision in enumerate(revisions):
        data = reader.xrefs.get_xref_data(index)
        places = {number: place for number, (_, place) in data.standard_xrefs.items()}
        packed = {number: where.obj_stream_id for number, where in data.xrefs_in_objstm.items()}
        ours = {number: found.start for number, found in revision.objects.items() if number in places}
        if places != ours or packed != {number: stream for number, (stream, _) in revision.packed.items()}:
            raise Objection("pdf-structure", f"revision {index + 1} reads in two ways")


def _check_pages(reader: PdfFileReader) -> None:
    """The tree of pages is a tree: no page or branch comes twice."""
    waiting, seen = [reader.root.raw_get("/Pages")], set[int]()
    while waiting:
        reference = waiting.pop().reference
        if reference.idnum in seen or len(seen) > _MOST_PAGES:
            raise Objection("pdf-structure", "a tree of pages that turns back on itself, or is too large")
        seen.add(reference.idnum)
        waiting.extend(entry(reference.get_object(), "/Kids", ()))


def _active(revisions: Sequence[Revision]) -> Iterator[Objection]:
    """What is active in the file."""
    present = {name for revision in revisions for _, text in revision.texts() for name in tokens.names(text) & _ACTIVE}
    if present:
        yield Objection("active-content", b" ".join(sorted(present)).decode())


def _evidence(reader: PdfFileReader) -> tuple[list[bytes], list[bytes]]:
    """Certificates and CRLs of the document security store (ISO 32000-2 12.8.4.3)."""
    store = entry(reader.root, "/DSS", {})
    return _streams(store, "/Certs", DecodePurpose.CERTIFICATE), _streams(store, "/CRLs", DecodePurpose.CRL)


def _streams(store: Any, key: str, purpose: DecodePurpose) -> list[bytes]:
    listed = list(entry(store, key, ()))[:MOST_CRLS]
    return [each.get_object().read_data(purpose) for each in listed]


def _attachments(reader: PdfFileReader) -> Iterator[str]:
    """Names of the files that are embedded by name (ISO 32000-1 7.7.4)."""
    waiting, seen = [entry(entry(reader.root, "/Names", {}), "/EmbeddedFiles", {})], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or len(seen) > _MOST_PAGES:
            raise Objection("pdf-structure", "a tree of names that turns back on itself, or is too large")
        seen.add(id(node))  # pyHanko keeps what it has read
        pairs = entry(node, "/Names", ())
        yield from (str(name) for name in list(pairs)[::2])
        waiting.extend(kid.get_object() for kid in entry(node, "/Kids", ()))
