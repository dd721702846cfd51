"""A PDF read from front to back: what other writers make is read, and says the same as its index."""

import zlib

import pytest
from strangers import pages
from strangers.pages import page, stream

from qujat.signing import scan, tokens
from qujat.signing.scan import Unread
from qujat.signing.tokens import NotPdf


@pytest.mark.parametrize(
    "options",
    [
        ["--object-streams=disable"],
        ["--object-streams=generate"],
        ["--object-streams=generate", "--compress-streams=n"],
        ["--qdf", "--object-streams=disable"],
    ],
    ids=lambda options: " ".join(options),
)
def test_every_way_in_which_qpdf_writes_is_read(options, page, run, tmp_path):
    """Tables, cross-reference streams with and without predictor, objects in streams, lengths apart from streams."""
    (tmp_path / "in.pdf").write_bytes(page)
    run("qpdf", *options, tmp_path / "in.pdf", tmp_path / "out.pdf")
    (revision,) = scan.read((tmp_path / "out.pdf").read_bytes())
    assert revision.trailer.reference(b"/Root") in dict(revision.texts())


def test_a_linearised_file_is_told_apart(page, run, tmp_path):
    (tmp_path / "in.pdf").write_bytes(page)
    run("qpdf", "--linearize", tmp_path / "in.pdf", tmp_path / "out.pdf")
    with pytest.raises(Unread) as raised:
        scan.read((tmp_path / "out.pdf").read_bytes())
    assert raised.value.code == "pdf-linearised"


def test_an_encrypted_file_is_told_apart(page, run, tmp_path):
    (tmp_path / "in.pdf").write_bytes(page)
    run("qpdf", "--encrypt", "", "owner", "256", "--", tmp_path / "in.pdf", tmp_path / "out.pdf")
    with pytest.raises(Unread) as raised:
        scan.read((tmp_path / "out.pdf").read_bytes())
    assert raised.value.code == "encrypted"


def test_revisions_are_told_apart_and_later_objects_are_theirs():
    first, second = scan.read(pages.update(page(), {pages.WORDS: pages.words(b"other")}))
    assert sorted(first.objects) == [1, 2, 3, 4, 5, 6]
    assert sorted(second.objects) == [4]
    assert (first.end, second.trailer.integer(b"/Prev")) == (second.start, first.startxref)


def test_what_was_read_before_the_trouble_is_kept():
    with pytest.raises(Unread) as raised:
        scan.read(page() + b"stray")
    assert [len(revision.objects) for revision in raised.value.revisions] == [6]


def test_a_length_in_an_object_of_its_own_must_be_right():
    honest = page({7: b"12"}, words=b"<</Length 7 0 R>>\nstream\nBT (a) Tj ET\nendstream")
    assert scan.decoded(honest, scan.read(honest)[0].objects[pages.WORDS]) == b"BT (a) Tj ET"
    for wrong in (b"9 ", b"14", b"x "):
        with pytest.raises(Unread):
            scan.read(honest.replace(b"7 0 obj\n12", b"7 0 obj\n" + wrong))


@pytest.mark.parametrize(
    ("described", "data"),
    [
        (b"/Filter /LZWDecode", b"x"),
        (b"/Filter [/ASCIIHexDecode /FlateDecode]", b"x"),
        (b"/Filter /FlateDecode", b"not deflated"),
        (b"/Filter /FlateDecode", zlib.compress(b"x" * 999)[:-4]),
        (b"/Filter /FlateDecode", zlib.compress(b"x") + b"behind"),
        (b"/Filter /FlateDecode/DecodeParms <</Predictor 2>>", zlib.compress(b"x")),
        (b"/Filter /FlateDecode/DecodeParms <</Predictor 12/Columns 3>>", zlib.compress(b"\4abc")),
        (b"/Filter /FlateDecode/DecodeParms <</Predictor 12/Columns 3>>", zlib.compress(b"\2ab")),
        (b"/F (elsewhere)", b"x"),
    ],
)
def test_streams_that_do_not_open_are_not_guessed(described, data):
    made = page(words=stream(data, described))
    with pytest.raises(NotPdf):
        scan.decoded(made, scan.read(made)[0].objects[pages.WORDS])


def test_predictors_are_undone():
    rows = b"\0abc" + b"\1\1\1\1" + b"\2\1\1\1"
    made = page(words=stream(zlib.compress(rows), b"/Filter /FlateDecode/DecodeParms <</Predictor 15/Columns 3>>"))
    assert scan.decoded(made, scan.read(made)[0].objects[pages.WORDS]) == b"abc\1\2\3\2\3\4"


def test_words_of_pdf_are_told_apart():
    text = b"<</A (a \\) (b) c)/#42 [1 0 R <</C 2 0 R>>]/D <41>%comment\n/E true>>"
    read, end = tokens.dictionary(text, 0)
    assert end == len(text)
    assert dict(read.values) == {
        b"/A": b"(a \\) (b) c)",
        b"/B": b"[1 0 R <</C 2 0 R>>]",
        b"/D": b"<41>",
        b"/E": b"true",
    }
    assert (tokens.references(text), tokens.names(text)) == ([1, 2], {b"/A", b"/B", b"/C", b"/D", b"/E"})


@pytest.mark.parametrize(
    "text",
    [b"<</A", b"<</A]>>", b"[<<]>>", b"(a", b"<4x>", b"<</A endobj>>", b"<<1 2>>", b"<</A 1/A 2>>", b"{}", b""],
)
def test_what_is_no_value_is_not_guessed(text):
    read = tokens.dictionary if text.startswith(b"<<") else tokens.value_end
    with pytest.raises(NotPdf):
        read(text, 0)
