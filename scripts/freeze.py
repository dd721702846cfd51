"""Lock the editions that are in force or past: forms/shared/frozen.toml has a SHA-256 over all that draws them.

    python scripts/freeze.py           write the locks of editions that have none yet
    python scripts/freeze.py --check   exit 1 if a locked edition has changed
    python scripts/freeze.py --again   write all locks anew: only for a mistake found before anything was issued

A lock covers both wordings of the edition with their Word templates, its paper (page, widgets, style, the paper's
words) and the fonts.
"""

from __future__ import annotations

import sys
import tomllib
from hashlib import sha256
from pathlib import Path

from qujat.catalogue import Catalogue, Edition, Form, load

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "forms" / "shared" / "frozen.toml"
HEAD = "# SHA-256 of each edition with its paper and fonts, by scripts/freeze.py; a locked edition never changes.\n"


def lock(form: Form, edition: Edition) -> str:
    """The hash of all files that have a say in how this edition is drawn, with their names."""
    names = dict.fromkeys(form.template(edition.id, language) for language in edition.wording)
    wordings = [ROOT / "templates" / name for name in names]
    files = [path for wording in wordings for path in (wording, _word(wording))]
    paper = sorted(path for path in (ROOT / "templates" / "paper" / edition.paper).rglob("*") if path.is_file())
    digest = sha256()
    for path in [*(file for file in files if file.exists()), *paper]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _word(wording: Path) -> Path:
    return wording.with_name(wording.name.removesuffix("html.j2") + "docx")


def locks(catalogue: Catalogue) -> dict[str, str]:
    """form.edition → hash, for every edition of which a wording is held."""
    return {
        f"{form.key}.{edition.id}": lock(form, edition)
        for form in catalogue.forms.values()
        for edition in form.editions
        if set(edition.wording.values()) != {"not-held"}
    }


def recorded() -> dict[str, str]:
    """What forms/shared/frozen.toml says."""
    return tomllib.loads(LOCKS.read_text(encoding="utf-8"))["lock"] if LOCKS.exists() else {}


def changed(catalogue: Catalogue) -> list[str]:
    """Locked editions that are no longer what was locked, or are gone."""
    now = locks(catalogue)
    return [name for name, value in recorded().items() if now.get(name) != value]


def main() -> int:
    now = locks(load())
    if "--check" in sys.argv:
        for name in changed(load()):
            print(f"{name} has changed since it was locked: restore it; a change is a new edition or paper")
        return 1 if changed(load()) else 0
    kept = now if "--again" in sys.argv else now | recorded()
    lines = [f'"{name}" = "{value}"' for name, value in sorted(kept.items())]
    LOCKS.write_text(HEAD + "\n[lock]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
