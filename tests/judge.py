"""A foreign checker in Java that stays for the next question: to start a JVM costs a second, its rules another, and it
gets warm. A question is one line; the answer is lines, and then one that says "done".
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer

import pytest

# C1 only and the serial collector: a run lasts seconds and tests run side by side (a third less processor time).
JAVA = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-Dfile.encoding=UTF-8", "-Dsun.jnu.encoding=UTF-8")
SECONDS = 120


class CheckerError(RuntimeError):
    """A checker is missing, or has not answered for every file. Never a reason to skip."""


class Judge:
    """One JVM. `name`: of the checker, for errors; `words`: class path, class and arguments."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self.name, command = name, [java(), *JAVA, *words]
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
        raise CheckerError(f"expected an answer of {self.name}, came exit {code}: {self.complaints.read()[:2000]}")

    def dismiss(self) -> None:
        """End it."""
        atexit.unregister(self.dismiss)
        self.process.kill()
        self.process.communicate()
        self.complaints.close()


def required(name: str, built: Path) -> None:
    """Skip with the reason where a program from Maven Central is not built in this folder; in CI that is a failure."""
    if shutil.which("java") and (built / ".built").is_file():
        return
    reason = f"{name} is not built: it needs Java 17 and Maven; run scripts/setup tests"
    if os.environ.get("QUJAT_CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def java() -> str:
    """Raises CheckerError."""
    found = shutil.which("java")
    if found is None:
        raise CheckerError("expected java on the path: run scripts/setup tests (default-jre-headless)")
    return found
