"""What docs/signing.md tells an auditor is what the code does: the order of the answers, the places, the codes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import offices
import pytest

from qujat import errors
from qujat.office import Office
from qujat.pipeline import check, issue
from qujat.verdicts import sentences

ROOT = Path(errors.__file__).parent
TEXT = (ROOT / "docs" / "signing.md").read_text(encoding="utf-8").partition("## For an auditor")[2]
OURS, STRANGERS = TEXT.partition("### A stranger's file")[::2]
CLASSES: Mapping[str, list[str]] = {
    code: [name for name, kind in vars(errors).items() if getattr(kind, "code", "") == code]
    for code in {getattr(kind, "code", "") for kind in vars(errors).values()}
}


def rows(text: str) -> list[list[str]]:
    """The cells of the tables, heads apart."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return [row for row in cells if row[2] != "where" and not row[0].startswith("---")]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_a_check_answers_in_the_order_that_is_told(office_in_memory: Office) -> None:
    issued = issue(offices.parsed(), office_in_memory)
    told = [name for row in rows(OURS) for name in quoted(row[0])]
    asked = [answer.name for answer in check(issued.pdf("kk"), office_in_memory).checks]
    assert [name for name in told if name != "preparer"] == asked


@pytest.mark.parametrize("row", rows(OURS) + rows(STRANGERS), ids=lambda row: f"{row[0] or '-'} {row[2]}"[:60])
def test_the_codes_of_a_row_come_from_the_modules_of_the_row(row: list[str]) -> None:
    sources = "".join((ROOT / name).read_text(encoding="utf-8") for name in quoted(row[2]))
    assert sources
    for code in quoted(row[3]):
        names = [f'"{code}"', *(f"{name}(" for name in CLASSES.get(code, ())), *CLASSES.get(code, ())]
        assert any(name in sources for name in names), f"{code} is not told by {row[2]}"


def test_every_code_has_its_sentences() -> None:
    reasons = tomllib.loads((ROOT / "templates" / "web" / "reasons.toml").read_text(encoding="utf-8"))
    assert {code for row in rows(OURS) for code in quoted(row[3])} <= sentences().keys()
    told = {code for row in rows(STRANGERS) for code in quoted(row[3])} | {"too-costly", "checker-failed"}
    assert told <= reasons.keys()


def test_every_reason_that_a_stranger_can_hear_is_told() -> None:
    raised = re.compile(r'Objection\(\s*"([a-z0-9-]+)"')
    found = {code for path in (ROOT / "verifier").glob("*.py") for code in raised.findall(path.read_text("utf-8"))}
    told = {code for row in rows(STRANGERS) for code in quoted(row[3])}
    assert found <= told
