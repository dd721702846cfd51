"""A file to be judged, and lists of them: broken ones with the answer that the verifier owes, honest ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qujat.signing.trust import Trust
    from strangers.authority import Authority


@dataclass(frozen=True)
class Case:
    """A file, what stands beside it, and as of when and by whose trust it is judged (default: the authority's)."""

    content: bytes
    data: bytes | None = None
    at: datetime | None = None
    trust: Trust | None = None


Builder = Callable[["Authority"], Case]


@dataclass(frozen=True)
class Broken:
    """A builder, and what must be said of its file. Its name is the defect."""

    build: Builder
    code: str
    value: str

    @property
    def name(self) -> str:
        return self.build.__name__


@dataclass
class Cases:
    """All files of one format."""

    format: str
    broken: list[Broken] = field(default_factory=list)
    honest: list[Builder] = field(default_factory=list)

    def bad(self, code: str, value: str = "indeterminate") -> Callable[[Builder], Builder]:
        """Marks a builder of a broken file; `code` is the reason that must decide."""

        def add(build: Builder) -> Builder:
            self.broken.append(Broken(build, code, value))
            return build

        return add

    def good(self, build: Builder) -> Builder:
        """Marks a builder of an honest file."""
        self.honest.append(build)
        return build
