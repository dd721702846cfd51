"""Write every broken file of tests/strangers into a folder, named for its defect, with what must be said of it.

    .venv/bin/python scripts/hostile.py DIR

The keys are made anew each time, so the files differ from run to run in their signatures; `index.json` says, for each,
the value and the code, and `trust/` holds the certificates and CRLs to judge them by. Honest files stand in `honest/`.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from strangers import cms, costly, pdf, xml
from strangers.authority import Authority
from strangers.case import Case

ENDS = {"pdf": ".pdf", "xml": ".xml", "cms": ".p7s", "costly": ".bin"}


def main(folder: Path) -> None:
    authority = Authority(datetime.now(UTC).replace(microsecond=0))
    index = {}
    for module in (pdf, xml, cms, costly):
        form = module.cases.format
        for broken in module.cases.broken:
            name = f"{form}/{broken.name}{ENDS[form]}"
            write(folder / name, broken.build(authority))
            index[name] = {"value": broken.value, "code": broken.code}
        for build in module.cases.honest:
            write(folder / "honest" / form / f"{build.__name__}{ENDS[form]}", build(authority))
    (folder / "index.json").write_text(json.dumps(index, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write_trust(folder / "trust", authority)
    print(f"{folder}: {len(index)} broken files")


def write(path: Path, case: Case) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(case.content)
    if case.data is not None:
        path.with_name(path.name + ".data").write_bytes(case.data)


def write_trust(folder: Path, authority: Authority) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("root", "issuing"):
        holder = getattr(authority, name)
        (folder / f"{name}.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
    for name, crl in zip(("root", "issuing"), authority.crls, strict=True):
        (folder / f"{name}.crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
