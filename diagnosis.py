"""Does a deployment have what it needs? Each part is tried for real, and what is wrong is told with what to do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from qujat import office
from qujat.entries import Wanted
from qujat.errors import QujatError
from qujat.office import Clock
from qujat.settings import Settings

if TYPE_CHECKING:
    from qujat.signing.keys import KeyRing

State = Literal["ok", "warning", "error"]
SOON = timedelta(days=30)
APART = timedelta(minutes=1)  # how far our clock may be from a timestamp authority's
_PROBE = b"Qujat looked whether documents can be stored here.\n"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part. `what` says what was expected and what came, or what is there; and what to do."""

    part: str
    state: State
    what: str


Part = Callable[[Settings, Clock], Iterator[Finding]]


def findings(settings: Settings, clock: Clock = office.now) -> Iterator[Finding]:
    """Every part in turn; one that fails does not hide the next. A probe of 51 bytes is left among the documents."""
    for name, part in _PARTS.items():
        try:
            yield from part(settings, clock)
        except QujatError as error:
            yield Finding(name, "error", error.message)
        except OSError as error:
            yield Finding(name, "error", f"{error.filename}: {error.strerror}")


def _configuration(settings: Settings, clock: Clock) -> Iterator[Finding]:
    settings.root.mkdir(parents=True, exist_ok=True)
    trust = office.open_trust(settings)
    office.refuse_stand_in(settings, trust)
    state: State = "ok" if settings.profile == "production" else "warning"
    said = f'profile "{settings.profile}", everything under {settings.root.resolve()}'
    yield Finding("configuration", state, said + ("" if state == "ok" else "; documents of it are no EDS documents"))


def _register(settings: Settings, clock: Clock) -> Iterator[Finding]:
    register = office.open_register(settings)
    try:
        newest = register.find(Wanted(), limit=1).documents
    finally:
        register.close()
    yield Finding("register", "ok", f"{register.name} answers, its schema is of this version")
    if newest and newest[0].reserved_at > clock() + APART:
        yield Finding(
            "clock",
            "error",
            f"expected a time after the newest entry of the register ({newest[0].reserved_at.isoformat()}),"
            f" came {clock().isoformat(timespec='seconds')}; set the clock of this machine (chrony, systemd-timesyncd)",
        )


def _documents(settings: Settings, clock: Clock) -> Iterator[Finding]:
    blobs = office.open_blobs(settings)
    blobs.get(blobs.put(_PROBE))
    yield Finding("documents", "ok", f"{settings.stores.blobs}: stored, and read back as stored")


def _anchors(settings: Settings, clock: Clock) -> Iterator[Finding]:
    trust = office.open_trust(settings)
    names = "; ".join(anchor.subject.rfc4514_string() for anchor in trust.anchors)
    todo = "; for a real EDS name its anchors in [trust] (docs/signing.md)" if trust.stand_in else ""
    yield Finding("anchors", "warning" if trust.stand_in else "ok", f"{len(trust.anchors)}: {names}{todo}")
    for anchor in trust.anchors:
        yield from _until(
            "anchors", anchor.subject.rfc4514_string(), anchor.not_valid_after_utc, clock, "put its successor beside it"
        )


def _keys(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Opens every key; the token or file of the signer too."""
    ring = _ring(settings, clock)
    kids = ", ".join(kid.hex() for kid in ring.mark_keys)
    yield Finding("keys", "ok", f"the mark's keys open ({kids})")
    if settings.signer.kind == "elsewhere":
        yield Finding("signer", "ok", "documents are signed elsewhere")
        return
    certificate = ring.signer.certificate
    which = f"the certificate {certificate.serial_number:x}"  # its subject is a person, and this may end in a log
    said = f"{settings.signer.kind}: {which}, until {certificate.not_valid_after_utc.isoformat()}"
    yield Finding("signer", "warning" if ring.trust.stand_in else "ok", said)
    yield from _until("signer", which, certificate.not_valid_after_utc, clock, "ask for a new one, or rotate it")


def _until(part: str, subject: str, end: datetime, clock: Clock, todo: str) -> Iterator[Finding]:
    if end <= clock():
        yield Finding(part, "error", f"{subject} was valid until {end.isoformat()}; {todo}")
    elif end <= clock() + SOON:
        yield Finding(part, "warning", f"{subject} is valid until {end.isoformat()} only; {todo}")


def _ring(settings: Settings, clock: Clock) -> KeyRing:
    return office.open_ring(settings, office.open_trust(settings), clock)


def _timestamps(settings: Settings, clock: Clock) -> Iterator[Finding]:
    from qujat.signing.timestamp import stamp, verify

    ring = _ring(settings, clock)
    authority = office.open_timestamper(settings, ring)
    if authority is None:
        yield Finding("timestamps", "warning", '[timestamp] url = "none": signatures are of level B-B and age badly')
        return
    value = secrets.token_bytes(32)
    stamped = verify(stamp(authority, value), value, ring.trust)
    yield Finding("timestamps", "ok", f"{settings.timestamp.url} answers, and its certificate leads to an anchor")
    apart = abs(stamped.time - clock())
    if apart > APART:
        yield Finding(
            "clock",
            "error",
            f"expected the time of the timestamp authority ({stamped.time.isoformat()}), came one {apart} away;"
            " set the clock of this machine (chrony, systemd-timesyncd)",
        )


def _mandates(settings: Settings, clock: Clock) -> Iterator[Finding]:
    from qujat.signing.mandates import Mandates

    required = settings.profile == "production"
    Mandates.checked(settings.mandate, required=required)
    if settings.mandate:
        yield Finding("mandates", "ok", f"{len(settings.mandate)} on file")
    elif required:
        yield Finding("mandates", "error", "expected who may sign, came nobody; write a [[mandate]] for each")
    else:
        yield Finding("mandates", "warning", "none on file: whoever has the key may sign; write a [[mandate]] for each")


_PARTS: dict[str, Part] = {
    "configuration": _configuration,
    "register": _register,
    "documents": _documents,
    "anchors": _anchors,
    "keys": _keys,
    "timestamps": _timestamps,
    "mandates": _mandates,
}
