"""LibreOffice, where it is installed: an authority's own Word template as PDF. Never the document that is signed.

Its PDF is not reproducible and not archival (PDF/A): for looking at and for printing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from qujat.errors import ConfigurationError, RenderingError

TIMEOUT = 120.0


def pdf(docx: bytes, timeout: float = TIMEOUT) -> bytes:
    """A .docx as PDF, by a LibreOffice with a profile of its own that lives as long as this call.

    Raises ConfigurationError if LibreOffice is not installed, RenderingError if it fails or takes too long.
    """
    program = shutil.which("soffice")
    if program is None:
        raise ConfigurationError(
            "a Word file becomes a PDF by LibreOffice, and soffice is not in the PATH: install it "
            "(Debian: apt-get install libreoffice-writer-nogui), or take the .docx"
        )
    with tempfile.TemporaryDirectory(prefix="qujat-word-") as folder:
        source = Path(folder) / "document.docx"
        source.write_bytes(docx)
        said = _run(_command(program, source), Path(folder), timeout)
        target = source.with_suffix(".pdf")
        if not target.exists():
            raise RenderingError(f"LibreOffice gave no PDF: {said or 'it said nothing'}")
        return target.read_bytes()


def _command(program: str, source: Path) -> list[str]:
    profile = (source.parent / "profile").as_uri()
    return [
        program,
        f"-env:UserInstallation={profile}",
        "--headless",
        "--norestore",
        "--convert-to",
        "pdf:writer_pdf_Export",
        "--outdir",
        str(source.parent),
        str(source),
    ]


def _run(command: list[str], folder: Path, timeout: float) -> str:
    """What the program said. It has children of its own: all of them are stopped when the time is up."""
    process = subprocess.Popen(  # noqa: S603  our own words, no shell
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=os.environ | {"HOME": str(folder)},
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise RenderingError(f"LibreOffice was not done after {timeout:g} seconds and was stopped") from None
    return said.decode("utf-8", "replace").strip()
