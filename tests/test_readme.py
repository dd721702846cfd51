"""What the README promises is tried: its example runs, its eight steps are those of the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import qujat.pipeline

ROOT = Path(qujat.pipeline.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["valid genuine", "valid", "['identical', 'identical']"]


def test_the_eight_steps_are_the_same_in_readme_and_code() -> None:
    code = (ROOT / "pipeline.py").read_text(encoding="utf-8")
    told = re.findall(r"^\| (\d) \| \*\*(\w+)\*\*", README, re.MULTILINE)
    done = re.findall(r"# (\d) (\w+)", code)
    assert [number for number, _ in told] == list("12345678")
    # Twice: once in `issue`, once from `prepare` to `complete`.
    assert done == told * 2


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", text) + re.findall(r'src="([^"]+)"', text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_configuration_shown_is_one_that_is_read(tmp_path: Path) -> None:
    import qujat.settings as settings

    assert settings.__doc__
    _, shown = settings.__doc__.split("\n\n", 1)
    (tmp_path / "qujat.toml").write_text(shown, encoding="utf-8")
    read = settings.read(tmp_path / "qujat.toml")
    assert read.published
    assert read.root == tmp_path / "var"
