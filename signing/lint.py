"""May this page be signed? Only if it shows one thing, in every reader and for ever.

A signature says "this page", so a page that could change its looks after signing, or look different elsewhere, is
refused before a key comes near it. Published attacks (shadow attacks, overlays, evil annotations) prime a file first:
they plant objects that nothing shows yet, layers, form fields, scripts. Here everything that is not needed to print
words, lines and one picture is refused. The page is read from front to back (`scan`), so nothing stands in it unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from qujat.errors import PageUnsafe
from qujat.signing import scan, tokens
from qujat.signing.scan import Revision
from qujat.signing.tokens import Dictionary, NotPdf

_CATALOG = frozenset(
    b"/Type /Version /Pages /PageMode /Lang /Names /Dests /Outlines /StructTreeRoot /ViewerPreferences /MarkInfo"
    b" /OutputIntents /AF /Metadata".split()
)
_PAGE = frozenset(
    b"/Type /Parent /MediaBox /CropBox /TrimBox /BleedBox /ArtBox /Contents /Resources /Tabs /StructParents /Annots"
    b" /Group /Rotate".split()
)
_TRAILER = frozenset(b"/Size /Root /Info /ID /Type /W /Index /Length /Filter /DecodeParms".split())
_LINK = frozenset(
    b"/Type /Subtype /Rect /Border /BS /A /Dest /F /H /P /C /Contents /StructParent /QuadPoints /NM /M".split()
)
_ACTIONS = frozenset((b"/URI", b"/GoTo"))

# What a name gives away, wherever it stands (ISO 32000-1: 8.11, 12.5, 12.6, 12.7, 13, 14.11).
_REFUSED: Mapping[str, frozenset[bytes]] = {
    "optional content": frozenset(b"/OCProperties /OCG /OCMD /OC".split()),
    "a script": frozenset(b"/JavaScript /JS".split()),
    "an action": frozenset(
        b"/AA /OpenAction /Launch /SubmitForm /ResetForm /ImportData /GoToR /GoToE /Hide /Named /SetOCGState"
        b" /Rendition /Trans /GoTo3DView /Movie /Sound".split()
    ),
    "a form": frozenset(b"/AcroForm /XFA /Widget /Perms /DSS /ByteRange /SigFlags /NeedAppearances".split()),
    "media": frozenset(b"/RichMedia /3D /Screen /Collection".split()),
    "something outside the file": frozenset(b"/FFilter /Ref /PS /OPI /Alternates".split()),
    "transparency": frozenset(b"/SMask /SMaskInData /BM".split()),
}
_OPAQUE = re.compile(rb"/(?:ca|CA)[\x00\t\n\x0c\r ]+(?!1(?:\.0*)?[\x00\t\n\x0c\r />])")
_INVISIBLE_TEXT = re.compile(rb"(?<![\w.])[37][\x00\t\n\x0c\r ]+Tr(?!\w)")


def check(page: bytes) -> None:
    """Return if the page may be signed. Raises PageUnsafe: it could be primed, or is not the page of one revision."""
    try:
        revisions = scan.read(page)
        if len(revisions) != 1:
            raise NotPdf("more than one revision")
        _check(page, revisions[0])
    except NotPdf as error:
        raise PageUnsafe(
            f"expected a page that shows one thing only, came one that could be primed: {error};"
            " sign a page as rendered"
        ) from error


def _check(page: bytes, revision: Revision) -> None:
    texts = dict(revision.texts())
    _check_trailer(revision)
    _check_names(texts)
    _check_reachable(revision, texts)
    _check_streams(revision)
    _check_attachment(texts)
    catalog = _dictionary(texts, revision.trailer.reference(b"/Root"))
    _only(_CATALOG, catalog, "the catalog")
    for described in _pages(catalog, texts):
        _only(_PAGE, described, "a page")
        _check_annotations(described, texts)
        _check_contents(page, described, revision)


def _check_trailer(revision: Revision) -> None:
    _only(_TRAILER, revision.trailer, "the trailer")
    if revision.freed - {0}:
        raise NotPdf("objects that were there and are free now")


def _check_names(texts: Mapping[int, bytes]) -> None:
    everything = b"\n".join(texts.values())
    present = tokens.names(everything)
    for what, refused in _REFUSED.items():
        if found := present & refused:
            raise NotPdf(f"{what} ({b' '.join(sorted(found)).decode()})")
    if _OPAQUE.search(everything):
        raise NotPdf("transparency")


def _check_reachable(revision: Revision, texts: Mapping[int, bytes]) -> None:
    """Every object is used by the page; containers of others apart."""
    waiting = [number for key in (b"/Root", b"/Info") if (number := revision.trailer.reference(key)) is not None]
    seen: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number not in seen:
            if number not in texts:
                raise NotPdf(f"a reference to object {number}, which is not there")
            seen.add(number)
            waiting.extend(tokens.references(texts[number]))
    containers = {stream for stream, _ in revision.packed.values()}
    containers |= {number for number, found in revision.objects.items() if found.start == revision.startxref}
    if unused := texts.keys() - seen - containers:
        raise NotPdf(f"objects that nothing refers to: {sorted(unused)[:9]}")


def _check_streams(revision: Revision) -> None:
    for number, found in revision.objects.items():
        if found.data and found.dictionary and found.dictionary.get(b"/F"):
            raise NotPdf(f"a stream outside the file: object {number}")


def _check_attachment(texts: Mapping[int, bytes]) -> None:
    """At most one embedded file: the data of the decision."""
    hints = (b"/EF", b"/Filespec", b"#")
    likely = [text for text in texts.values() if any(hint in text for hint in hints)]
    files = [text for text in likely if tokens.names(text) & {b"/EF", b"/Filespec"}]
    if len(files) > 1:
        raise NotPdf("more than one attachment")
    for text in files:
        described, _ = tokens.dictionary(text, 0)
        if not described.get(b"/EF") or described.get(b"/AFRelationship") != b"/Data":
            raise NotPdf("an attachment that is not the data")


def _pages(catalog: Dictionary, texts: Mapping[int, bytes]) -> Iterator[Dictionary]:
    """Every page of a flat tree, in order."""
    tree = _dictionary(texts, catalog.reference(b"/Pages"))
    kids = tokens.references(tree.get(b"/Kids"))
    if not kids or len(kids) != len(set(kids)) or len(kids) != tree.integer(b"/Count"):
        raise NotPdf("a tree of pages that is not a list of pages")
    for number in kids:
        described = _dictionary(texts, number)
        if described.get(b"/Type") != b"/Page":
            raise NotPdf("a tree of pages within a tree of pages")
        yield described


def _check_annotations(described: Dictionary, texts: Mapping[int, bytes]) -> None:
    """Links and nothing else: an annotation with an appearance lies over the page."""
    annotations = described.get(b"/Annots") or b"[]"
    if not annotations.startswith(b"["):
        raise NotPdf("annotations apart from their page")
    numbers = tokens.references(annotations)
    if annotations[1:-1].split() != [word for number in numbers for word in (b"%d" % number, b"0", b"R")]:
        raise NotPdf("annotations that are not objects of their own")
    for number in numbers:
        annotation = _dictionary(texts, number)
        if annotation.get(b"/Subtype") != b"/Link":
            raise NotPdf("an annotation other than a link")
        _only(_LINK, annotation, "a link")
        _check_action(annotation.get(b"/A"))


def _check_action(action: bytes) -> None:
    if action and tokens.dictionary(action, 0)[0].get(b"/S") not in _ACTIONS:
        raise NotPdf("a link that does something else than lead to an address")


def _check_contents(page: bytes, described: Dictionary, revision: Revision) -> None:
    for number in tokens.references(described.get(b"/Contents")):
        if number not in revision.objects:
            raise NotPdf("a page without its contents")
        if _INVISIBLE_TEXT.search(scan.decoded(page, revision.objects[number])):
            raise NotPdf("text that is there but not drawn")


def _dictionary(texts: Mapping[int, bytes], number: int | None) -> Dictionary:
    if number is None or number not in texts:
        raise NotPdf("a reference to an object that is not there")
    return tokens.dictionary(texts[number], 0)[0]


def _only(allowed: frozenset[bytes], described: Dictionary, what: str) -> None:
    if unknown := described.values.keys() - allowed:
        raise NotPdf(f"{what} with {b' '.join(sorted(unknown)).decode('latin-1')}")
