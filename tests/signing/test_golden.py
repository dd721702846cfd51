"""What was signed by an earlier version, with other versions of the libraries, still verifies: an archive lasts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qujat.signing import cms, keys, pades, xades
from qujat.signing.acceptance import Policy

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


LASTING = GOLDEN / "lasting"
YEARS_ON = AT + timedelta(days=4 * 365)


@pytest.mark.parametrize("name", ["B-LTA", "renewed"])
def test_old_lasting_files_prove_themselves_with_nothing_but_their_root(name):
    """Four years on; whoever checks has the root alone, and calls the timestamp authority an anchor."""
    trust = keys.open_trust(LASTING).bare
    anchored = Policy(tsa_is_anchor=True)
    pdf, p7s = ((LASTING / f"{name}.{end}").read_bytes() for end in ("pdf", "p7s"))
    xml = (LASTING / "B-LTA.xml").read_bytes()
    assert pades.verify(pdf, trust, at=YEARS_ON, policy=anchored).signed_at == AT
    assert cms.verify_detached(p7s, xml, trust, at=YEARS_ON, policy=anchored).level == "B-LTA"
    assert xades.verify(xml, trust, at=YEARS_ON, policy=anchored).data == XML
