"""Build the Word template of every wording: templates/<key>/<edition>/*.docx, from the HTML wording beside it.

    python scripts/build-word.py            build all; prints what has changed
    python scripts/build-word.py --check    exit 1 if a template is missing or is not what would be built now

The same wording gives the same bytes. A template is never edited by hand: change the wording, build again.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from wordbuild.layout import document
from wordbuild.symbols import unfolded

from qujat.catalogue import load
from qujat.rendering import TEMPLATES


def wordings() -> list[tuple[str, str, str]]:
    """(path below templates/ without its ending, title, language) of every wording that is held."""
    found = {
        form.template(edition.id, language).removesuffix(".html.j2"): (form.title[language], language)
        for form in load().forms.values()
        for edition in form.editions
        for language, status in reversed(edition.wording.items())
        if status != "not-held"
    }
    return [(name, title, language) for name, (title, language) in found.items()]


def built(name: str, title: str, language: str) -> bytes:
    """The template of one wording. Raises FormError for what cannot stand in Word."""
    return document(unfolded(f"{name}.html.j2"), title, language)


def parts(docx: bytes) -> dict[str, bytes]:
    """What a .docx holds, apart from how it is compressed (another zlib may give other bytes)."""
    with zipfile.ZipFile(io.BytesIO(docx)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def is_stale(name: str, fresh: bytes) -> bool:
    """True if templates/<name>.docx is missing or holds something else."""
    target = TEMPLATES / f"{name}.docx"
    return not target.exists() or parts(target.read_bytes()) != parts(fresh)


def main() -> int:
    checking, stale = "--check" in sys.argv, 0
    for name, title, language in wordings():
        fresh = built(name, title, language)
        if is_stale(name, fresh):
            stale += 1
            print(f"templates/{name}.docx")
            if not checking:
                (TEMPLATES / f"{name}.docx").write_bytes(fresh)
    return 1 if stale and checking else 0


if __name__ == "__main__":
    sys.exit(main())
