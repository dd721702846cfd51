"""Many decisions: JSON Lines in, one row a decision out.

`partitions` cuts a file into parts of whole lines, and `issue_part` turns a part into its rows: a function of the part
and an office, which any engine can map over any number of machines (`pool` does it over the cores of one, `jobs` over
the workers of a database). Doing a part again is harmless: a decision that was issued gives its document again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from qujat.blobs import write_whole
from qujat.decision import MAX_BYTES, Decision, identity, parse
from qujat.errors import (
    BlobAltered,
    BlobMissing,
    DecisionError,
    EvidenceUnavailable,
    FieldError,
    FieldErrors,
    FormError,
    SeveralSigners,
    SignerNotEntitled,
    SigningServiceUnavailable,
    StoreError,
    TimestampUnavailable,
    as_json,
)
from qujat.issuing import Issued
from qujat.office import Office
from qujat.pipeline import issue

# What is wrong with one decision or its document: it gets a row. Everything else is wrong with the office: it stops.
OF_THE_DECISION = (DecisionError, FormError, SeveralSigners, SignerNotEntitled, BlobMissing, BlobAltered)
# What passes by itself, most often.
PASSING = (StoreError, TimestampUnavailable, EvidenceUnavailable, SigningServiceUnavailable)
Allowed = Callable[[Decision], bool]
PATIENCE = (0.5, 2.0, 8.0)  # seconds to wait before each further attempt


@dataclass(frozen=True, slots=True)
class Line:
    """One decision as it came: its line, counted from 1, and its JSON; cut after the size that a decision may have."""

    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one decision: a number, or an error as JSON. Nothing in it is personal."""

    line: int
    decision: str | None
    number: str | None = None
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    error: dict[str, Any] | None = None

    def as_json(self) -> str:
        """One line of the results, without its end."""
        said: dict[str, Any] = {"line": self.line, "decision": self.decision}
        if self.error:
            said["error"] = self.error
        else:
            said |= {"number": self.number, "warnings": list(self.warnings)}
        if self.files:
            said["files"] = list(self.files)
        return json.dumps(said, ensure_ascii=False)


def lines(file: IO[bytes], *, after: int = 0) -> Iterator[Line]:
    """Every line of a JSON Lines file that is not blank, without the first `after`. Holds one line at a time."""
    return islice(_lines(file), after, None)


def _lines(file: IO[bytes]) -> Iterator[Line]:
    number = 0
    while text := file.readline(MAX_BYTES + 2):
        number += 1
        rest = text
        while not rest.endswith(b"\n") and (rest := file.readline(MAX_BYTES)):
            pass  # a line too long to be a decision: only its beginning is kept, enough to be refused
        if text.strip():
            yield Line(number, text.rstrip(b"\r\n"))


def partitions(found: Iterable[Line], size: int) -> Iterator[list[Line]]:
    """The lines in parts of `size`, the last one perhaps shorter."""
    each = iter(found)
    while part := list(islice(each, size)):
        yield part


def issue_part(
    part: Iterable[Line],
    office: Office,
    *,
    allowed: Allowed | None = None,
    folder: Path | None = None,
    patience: Sequence[float] = PATIENCE,
) -> Iterator[Row]:
    """The rows of a part, each as soon as it is known; the files of documents go to `folder`, if there is one.

    `allowed`: which decisions may be issued; None: all. Raises what stops all work (`OF_THE_DECISION` tells what does
    not): StoreError, SigningError, VerificationError.
    """
    return (issue_line(line, office, allowed, folder, patience) for line in part)


def issue_line(
    line: Line, office: Office, allowed: Allowed | None, folder: Path | None, patience: Sequence[float]
) -> Row:
    """The row of one decision. Raises as `issue_part`."""
    decision: Decision | None = None
    try:
        decision = parse(line.text)
        if allowed and not allowed(decision):
            raise _not_permitted()
        issued = _issue(decision, office, patience)
    except OF_THE_DECISION as error:
        return Row(line.number, decision.id if decision else identity(line.text), error=as_json(error))
    files = _save(issued, folder) if folder else ()
    return Row(line.number, decision.id, issued.number, tuple(w.code for w in issued.warnings), files)


def _not_permitted() -> FieldErrors:
    message = "expected an authority and a form that this batch may issue, came another"
    return FieldErrors([FieldError("/authority/bin", "not-permitted", message)])


def _issue(decision: Decision, office: Office, patience: Sequence[float]) -> Issued:
    """Issue; what passes by itself is waited for."""
    for seconds in patience:
        try:
            return issue(decision, office)
        except OF_THE_DECISION:
            raise
        except PASSING:
            time.sleep(seconds)
    return issue(decision, office)


def _save(issued: Issued, folder: Path) -> tuple[str, ...]:
    """Write what people hold: pages, data, signature. One folder an authority: two may have given one number."""
    own = Path(issued.document.data["authority"]["bin"])
    names = [own / file.name for file in issued.document.files if file.role != "mark"]
    for name in names:
        try:
            write_whole(folder / name, issued.files[name.name])
        except OSError as error:
            raise StoreError(f"{folder / name} cannot be written: {error.strerror}") from error
    return tuple(map(str, names))
