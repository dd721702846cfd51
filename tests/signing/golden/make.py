"""Made the documents in this folder, once, with version 0.1.0; those in `lasting` later. The keys were thrown away.

Run it again only for a new folder: what was signed once must verify for as long as it is kept.
"""

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from qujat.signing import cms, keys, lasting, pades, xades

AT = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
PERSON = keys.Person("800101300015", "ҮЛГІБАЕВ ӘБДІҒАЛИ", "990140000013", "«Үлгі» басқармасы")
XML = "<шешім><нөмір>1</нөмір></шешім>".encode()
CLAIM = {"at": AT, "reason": "Шешім", "name": "ҮЛГІБАЕВ Ә."}


def main(page: Path, into: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pki"
        keys.create_stand_in(folder, b"thrown away", PERSON, now=AT)
        ring = keys.open_keys(folder, b"thrown away", clock=lambda: AT)
        for public in ("root.pem", "issuing.pem", "root.crl.pem", "issuing.crl.pem"):
            shutil.copyfile(folder / public, into / public)
        plain(page.read_bytes(), ring, into)
        lasting_ones(page.read_bytes(), ring, into)


def plain(page: bytes, ring: keys.KeyRing, into: Path) -> None:
    for level, timestamper in (("B-B", None), ("B-T", ring.timestamper)):
        signed = pades.sign(page, ring.signer, timestamper=timestamper, **CLAIM)
        (into / f"{level}.pdf").write_bytes(signed)
        (into / f"{level}.p7s").write_bytes(cms.sign_detached(XML, ring.signer, at=AT, timestamper=timestamper))
    (into / "signed.xml").write_bytes(xades.sign(XML, ring.signer, at=AT))


def lasting_ones(page: bytes, ring: keys.KeyRing, into: Path) -> None:
    """Each form with evidence, PDF and CMS renewed once as well; the detached signature signs the lasting XML."""
    tsa = ring.timestamper
    stamped = xades.sign(XML, ring.signer, at=AT, timestamper=tsa)
    found = lasting.at_signing(xades.read(stamped).signed, ring.trust, ring.revocation, at=AT)
    xml = xades.extend(stamped, found, tsa)
    pdf = pades.extend(pades.sign(page, ring.signer, timestamper=tsa, **CLAIM), found, tsa)
    detached = cms.extend(cms.sign_detached(xml, ring.signer, at=AT, timestamper=tsa), xml, found, tsa)
    again = lasting.at_renewal(pades.read(pdf).signed, ring.trust, ring.revocation, at=AT)
    (into / "B-LTA.xml").write_bytes(xml)
    (into / "B-LTA.pdf").write_bytes(pdf)
    (into / "B-LTA.p7s").write_bytes(detached)
    (into / "renewed.pdf").write_bytes(pades.extend(pdf, again, tsa))
    (into / "renewed.p7s").write_bytes(cms.extend(detached, xml, again, tsa))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
