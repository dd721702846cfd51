"""Pages do not change by accident: their text is kept, and editions in force or past are locked."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from cases import Case, cases, catalogue
from goldens import GOLDENS, golden_path, page_text

ROOT = Path(GOLDENS).parent.parent


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_text_of_a_page_is_the_one_that_was_read(case: Case) -> None:
    kept = golden_path(case).read_text(encoding="utf-8")
    assert page_text(case) == kept, "if the change is meant: python scripts/goldens.py, then read the difference"


def test_no_golden_is_left_over() -> None:
    assert {path.name for path in GOLDENS.glob("*.txt")} == {golden_path(case).name for case in cases()}


def test_locked_editions_have_not_changed_and_all_are_locked() -> None:
    freeze = script("freeze")
    assert freeze.changed(catalogue()) == []
    assert set(freeze.recorded()) == set(freeze.locks(catalogue()))


def test_a_lock_notices_a_changed_comma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze = script("freeze")
    form = catalogue().form("o20-a05")
    before = freeze.lock(form, form.edition("order_359"))
    copy = tmp_path / "templates"
    for part in (form.key, "paper"):
        for path in (ROOT / "templates" / part).rglob("*"):
            target = copy / part / path.relative_to(ROOT / "templates" / part)
            if path.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    monkeypatch.setattr(freeze, "ROOT", tmp_path)
    assert freeze.lock(form, form.edition("order_359")) == before
    wording = copy / form.key / "order_359" / "kk.html.j2"
    wording.write_text(wording.read_text(encoding="utf-8").replace(",", ";", 1), encoding="utf-8")
    assert freeze.lock(form, form.edition("order_359")) != before
