"""Made the documents in this folder, once, with version 0.1.0; the keys were thrown away.

Run it again only for a new folder: what was signed once must verify for as long as it is kept.
"""

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from qujat.signing import cms, keys, pades, xades

AT = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
PERSON = keys.Person("800101300015", "ҮЛГІБАЕВ ӘБДІҒАЛИ", "990140000013", "«Үлгі» басқармасы")


def main(page: Path, into: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pki"
        keys.create_stand_in(folder, b"thrown away", PERSON, now=AT)
        ring = keys.open_keys(folder, b"thrown away", clock=lambda: AT)
        for public in ("root.pem", "issuing.pem", "root.crl.pem", "issuing.crl.pem"):
            shutil.copy(folder / public, into / public)
    xml = "<шешім><нөмір>1</нөмір></шешім>".encode()
    for level, timestamper in (("B-B", None), ("B-T", ring.timestamper)):
        claim = {"at": AT, "reason": "Шешім", "name": "ҮЛГІБАЕВ Ә."}
        signed = pades.sign(page.read_bytes(), ring.signer, timestamper=timestamper, **claim)
        (into / f"{level}.pdf").write_bytes(signed)
        (into / f"{level}.p7s").write_bytes(cms.sign_detached(xml, ring.signer, at=AT, timestamper=timestamper))
    (into / "signed.xml").write_bytes(xades.sign(xml, ring.signer, at=AT))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
