"""Write the goldens anew: fixtures/goldens/<annex>.<edition>.<language>.txt, the text of the pages by pdftotext.

    python scripts/goldens.py

Read the difference (git diff fixtures/goldens) before it is committed: it is what a person would see change.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from cases import cases  # noqa: E402
from goldens import GOLDENS, golden_path, page_text  # noqa: E402


def main() -> None:
    GOLDENS.mkdir(exist_ok=True)
    for old in GOLDENS.glob("*.txt"):
        old.unlink()
    for case in cases():
        golden_path(case).write_text(page_text(case), encoding="utf-8")


if __name__ == "__main__":
    main()
