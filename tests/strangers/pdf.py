"""PDF files: attacks after signing, attacks in what is signed, files that read in two ways, honest ones."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from datetime import timedelta

from strangers import messages, pages
from strangers.authority import Authority
from strangers.case import Case, Cases
from strangers.messages import Recipe, stamped
from strangers.pages import CATALOG, FONT, INFO, PAGE, WORDS, Signing, pades, sign, update, with_key

cases = Cases("pdf")
LIE = pages.words(b"APPROVED: YES")
DOCUMENT_TIMESTAMP = b"/Type /DocTimeStamp/Filter /Adobe.PPKLite/SubFilter /ETSI.RFC3161"


def signed(a: Authority, base: bytes | None = None, **changes: object) -> bytes:
    """A page with one honest signature, and the time that its signer claims."""
    return sign(base or pages.page(), Signing(**{"make": pades(a.head), "more": claim(a), **changes}))


def claim(a: Authority) -> bytes:
    """When a signer says that he signed."""
    return a.now.strftime("/M (D:%Y%m%d%H%M%SZ)").encode()


def stamping(a: Authority) -> Signing:
    """A document timestamp."""
    return Signing(lambda covered: messages.token(covered, a.tsa, a.now), b"T1", DOCUMENT_TIMESTAMP)


# ---- honest


@cases.good
def pades_b_b(a: Authority) -> Case:
    return Case(signed(a))


@cases.good
def certified_without_changes(a: Authority) -> Case:
    return Case(signed(a, certify=1))


@cases.good
def pades_b_t(a: Authority) -> Case:
    return Case(signed(a, make=lambda covered: stamped(Recipe(covered, a.head), a.tsa, a.now).encode()))


@cases.good
def plain_cms_as_the_nca_writes_it(a: Authority) -> Case:
    kind = b"/Type /Sig/Filter /Adobe.PPKLite/SubFilter /adbe.pkcs7.detached"
    return Case(signed(a, make=pages.adbe(a.rsa), kind=kind))


@cases.good
def visible_signature(a: Authority) -> Case:
    return Case(signed(a, rectangle=b"[50 50 250 90]"))


@cases.good
def two_signatures_one_after_the_other(a: Authority) -> Case:
    return Case(sign(signed(a), Signing(pades(a.second), b"S2", more=claim(a))))


@cases.good
def signature_with_a_document_timestamp(a: Authority) -> Case:
    return Case(sign(signed(a, certify=1), stamping(a)))


@cases.good
def expired_but_with_a_document_timestamp_in_time(a: Authority) -> Case:
    return Case(sign(signed(a), stamping(a)), at=a.now + timedelta(days=400))


@cases.good
def evidence_covered_by_a_document_timestamp(a: Authority) -> Case:
    return Case(sign(with_evidence(a, signed(a)), stamping(a)), trust=a.without_crls())


def with_evidence(a: Authority, pdf: bytes) -> bytes:
    """A document security store with certificates and CRLs."""
    from cryptography.hazmat.primitives.serialization import Encoding

    free = pages.free_number(pdf)
    ders = [a.issuing.der, *(crl.public_bytes(Encoding.DER) for crl in a.crls)]
    objects = {free + index: pages.stream(each) for index, each in enumerate(ders)}
    store = b"<</Certs [%d 0 R]/CRLs [%d 0 R %d 0 R]>>" % (free, free + 1, free + 2)
    return update(pdf, {CATALOG: with_key(pages.latest(pdf, CATALOG), b"/DSS", store), **objects})


# ---- something was added after signing


@cases.bad("changed-after-signing", "invalid")
def incremental_saving_with_other_words(a: Authority) -> Case:
    return Case(update(signed(a), {WORDS: LIE}))


@cases.bad("not-whole-file", "invalid")
def incremental_saving_without_an_index(a: Authority) -> Case:
    """Readers that mend files take the last object 4; those that do not see the signed one."""
    return Case(signed(a) + b"4 0 obj\n" + LIE + b"\nendobj\n")


@cases.bad("not-whole-file", "invalid")
def incremental_saving_with_the_old_index(a: Authority) -> Case:
    """The published attack: the end points to the signed index, so that a strict reader sees nothing new."""
    pdf = signed(a)
    return Case(pdf + b"4 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (LIE, pages.startxref(pdf)))


@cases.bad("not-whole-file", "invalid")
def incremental_saving_with_a_trailer_only(a: Authority) -> Case:
    pdf = signed(a)
    body = b"4 0 obj\n%b\nendobj\ntrailer\n<</Root 1 0 R/Size 99/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
    return Case(pdf + body % (LIE, pages.startxref(pdf), pages.startxref(pdf)))


@cases.bad("not-whole-file", "invalid")
def revision_that_the_end_does_not_point_to(a: Authority) -> Case:
    """A whole revision with an index of its own; the end points to the index before it."""
    pdf = signed(a)
    lie = update(pdf, {WORDS: LIE})
    return Case(lie.replace(b"startxref\n%d" % pages.startxref(lie), b"startxref\n%d" % pages.startxref(pdf)))


@cases.bad("not-whole-file", "invalid")
def index_that_points_into_a_stream(a: Authority) -> Case:
    """A new index only: object 4 is redirected into the signed bytes of another object, where a second one hides."""
    hidden = b"4 0 obj\n" + LIE + b"\nendobj\n"
    pdf = signed(a, pages.page({7: pages.stream(b"\n" + hidden)}))
    row = pages.section(len(pdf), {4: pdf.index(hidden)}, _trailer(pdf), free=False)
    return Case(pdf + row)


def _trailer(pdf: bytes) -> bytes:
    return b"/Size %d/Root 1 0 R/Info 6 0 R/Prev %d" % (pages.free_number(pdf), pages.startxref(pdf))


@cases.bad("changed-after-signing", "invalid")
def shadow_hide(a: Authority) -> Case:
    """A picture that covered the lie is signed; afterwards it is made empty."""
    cover = pages.stream(b"1 g 0 0 595 842 re f", b"/Type /XObject/Subtype /Form/BBox [0 0 595 842]")
    base = pages.page(
        {7: cover},
        page=b"<</Type /Page/Parent 2 0 R/MediaBox [0 0 595 842]/Contents 4 0 R"
        b"/Resources <</Font <</F1 5 0 R>>/XObject <</X 7 0 R>>>>>>",
        words=pages.stream(b"BT /F1 24 Tf 72 700 Td (APPROVED: YES) Tj ET /X Do"),
    )
    empty = pages.stream(b"", b"/Type /XObject/Subtype /Form/BBox [0 0 0 0]")
    return Case(update(signed(a, base), {7: empty}))


@cases.bad("changed-after-signing", "invalid")
def shadow_replace_by_a_font(a: Authority) -> Case:
    """The letters are the same, the font that draws them is another."""
    return Case(update(signed(a), {FONT: b"<</Type /Font/Subtype /Type1/BaseFont /ZapfDingbats>>"}))


@cases.bad("changed-after-signing", "invalid")
def shadow_hide_and_replace(a: Authority) -> Case:
    """Two documents are signed, one of them unreachable; afterwards the catalog leads to the other."""
    base = pages.page(
        {
            7: b"<</Type /Catalog/Pages 8 0 R>>",
            8: b"<</Type /Pages/Kids [9 0 R]/Count 1>>",
            9: b"<</Type /Page/Parent 8 0 R/MediaBox [0 0 595 842]/Contents 10 0 R/Resources <</Font <</F1 5 0 R>>>>>>",
            10: LIE,
        }
    )
    pdf = signed(a, base)
    catalog = with_key(pages.latest(pdf, CATALOG), b"/Pages", b"8 0 R")
    return Case(update(pdf, {CATALOG: catalog}))


@cases.bad("changed-after-signing", "invalid")
def catalog_replaced_in_the_trailer(a: Authority) -> Case:
    pdf = signed(a, pages.page({7: b"<</Type /Catalog/Pages 8 0 R>>", 8: b"<</Type /Pages/Kids [3 0 R]/Count 1>>"}))
    catalog = with_key(pages.latest(pdf, CATALOG), b"/Pages", b"8 0 R")
    return Case(update(pdf, {7: catalog}, root=7))


@cases.bad("changed-after-signing", "invalid")
def annotation_over_the_page(a: Authority) -> Case:
    pdf = signed(a)
    free = pages.free_number(pdf)
    note = b"<</Type /Annot/Subtype /FreeText/Rect [60 690 500 730]/Contents (APPROVED: YES)/DA (/F1 24 Tf)>>"
    return Case(update(pdf, {PAGE: _annotated(pdf, free), free: note}))


def _annotated(pdf: bytes, number: int) -> bytes:
    page = pages.latest(pdf, PAGE)
    return with_key(page, b"/Annots", b"[%b %d 0 R]" % (pages.get(page, b"/Annots")[1:-1], number))


def _form(a: Authority, **changes: object) -> bytes:
    """A signed page with a text field that says NO."""
    field = b"<</Type /Annot/Subtype /Widget/FT /Tx/T (approved)/V (NO)/Rect [72 600 300 630]/P 3 0 R/DA (/F1 12 Tf)>>"
    page = (
        b"<</Type /Page/Parent 2 0 R/MediaBox [0 0 595 842]/Contents 4 0 R"
        b"/Resources <</Font <</F1 5 0 R>>>>/Annots [7 0 R]>>"
    )
    catalog = b"<</Type /Catalog/Pages 2 0 R/AcroForm <</Fields [7 0 R]>>>>"
    return signed(a, pages.page({7: field}, page=page, catalog=catalog), **changes)


@cases.bad("changed-after-signing", "invalid")
def form_field_with_another_value(a: Authority) -> Case:
    pdf = _form(a)
    return Case(update(pdf, {7: pages.latest(pdf, 7).replace(b"(NO)", b"(YES)")}))


@cases.bad("changed-as-permitted")
def form_field_filled_as_the_certification_permits(a: Authority) -> Case:
    pdf = _form(a, certify=2)
    return Case(update(pdf, {7: pages.latest(pdf, 7).replace(b"(NO)", b"(YES)")}))


@cases.bad("changed-after-signing", "invalid")
def script_added(a: Authority) -> Case:
    pdf = signed(a)
    action = b"<</S /JavaScript/JS (app.alert\\(1\\))>>"
    return Case(update(pdf, {CATALOG: with_key(pages.latest(pdf, CATALOG), b"/OpenAction", action)}))


@cases.bad("changed-after-signing", "invalid")
def embedded_file_swapped(a: Authority) -> Case:
    catalog = b"<</Type /Catalog/Pages 2 0 R/Names <</EmbeddedFiles <</Names [(data.xml) 7 0 R]>>>>>>"
    file = b"<</Type /Filespec/F (data.xml)/UF (data.xml)/EF <</F 8 0 R>>>>"
    base = pages.page({7: file, 8: pages.stream(b"<approved>no</approved>", b"/Type /EmbeddedFile")}, catalog=catalog)
    return Case(update(signed(a, base), {8: pages.stream(b"<approved>yes</approved>", b"/Type /EmbeddedFile")}))


@cases.bad("changed-after-signing", "invalid")
def second_signature_where_the_certification_permits_none(a: Authority) -> Case:
    return Case(sign(signed(a, certify=1), Signing(pades(a.second), b"S2")))


@cases.bad("later-appearance")
def second_signature_drawn_over_the_words(a: Authority) -> Case:
    appearance = b"/AP <</N 20 0 R>>"
    box = b"/Type /XObject/Subtype /Form/BBox [0 0 400 40]/Resources <</Font <</F1 5 0 R>>>>"
    drawn = {20: pages.stream(b"BT /F1 24 Tf (APPROVED: YES) Tj ET", box)}
    signing = Signing(pades(a.second), b"S2", rectangle=b"[60 690 500 730]", appearance=appearance)
    return Case(sign(signed(a), signing, drawn))


@cases.bad("changed-after-signing", "invalid")
def other_words_under_a_second_signature(a: Authority) -> Case:
    """The second signature is honest and covers all; the first signed something else."""
    return Case(sign(signed(a), Signing(pades(a.second), b"S2"), {WORDS: LIE}))


@cases.bad("evidence-not-covered")
def evidence_that_nothing_covers(a: Authority) -> Case:
    return Case(with_evidence(a, signed(a)))


@cases.bad("evidence-not-covered")
def title_changed_after_signing(a: Authority) -> Case:
    return Case(update(signed(a), {INFO: b"<</Title (Approval)>>"}))


@cases.bad("not-whole-file", "invalid")
def line_after_the_end(a: Authority) -> Case:
    return Case(signed(a) + b"\n")


@cases.bad("not-whole-file", "invalid")
def garbage_after_the_end(a: Authority) -> Case:
    return Case(signed(a) + b"scanned by a mail gateway")


@cases.bad("not-whole-file", "invalid")
def whole_second_file_after_the_end(a: Authority) -> Case:
    return Case(signed(a) + pages.page(words=LIE))


# ---- the signature itself is not what it seems


@cases.bad("byte-range", "invalid")
def gap_wider_than_the_signature(a: Authority) -> Case:
    """The signer left a hole behind his signature; whatever is written there, he signed it."""
    wider = Signing(
        pades(a.head), more=b"/Prop_Hole <" + b"0" * 40 + b">", ranges=lambda b, e, n: (0, b, e + 2, n - e - 2)
    )
    return Case(sign(pages.page(), wider))


@cases.bad("byte-range", "invalid")
def gap_before_the_signature(a: Authority) -> Case:
    return Case(sign(pages.page(), Signing(pades(a.head), ranges=lambda b, e, n: (0, b - 100, e, n - e))))


@cases.bad("byte-range", "invalid")
def range_from_the_middle(a: Authority) -> Case:
    return Case(sign(pages.page(), Signing(pades(a.head), ranges=lambda b, e, n: (20, b - 20, e, n - e))))


@cases.bad("byte-range", "invalid")
def range_that_begins_late(a: Authority) -> Case:
    return Case(sign(pages.page(), Signing(pades(a.head), ranges=lambda b, e, n: (5, b, e, n - e))))


@cases.bad("byte-range", "invalid")
def range_not_to_the_end(a: Authority) -> Case:
    return Case(sign(pages.page(), Signing(pades(a.head), ranges=lambda b, e, n: (0, b, e, n - e - 30))))


@cases.bad("byte-range", "invalid")
def range_with_two_gaps(a: Authority) -> Case:
    def ranges(begin: int, end: int, size: int) -> tuple[int, ...]:
        return 0, 99, 199, begin - 199, end, size - end

    return Case(sign(pages.page(), Signing(pades(a.head), ranges=ranges)))


@cases.bad("byte-range", "invalid")
def range_of_negative_numbers(a: Authority) -> Case:
    pdf = signed(a)
    return Case(pdf.replace(b"/ByteRange [0 ", b"/ByteRange [0-"))


@cases.bad("byte-range", "invalid")
def reason_swapped_by_a_later_revision(a: Authority) -> Case:
    """The published spoof: the signature's dictionary is written again, with another reason and the old ranges."""
    pdf = signed(a, more=b"/Reason (refused)")
    return Case(update(pdf, {7: pages.latest(pdf, 7).replace(b"(refused)", b"(granted)")}))


@cases.bad("hash-failure", "invalid")
def reason_swapped_in_place(a: Authority) -> Case:
    return Case(signed(a, more=b"/Reason (refused)").replace(b"(refused)", b"(granted)"))


@cases.bad("hash-failure", "invalid")
def words_changed_in_place(a: Authority) -> Case:
    return Case(signed(a).replace(b"(APPROVED: NO)", b"(APPROVED: OK)"))


@cases.bad("hash-failure", "invalid")
def permission_raised_in_place(a: Authority) -> Case:
    return Case(signed(a, certify=1).replace(b"/TransformParams/P 1", b"/TransformParams/P 3"))


@cases.bad("hash-failure", "invalid")
def signature_of_another_file(a: Authority) -> Case:
    _, message = pages.contents(signed(a))
    forged = sign(pages.page(words=LIE), Signing(pades(a.head)))
    return Case(pages.put(forged, pages.contents(forged)[0], message.rstrip(b"\0")))


@cases.bad("signature-reused", "invalid")
def second_field_with_the_same_signature(a: Authority) -> Case:
    """It looks as if two persons had signed."""
    pdf = signed(a)
    free = pages.free_number(pdf)
    field = pages.latest(pdf, 8).replace(b"(S1)", b"(S2)")
    catalog = pages.latest(pdf, CATALOG).replace(b"8 0 R]", b"8 0 R %d 0 R]" % free)
    return Case(update(pdf, {CATALOG: catalog, PAGE: _annotated(pdf, free), free: field}))


@cases.bad("signature-reused", "invalid")
def contents_copied_into_a_second_signature(a: Authority) -> Case:
    _, message = pages.contents(signed(a))
    twice = sign(signed(a), Signing(lambda _: message.rstrip(b"\0"), b"S2"))
    first = twice.index(b"/Contents <") + len(b"/Contents ")
    return Case(pages.put(twice, first, message.rstrip(b"\0")))


@cases.bad("timestamp-other", "invalid")
def timestamp_of_another_signature(a: Authority) -> Case:
    def make(covered: bytes) -> bytes:
        return stamped(Recipe(covered, a.head), a.tsa, a.now, value=b"the signature of another").encode()

    return Case(signed(a, make=make))


@cases.bad("timestamp-other", "invalid")
def document_timestamp_of_another_file(a: Authority) -> Case:
    stamp = replace(stamping(a), make=lambda _: messages.token(b"another file", a.tsa, a.now))
    return Case(sign(signed(a), stamp))


@cases.bad("only-timestamps")
def timestamp_that_poses_as_a_signature(a: Authority) -> Case:
    return Case(sign(pages.page(), stamping(a)))


@cases.bad("timestamp-order")
def document_timestamp_older_than_the_one_it_covers(a: Authority) -> Case:
    def make(covered: bytes) -> bytes:
        return stamped(Recipe(covered, a.head), a.tsa, a.now).encode()

    early = replace(stamping(a), make=lambda covered: messages.token(covered, a.tsa, a.now - timedelta(hours=2)))
    return Case(sign(signed(a, make=make), early))


@cases.bad("stray-signature")
def signature_taken_off_the_form(a: Authority) -> Case:
    """Somebody signed before; his field was dropped from the list, and another signed over it."""
    pdf = signed(a)
    catalog = re.sub(rb"/AcroForm <<.*?>>", b"", pages.latest(pdf, CATALOG))
    return Case(sign(update(pdf, {CATALOG: catalog}), Signing(pades(a.second), b"S2")))


@cases.bad("stray-signature")
def usage_rights_signature_beside_the_fields(a: Authority) -> Case:
    stray = b"<</Type /Sig/Filter /Adobe.PPKLite/SubFilter /adbe.pkcs7.detached/ByteRange [0 1 2 3]/Contents <00>>>"
    catalog = b"<</Type /Catalog/Pages 2 0 R/Perms <</UR3 7 0 R>>>>"
    return Case(signed(a, pages.page({7: stray}, catalog=catalog)))


@cases.bad("signature-kind")
def signature_of_a_kind_that_nobody_knows(a: Authority) -> Case:
    return Case(signed(a, kind=b"/Type /Sig/Filter /Adobe.PPKLite/SubFilter /acme.quantum"))


@cases.bad("signature-kind")
def signature_that_says_it_is_a_timestamp(a: Authority) -> Case:
    return Case(signed(a, kind=b"/Type /DocTimeStamp/Filter /Adobe.PPKLite/SubFilter /adbe.pkcs7.detached"))


@cases.bad("weak-algorithm")
def sha1_by_its_kind(a: Authority) -> Case:
    return Case(signed(a, kind=b"/Type /Sig/Filter /Adobe.PPKLite/SubFilter /adbe.pkcs7.sha1"))


@cases.bad("weak-algorithm")
def sha1(a: Authority) -> Case:
    return Case(signed(a, make=pades(a.head, digest="sha1")))


@cases.bad("gost")
def gost(a: Authority) -> Case:
    make = pades(a.head, digest_oid=messages.GOST_DIGEST, signature_oid=messages.GOST_SIGNATURE)
    return Case(signed(a, make=make))


@cases.bad("many-signers")
def two_signers_in_one_signature(a: Authority) -> Case:
    return Case(signed(a, make=lambda covered: Recipe(covered, a.head).encode(Recipe(covered, a.second))))


@cases.bad("cms-attributes")
def pades_that_does_not_name_its_certificate(a: Authority) -> Case:
    return Case(signed(a, make=pages.adbe(a.head)))


@cases.bad("cms-malformed")
def contents_of_its_own(a: Authority) -> Case:
    return Case(signed(a, make=pades(a.head, attached=True)))


@cases.bad("cms-not-der")
def indefinite_length(a: Authority) -> Case:
    return Case(signed(a, make=lambda covered: messages.indefinite(Recipe(covered, a.head).encode())))


@cases.bad("cms-malformed")
def contents_that_are_no_message(a: Authority) -> Case:
    return Case(signed(a, make=lambda _: b"\x30\x03\x02\x01\x01"))


@cases.bad("trailing-bytes")
def something_behind_the_message_in_its_room(a: Authority) -> Case:
    return Case(signed(a, padding=b"1"))


@cases.bad("byte-range", "invalid")
def spaces_in_the_room_of_the_message(a: Authority) -> Case:
    pdf = signed(a)
    begin, _ = pages.contents(pdf)
    return Case(pdf[: begin + 9] + b" \n" + pdf[begin + 11 :])


@cases.bad("no-chain")
def signature_of_a_stranger_with_the_same_names(a: Authority) -> Case:
    return Case(signed(a, make=pades(Authority(a.now).head)))


@cases.bad("no-chain")
def second_signature_of_a_stranger(a: Authority) -> Case:
    return Case(sign(signed(a), Signing(pades(Authority(a.now).second), b"S2")))


@cases.bad("certificate-purpose")
def signed_with_the_certificate_for_login(a: Authority) -> Case:
    return Case(signed(a, make=pades(a.for_login)))


@cases.bad("not-signed", "invalid")
def page_without_a_signature(a: Authority) -> Case:
    return Case(pages.page())


@cases.bad("not-signed", "invalid")
def empty_signature_field(a: Authority) -> Case:
    field = b"<</Type /Annot/Subtype /Widget/FT /Sig/T (S1)/Rect [0 0 0 0]/P 3 0 R>>"
    return Case(pages.page({7: field}, catalog=b"<</Type /Catalog/Pages 2 0 R/AcroForm <</Fields [7 0 R]>>>>"))


# ---- the file reads in two ways, though all of it is signed


def _base(body: bytes, rows: dict[int, int], trailer: bytes = b"/Size 7/Root 1 0 R/Info 6 0 R/ID [<00> <00>]") -> bytes:
    return body + pages.section(len(body), rows, trailer)


def _taken_apart(pdf: bytes) -> tuple[bytes, dict[int, int]]:
    """The objects of a page with their head, and where each stands."""
    body = pdf[: pdf.rindex(b"xref\n0 1")]
    return body, {int(found[1]): found.start() for found in re.finditer(rb"(?m)^(\d+) 0 obj$", body)}


@cases.bad("ambiguous-objects")
def object_twice(a: Authority) -> Case:
    body, rows = _taken_apart(pages.page())
    return Case(signed(a, _base(body + b"4 0 obj\n%b\nendobj\n" % LIE, rows)))


@cases.bad("ambiguous-objects")
def object_twice_and_the_index_takes_the_last(a: Authority) -> Case:
    body, rows = _taken_apart(pages.page())
    return Case(signed(a, _base(body + b"4 0 obj\n%b\nendobj\n" % LIE, rows | {4: len(body)})))


@cases.bad("ambiguous-objects")
def object_that_the_index_does_not_list(a: Authority) -> Case:
    body, rows = _taken_apart(pages.page({7: LIE}))
    del rows[7]
    return Case(signed(a, _base(body, rows)))


@cases.bad("ambiguous-objects")
def object_that_is_listed_and_not_there(a: Authority) -> Case:
    body, rows = _taken_apart(pages.page())
    return Case(signed(a, _base(body, rows | {7: 15}, b"/Size 8/Root 1 0 R/Info 6 0 R/ID [<00> <00>]")))


@cases.bad("ambiguous-objects")
def object_stream_that_overrides_an_object(a: Authority) -> Case:
    """The index says that object 5 stands on its own; a stream of objects holds another object 5."""
    inside = b"5 0 " + b"<</Type /Font/Subtype /Type1/BaseFont /ZapfDingbats>>"
    packed = zlib.compress(inside)
    described = b"/Type /ObjStm/N 1/First 4/Filter /FlateDecode"
    return Case(signed(a, pages.page({7: pages.stream(packed, described)})))


@cases.bad("pdf-structure")
def bytes_between_objects(a: Authority) -> Case:
    body, rows = _taken_apart(pages.page())
    return Case(signed(a, _base(body + b"stray words\n", rows)))


@cases.bad("pdf-structure")
def end_of_file_inside_a_comment(a: Authority) -> Case:
    body, rows = _taken_apart(pages.page())
    return Case(signed(a, _base(body + b"%%EOF is not yet\n", rows)))


@cases.bad("pdf-structure")
def stream_longer_than_it_says(a: Authority) -> Case:
    short = b"<</Length 4>>\nstream\nBT ET and more\nendstream"
    return Case(signed(a, pages.page(words=short)))


@cases.bad("pdf-structure")
def something_before_the_header(a: Authority) -> Case:
    return Case(b"GIF89a" + signed(a))


@cases.bad("pdf-structure")
def key_twice_in_the_catalog(a: Authority) -> Case:
    body, rows = _taken_apart(pages.page(catalog=b"<</Type /Catalog/Pages 2 0 R/Pages 7 0 R>>"))
    tail = b"7 0 obj\n<</Type /Pages/Kids [3 0 R]/Count 1>>\nendobj\n"
    pdf = _base(body + tail, rows | {7: len(body)}, b"/Size 8/Root 1 0 R/Info 6 0 R/ID [<00> <00>]")
    return Case(pdf)


@cases.bad("pdf-hybrid")
def hybrid_file_with_two_indexes(a: Authority) -> Case:
    body, rows = _taken_apart(pages.page({7: pages.stream(b"", b"/Type /XRef/W [1 4 2]/Size 0/Index [0 0]")}))
    return Case(_base(body, rows, b"/Size 8/Root 1 0 R/Info 6 0 R/ID [<00> <00>]/XRefStm %d" % rows[7]))


@cases.bad("encrypted")
def encrypted(a: Authority) -> Case:
    body, rows = _taken_apart(pages.page({7: b"<</Filter /Standard/V 2/R 3/O (x)/U (x)/P -4>>"}))
    return Case(_base(body, rows, b"/Size 8/Root 1 0 R/Info 6 0 R/ID [<00> <00>]/Encrypt 7 0 R"))


@cases.bad("pdf-linearised")
def linearised(a: Authority) -> Case:
    """The first section points to a second further on, as in files rebuilt for the web."""
    body, rows = _taken_apart(pages.page())
    return Case(_base(body, rows, b"/Size 7/Root 1 0 R/Info 6 0 R/ID [<00> <00>]/Prev 15"))


@cases.bad("active-content")
def script_in_what_was_signed(a: Authority) -> Case:
    script = b"<</S /JavaScript/JS (this.getField\\('x'\\).value = 'YES')>>"
    return Case(signed(a, pages.page(catalog=b"<</Type /Catalog/Pages 2 0 R/OpenAction %b>>" % script)))


@cases.bad("active-content")
def script_under_an_escaped_name(a: Authority) -> Case:
    script = b"<</S /J#61vaScript/#4a#53 (1)>>"
    return Case(signed(a, pages.page(catalog=b"<</Type /Catalog/Pages 2 0 R/OpenAction %b>>" % script)))


@cases.bad("pdf-structure")
def tree_of_pages_that_turns_back(a: Authority) -> Case:
    page = b"<</Type /Pages/Parent 2 0 R/Kids [2 0 R]/Count 1>>"
    return Case(signed(a, pages.page(page=page)))


@cases.bad("not-whole-file", "invalid")
def revision_that_points_to_itself(a: Authority) -> Case:
    pdf = signed(a)
    loop = pages.section(len(pdf), {}, b"/Size 9/Root 1 0 R/Prev %d" % len(pdf), free=False)
    return Case(pdf + loop)
