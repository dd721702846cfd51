"""A page that could be primed is not signed: one primed page for each class. The pages that we render pass."""

import zlib

import pytest
from strangers import pages
from strangers.pages import page, stream

from qujat.errors import PageUnsafe
from qujat.signing import lint, pades

_RESOURCES = b"/Resources <</Font <</F1 5 0 R>>"


def with_page(extra, more=None):
    """The small page with something more in its page dictionary, and further objects."""
    head = b"<</Type /Page/Parent 2 0 R/MediaBox [0 0 595 842]/Contents 4 0 R"
    return page(more, page=head + b"/Resources <</Font <</F1 5 0 R>>>>" + extra + b">>")


def with_resources(extra, more=None):
    head = b"<</Type /Page/Parent 2 0 R/MediaBox [0 0 595 842]/Contents 4 0 R"
    return page(more, page=head + _RESOURCES + extra + b">>>>")


def with_catalog(extra, more=None):
    return page(more, catalog=b"<</Type /Catalog/Pages 2 0 R" + extra + b">>")


def annotated(annotation):
    return with_page(b"/Annots [7 0 R]", {7: b"<</Type /Annot/Rect [0 0 9 9]" + annotation + b">>"})


def attached(*files):
    listed = b" ".join(b"(%d) %d 0 R" % (number, 7 + 2 * number) for number in range(len(files)))
    objects = {}
    for number, file in enumerate(files):
        objects[7 + 2 * number] = file
        objects[8 + 2 * number] = stream(b"<a/>", b"/Type /EmbeddedFile")
    return with_catalog(b"/Names <</EmbeddedFiles <</Names [" + listed + b"]>>>>", objects)


DATA = b"<</Type /Filespec/F (d.xml)/UF (d.xml)/AFRelationship /Data/EF <</F 8 0 R>>>>"
LINK = b"/Subtype /Link/A <</S /URI/URI (https://qujat.example/)>>"
_ACTION = b"<</S /Launch/F (evil.exe)>>"
_IMAGE = b"/Type /XObject/Subtype /Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace /DeviceGray"


def with_picture(extra, **more):
    pictures = {7: stream(b"0", _IMAGE + extra), **{int(number[1:]): text for number, text in more.items()}}
    return with_resources(b"/XObject <</X 7 0 R>>", pictures)


_HIDDEN = b"BT /F1 9 Tf 3 Tr (YES) Tj ET"
_TWO_TREES = {7: b"<</Type /Catalog/Pages 8 0 R>>", 8: b"<</Type /Pages/Kids []>>"}
_LAYER = {7: b"<</Type /OCG/Name (x)>>"}
_SIGNATURE = {7: b"<</Type /Sig/ByteRange [0 1 2 3]>>"}
_OTHER = b"<</S /GoToR/F (other.pdf)/D [0 /Fit]>>"

# Class → a page of it, and what the refusal must say.
PRIMED = {
    "an object that nothing shows yet": (page({7: pages.words(b"YES")}), "nothing refers to"),
    "a second document beside the first": (page(_TWO_TREES), "nothing refers to"),
    "an object twice": (pages.update(page(), {4: pages.words(b"YES")}), "more than one revision"),
    "a layer": (with_catalog(b"/OCProperties <</OCGs [7 0 R]/D <<>>>>", _LAYER), "optional content"),
    "a layer in the resources": (with_resources(b"/Properties <</L 7 0 R>>", _LAYER), "optional content"),
    "a layer under an escaped name": (
        with_resources(b"/Properties <</L 7 0 R>>", {7: b"<</Type /O#43G/Name (x)>>"}),
        "optional content",
    ),
    "a picture in a layer": (with_picture(b"/OC 8 0 R", _8=b"<<>>"), "optional content"),
    "a note over the page": (annotated(b"/Subtype /FreeText/Contents (YES)"), "other than a link"),
    "a stamp over the page": (annotated(b"/Subtype /Stamp"), "other than a link"),
    "a link with a face of its own": (annotated(LINK + b"/AP <<>>"), "a link with /AP"),
    "an annotation inside its page": (with_page(b"/Annots [<</Subtype /FreeText>>]"), "not objects of their own"),
    "annotations apart from their page": (with_page(b"/Annots 7 0 R", {7: b"[]"}), "apart from their page"),
    "a script when it opens": (with_catalog(b"/OpenAction <</S /JavaScript/JS (1)>>"), "a script"),
    "a script by name": (with_catalog(b"/Names <</JavaScript <</Names []>>>>"), "a script"),
    "a link that starts a program": (annotated(b"/Subtype /Link/A " + _ACTION), "an action"),
    "an action of the page": (with_page(b"/AA <</O " + _ACTION + b">>"), "an action"),
    "a link to another file": (annotated(b"/Subtype /Link/A " + _OTHER), "an action"),
    "a link that does something unknown": (annotated(b"/Subtype /Link/A <</S /Thread>>"), "something else than lead"),
    "a form": (with_catalog(b"/AcroForm <</Fields []>>"), "a form"),
    "a form field": (annotated(b"/Subtype /Widget/FT /Tx/T (x)/V (NO)"), "a form"),
    "a signature of its own": (with_catalog(b"/Perms <</DocMDP 7 0 R>>", _SIGNATURE), "a form"),
    "two attachments": (attached(DATA, DATA.replace(b"8 0 R", b"10 0 R")), "more than one attachment"),
    "an attachment that is not the data": (
        attached(DATA.replace(b"/AFRelationship /Data", b"")),
        "not the data",
    ),
    "an attachment outside the file": (attached(DATA.replace(b"/EF <</F 8 0 R>>", b"/V [8 0 R]")), "not the data"),
    "a stream outside the file": (page(words=stream(b"", b"/F (words.txt)")), "outside the file"),
    "a page of another file": (with_picture(b"/Ref <<>>"), "outside the file"),
    "a picture with another for print": (with_picture(b"/Alternates []"), "outside the file"),
    "a picture with a mask": (with_picture(b"/SMask 8 0 R", _8=stream(b"0", _IMAGE)), "transparency"),
    "half transparent": (with_resources(b"/ExtGState <</G <</ca 0.5>>>>"), "transparency"),
    "wholly transparent lines": (with_resources(b"/ExtGState <</G <</CA 0>>>>"), "transparency"),
    "a blend": (with_resources(b"/ExtGState <</G <</BM /Multiply>>>>"), "transparency"),
    "words that are not drawn": (page(words=stream(_HIDDEN)), "not drawn"),
    "words that are not drawn, compressed": (
        page(words=stream(zlib.compress(_HIDDEN), b"/Filter /FlateDecode")),
        "not drawn",
    ),
    "a page tree within a page tree": (page(page=b"<</Type /Pages/Kids [4 0 R]/F 5 0 R>>"), "within a tree"),
    "a page twice": (page().replace(b"[3 0 R]/Count 1", b"[3 0 R]/Count 2"), "not a list of pages"),
    "a key that we do not know in the catalog": (with_catalog(b"/Threads []"), "the catalog with /Threads"),
    "a key that we do not know in the page": (with_page(b"/PieceInfo <<>>"), "a page with /PieceInfo"),
    "an object that is not there": (with_page(b"/Group 77 0 R"), "which is not there"),
    "encrypted": (page().replace(b"/Info 6 0 R", b"/Encrypt 6 0 R"), "encrypted"),
    "words behind the end": (page() + b"YES", "no place between objects"),
    "no PDF": (b"<html></html>", "no header"),
}


@pytest.mark.parametrize("name", PRIMED)
def test_a_page_that_could_be_primed_is_refused(name):
    primed, said = PRIMED[name]
    with pytest.raises(PageUnsafe, match=f"could be primed: .*{said}"):
        lint.check(primed)


@pytest.mark.parametrize("name", PRIMED)
def test_it_is_refused_before_the_key_is_used(name, now):
    class Untouchable:
        """A signer that must not be asked."""

        certificate, chain = None, ()

        def sign(self, data):
            raise AssertionError("the key was used")

    with pytest.raises(PageUnsafe):
        pades.sign(PRIMED[name][0], Untouchable(), at=now, timestamper=None, reason="x", name="x")


@pytest.mark.parametrize(
    "plain",
    [
        page(),
        annotated(LINK),
        attached(DATA),
        with_resources(b"/ExtGState <</G <</ca 1/CA 1.0>>>>"),
        with_resources(b"/XObject <</X 7 0 R>>", {7: stream(b"0", _IMAGE)}),
    ],
    ids=["words", "a link", "the data", "opaque", "a picture"],
)
def test_what_a_page_needs_is_allowed(plain):
    lint.check(plain)


@pytest.mark.parametrize("shape", ["page", "classic_page"])
def test_pages_as_they_are_rendered_pass(shape, request):
    lint.check(request.getfixturevalue(shape))
