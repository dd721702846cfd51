"""EU DSS, the validator of the European Commission (LGPL-2.1, for tests alone): tests/dss, from Maven Central."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from judge import CheckerError, Judge, required

BUILT = Path(__file__).parent / "dss" / "target"
CLASSES = f"{BUILT}/second-opinion-1.jar:{BUILT}/dependency/*"

_judge: Judge | None = None


@dataclass(frozen=True)
class Opinion:
    """What DSS says of one signature. `indication` as in ETSI EN 319 102-1."""

    file: str
    indication: str
    sub_indication: str
    level: str
    signatures: int
    said: str


def opinions(pki: Path, files: Sequence[Path | tuple[Path, Path]]) -> list[Opinion]:
    """One opinion a signature, in the order of the files; a pair is a detached signature and what it signs.

    `pki`: root*.pem are the anchors, other *.pem certificates, *.crl.pem lists. One JVM for all questions of a
    process. Raises CheckerError.
    """
    required("EU DSS", BUILT)
    global _judge
    words = [f"{file[0]}+{file[1]}" if isinstance(file, tuple) else str(file) for file in files]
    _judge = _judge or Judge("EU DSS", ["-cp", CLASSES, "kz.qujat.seconds.Opinion"])
    try:
        rows = [line.split("\t") for line in _judge.answers("\t".join([str(pki), *words]))]
    except CheckerError:
        _judge = None
        raise
    return [Opinion(Path(row[0]).name, row[1], row[2], row[3], int(row[4]), row[5]) for row in rows]
