"""What was signed by an earlier version, with other versions of the libraries, still verifies: an archive lasts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from qujat.signing import cms, keys, pades, xades

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
XML = "<шешім><нөмір>1</нөмір></шешім>".encode()


@pytest.fixture(scope="module")
def trust():
    return keys.open_trust(GOLDEN)


@pytest.mark.parametrize("level", ["B-B", "B-T"])
def test_an_old_pdf_verifies(trust, level):
    found = pades.verify((GOLDEN / f"{level}.pdf").read_bytes(), trust, at=AT)
    assert (found.level, found.signed_at, found.name) == (level, AT, "ҮЛГІБАЕВ Ә.")


@pytest.mark.parametrize("level", ["B-B", "B-T"])
def test_an_old_detached_signature_verifies(trust, level):
    assert cms.verify_detached((GOLDEN / f"{level}.p7s").read_bytes(), XML, trust, at=AT).level == level


def test_old_signed_xml_verifies(trust):
    """signxml is asked to write it again: should a new version write otherwise, this is where it shows."""
    assert xades.verify((GOLDEN / "signed.xml").read_bytes(), trust, at=AT).data == XML
