"""Verdicts: three values, a reason code, and a sentence for people in Kazakh, Russian and English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Literal, NoReturn, Protocol

from qujat.rendering import TEMPLATES

Value = Literal["valid", "invalid", "indeterminate"]


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """Code → sentences by language, from templates/web/verdicts.toml."""
    read: dict[str, dict[str, str]] = tomllib.loads((TEMPLATES / "web" / "verdicts.toml").read_text(encoding="utf-8"))
    return read


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer. `name` is stable: signature, evidence, certificate, revocation, timestamp, signer,
    preparer, data, mark, text, register, edition."""

    name: str
    value: Value
    code: str
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        said = sentences()[self.code]
        return {"name": self.name, "verdict": self.value, "code": self.code, **said, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Basis:
    """What a verdict rests on: the moment it is about, the policy, and each step of the proof.

    policy: as `signing.acceptance.Policy.as_json` gives it. steps: as `signing.proof.Step.as_json` gives each.
    """

    at: datetime | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        at = self.at.isoformat(timespec="seconds") if self.at else None
        return {"at": at, "policy": dict(self.policy), "evidence": [dict(step) for step in self.steps]}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found. Not a truth value: `if verdict:` raises, since "not invalid" is not "valid"."""

    value: Value
    code: str
    checks: tuple[Check, ...]
    document: dict[str, Any] = field(default_factory=dict)
    stand_in: bool = False
    anchors: tuple[str, ...] = ()
    basis: Basis = Basis()

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has three values: compare verdict.value with valid, invalid or indeterminate")

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.value,
            "code": self.code,
            **sentences()[self.code],
            "trust": "stand-in" if self.stand_in else "production",
            "anchors": list(self.anchors),
            **self.basis.as_json(),
            "document": self.document,
            "checks": [check.as_json() for check in self.checks],
        }


class Anchored(Protocol):
    """Whose trust a verdict rests on: `signing.trust.Trust` says it."""

    @property
    def stand_in(self) -> bool: ...

    @property
    def anchor_names(self) -> tuple[str, ...]: ...


def conclude(checks: Sequence[Check], document: dict[str, Any], trust: Anchored, basis: Basis = Basis()) -> Verdict:
    """One invalid answer makes the whole invalid; else one open answer makes it indeterminate.

    The verdict says whose trust it rests on: `stand_in`, and the `anchors` by name and SHA-256.
    """

    def concluded(value: Value, code: str) -> Verdict:
        return Verdict(value, code, tuple(checks), document, trust.stand_in, trust.anchor_names, basis)

    for value in ("invalid", "indeterminate"):
        for check in checks:
            if check.value == value and check.code != "not-checked":
                return concluded(check.value, check.code)
    return concluded("valid", "genuine")
