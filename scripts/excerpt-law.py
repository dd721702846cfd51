"""Cut the official wordings out of the orders as received, and mend the damage of text extraction.

    scripts/excerpt-law.py FOLDER_OF_THE_ORDERS

Reads fixtures/law/<annex>.toml and writes fixtures/law/<annex>.<edition>.<language>.txt: what the tests compare the
templates with, word by word. Each [[excerpt]] names the document (its first three digits), its first and last line
(from 1, inclusive), and the repairs in order, on lines stripped of spaces; a repair that finds nothing, or more
than `times`, is an error.

    [[excerpt]]
    edition = "order_359"
    language = "kk"
    seed = "000"
    lines = [592, 690]
    [[excerpt.repair]]
    find = "қағидалары\\n5-қосымша"
    replace = "қағидаларына\\n5-қосымша"
    why = "000 lost the case ending; 001 has it"
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

LAW = Path(__file__).parent.parent / "fixtures" / "law"


def cut(excerpt: dict[str, Any], orders: Path) -> str:
    """The lines of one excerpt with its repairs made."""
    (document,) = orders.glob(f"{excerpt['seed']}_*.txt")
    first, last = excerpt["lines"]
    lines = document.read_text(encoding="utf-8").replace("\u00a0", " ").split("\n")[first - 1 : last]
    text = "\n".join(line.strip() for line in lines)
    for repair in excerpt.get("repair", []):
        found, wanted = text.count(repair["find"]), repair.get("times", 1)
        if found != wanted:
            raise SystemExit(f"{excerpt}: expected {wanted} times {repair['find']!r}, found {found}")
        text = text.replace(repair["find"], repair["replace"])
    return text


def main() -> None:
    for path in sorted(LAW.glob("*.toml")):
        for excerpt in tomllib.loads(path.read_text(encoding="utf-8"))["excerpt"]:
            target = LAW / f"{path.stem}.{excerpt['edition']}.{excerpt['language']}.txt"
            target.write_text(cut(excerpt, Path(sys.argv[1])) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
