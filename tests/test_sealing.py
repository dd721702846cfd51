"""Checkpoints of the register: whatever is changed behind its back is found, and what it does by itself is not."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import offices
import pytest
from joserfc import jws as jose
from joserfc.jwk import ECKey
from offices import HandClock

from qujat import sealing
from qujat.__main__ import main
from qujat.errors import KeyUnavailable, StoreError
from qujat.office import Office
from qujat.pipeline import annul, issue
from qujat.renewing import renew
from qujat.sealing import Finding
from qujat.signing import keys, rotation
from qujat.signing.mark_keys import REGISTER_FILE, REGISTER_KEY, MarkKey, open_register_keys

DAY = timedelta(days=1)


class Desk:
    """An office on the disk with its checkpoints."""

    def __init__(self, office: Office, clock: HandClock, folder: Path, pki: offices.Pki) -> None:
        self.office, self.clock, self.folder, self.pki = office, clock, folder, pki
        self.keys: dict[bytes, MarkKey] = dict(open_register_keys(pki.folder))

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def issue(self, name: str) -> str:
        return issue(offices.parsed(id=name, languages=["kk"]), self.office).number

    def seal(self) -> Path:
        """On the next day, so that all of this one is settled."""
        self.clock.step(days=1)
        key = keys.open_register_key(self.pki.folder, self.pki.passphrase)
        path, _ = sealing.seal(self.office.register, self.checkpoints, key, at=self.clock())
        return path

    def audit(self) -> list[Finding]:
        return sealing.audit(self.office.register, self.checkpoints, self.keys)

    def codes(self) -> list[str]:
        return [finding.code for finding in self.audit()]

    @contextmanager
    def behind_its_back(self) -> Iterator[sqlite3.Connection]:
        """The register's file without what protects it."""
        with closing(sqlite3.connect(self.folder / "register.sqlite")) as db, db:
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                db.execute(f"DROP TRIGGER {name}")
            yield db


def whole(folder: Path, pki: offices.Pki) -> Desk:
    clock = HandClock(pki.now)
    return Desk(offices.office_in(folder, pki, clock), clock, folder, pki)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, pki: offices.Pki) -> Desk:
    """Three days: two documents, then a third while one is renewed, then one is annulled; each sealed."""
    desk = whole(tmp_path_factory.mktemp("sealed"), pki)
    first, second = desk.issue("d-1"), desk.issue("d-2")
    desk.seal()
    desk.issue("d-3")
    renew(second, desk.office)
    desk.seal()
    annul(first, "сот шешімі", desk.office)
    desk.seal()
    with closing(sqlite3.connect(desk.folder / "register.sqlite")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return desk


@pytest.fixture
def desk(sealed: Desk, tmp_path: Path) -> Desk:
    """A copy of it, to be changed."""
    shutil.copytree(sealed.folder, tmp_path / "home")
    copy = whole(tmp_path / "home", sealed.pki)
    copy.clock.at = sealed.clock.at
    return copy


def test_what_was_sealed_is_found_again(desk: Desk) -> None:
    findings = desk.audit()
    assert [(finding.name, finding.value) for finding in findings] == [
        (f"00000{number}.jws", "valid") for number in (1, 2, 3)
    ]


def test_a_register_that_goes_on_still_agrees_with_its_checkpoints(desk: Desk) -> None:
    desk.issue("d-4")
    renew("2026-000003", desk.office)
    annul("2026-000002", "сот шешімі", desk.office)
    assert desk.codes() == ["ok"] * 3
    desk.seal()
    assert desk.codes() == ["ok"] * 4


def test_a_document_that_waited_for_its_signature_over_a_checkpoint_is_no_change(desk: Desk) -> None:
    """Its reservation is older than the checkpoint; what counts is when it was issued."""
    from qujat import issuing

    decision = offices.parsed(id="d-4", languages=["kk"])
    issuing.reserve(decision, issuing.wordings(decision, desk.office), desk.office)
    desk.seal()
    issue(decision, desk.office)
    desk.seal()
    assert desk.codes() == ["ok"] * 5


def test_entries_of_the_last_minute_wait_for_the_next_checkpoint(tmp_path: Path, pki: offices.Pki) -> None:
    desk = whole(tmp_path, pki)
    desk.issue("d-1")
    key = keys.open_register_key(pki.folder, pki.passphrase)
    at = desk.clock()
    counted = [
        sealing.seal(desk.office.register, desk.checkpoints, key, at=at + timedelta(seconds=seconds))[1].entries
        for seconds in (0, 60, 61)
    ]
    assert counted == [0, 0, 1]
    assert desk.codes() == ["ok"] * 3


DOCUMENT = "UPDATE document SET {} WHERE id = 1"
CHANGES = {
    # (what is done to the file) → the checkpoint that disagrees
    "authority": (DOCUMENT.format("authority = '990140000017'"), []),
    "decision": (DOCUMENT.format("decision = 'd-9'"), []),
    "number": (DOCUMENT.format("number = '2026-000009'"), [1, 3]),
    "digest": (DOCUMENT.format("digest = 'f'"), [1]),
    "token": (DOCUMENT.format("token = x'00112233445566778899aabb'"), [1]),
    "code": (DOCUMENT.format("code = 'other'"), []),
    "salt": (DOCUMENT.format("salt = x'00'"), [1, 3]),
    "reserved_at": (DOCUMENT.format("reserved_at = '2020-01-01T00:00:00+00:00'"), [1]),
    "data": (DOCUMENT.format("data = replace(data, 'o20-a05', 'o20-a04')"), [1]),
    "file.role": ("UPDATE file SET role = 'approval' WHERE document = 1 AND role = 'cms'", [1]),
    "file.language": ("UPDATE file SET language = 'ru' WHERE document = 3 AND role = 'page'", [2]),
    "file.name": ("UPDATE file SET name = 'x' WHERE document = 3 AND role = 'page'", [2]),
    "file.sha256": ("UPDATE file SET sha256 = 'x' WHERE document = 1 AND role = 'cms'", [1]),
    "file.page": ("UPDATE file SET page = 'x' WHERE document = 1 AND role = 'page'", [1]),
    "file.engine": ("UPDATE file SET engine = 'x' WHERE document = 1 AND role = 'page'", [1]),
    "issued earlier": ("UPDATE entry SET at = '2020-01-01T00:00:00+00:00' WHERE id = 2", [1]),
    "issued later": ("UPDATE entry SET at = '2036-01-01T00:00:00+00:00' WHERE id = 2", [1]),
    "annulled earlier": ("UPDATE entry SET at = '2020-01-01T00:00:00+00:00' WHERE kind = 'annulled'", [1, 3]),
    "reason": ("UPDATE entry SET reason = 'x' WHERE kind = 'annulled'", [3]),
    "superseded by": ("UPDATE entry SET kind = 'superseded', other = '2026-000002' WHERE kind = 'annulled'", [3]),
    "renewed file": ("UPDATE renewal SET sha256 = 'x' WHERE role = 'cms'", [2]),
    "renewed at": ("UPDATE renewal SET at = '2036-01-01T00:00:00+00:00' WHERE role = 'cms'", [2]),
    "no end": ("DELETE FROM entry WHERE kind = 'annulled'", [3]),
    "no renewal": ("DELETE FROM renewal WHERE role = 'cms'", [2]),
    "no file": ("DELETE FROM file WHERE document = 3 AND role = 'cms'", [2]),
    "not issued": ("DELETE FROM entry WHERE document = 3", [2]),
}


@pytest.mark.parametrize(("statement", "altered"), CHANGES.values(), ids=CHANGES)
def test_a_row_that_was_changed_or_deleted_is_found(desk: Desk, statement: str, altered: Sequence[int]) -> None:
    with desk.behind_its_back() as db:
        assert db.execute(statement).rowcount >= 1
    findings = desk.audit()
    found = [int(f.name[:6]) for f in findings if f.code == "register-altered"]
    assert found == altered
    # Columns that are only for looking up: the document itself is what was sealed, but it is not found.
    assert altered or "register-lookup" in [f.code for f in findings]


def test_a_document_that_was_put_into_the_past_is_found(desk: Desk) -> None:
    number = desk.issue("d-4")
    assert desk.codes() == ["ok"] * 3
    with desk.behind_its_back() as db:
        since = db.execute("SELECT at FROM entry WHERE id = 3").fetchone()
        db.execute(
            "UPDATE entry SET at = ? WHERE document = (SELECT id FROM document WHERE number = ?)", (*since, number)
        )
    assert desk.codes() == ["ok", "register-altered", "ok"]


def test_a_renewal_that_never_was_is_found(desk: Desk) -> None:
    with desk.behind_its_back() as db:
        db.execute(
            "INSERT INTO renewal (document, role, language, name, sha256, page, engine, at)"
            " SELECT document, role, language, name, 'x', page, engine, (SELECT at FROM entry WHERE id = 1) FROM file"
            " WHERE document = 3 AND role = 'cms'"
        )
    assert desk.codes() == ["register-altered", "ok", "ok"]


# The checkpoints themselves


def altered(path: Path, **changes: object) -> None:
    """The same checkpoint with other members and its old signature."""
    header, payload, signature = path.read_text().split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "==")) | changes
    made = base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":"), sort_keys=True).encode()).decode()
    path.write_text(".".join((header, made.rstrip("="), signature)))


@pytest.mark.parametrize("change", [{"entries": 1}, {"head": "0" * 64}, {"sealed_at": "2020-01-01T00:00:00Z"}])
def test_a_checkpoint_that_was_changed_is_found(desk: Desk, change: dict[str, object]) -> None:
    altered(desk.checkpoints / "000002.jws", **change)
    assert desk.codes()[:2] == ["ok", "checkpoint-altered"]


def test_a_checkpoint_that_is_gone_is_missed_by_the_next(desk: Desk) -> None:
    (desk.checkpoints / "000002.jws").unlink()
    assert desk.codes() == ["ok", "checkpoint-missing"]


def test_a_checkpoint_in_the_place_of_another_is_found(desk: Desk) -> None:
    shutil.copy(desk.checkpoints / "000001.jws", desk.checkpoints / "000002.jws")
    assert "checkpoint-missing" in desk.codes()


def test_a_checkpoint_by_a_strangers_key_is_found(desk: Desk, tmp_path: Path) -> None:
    stranger = offices.make_pki(tmp_path / "stranger")
    (desk.checkpoints / "000003.jws").unlink()
    key = keys.open_register_key(stranger.folder, stranger.passphrase)
    sealing.seal(desk.office.register, desk.checkpoints, key, at=desk.clock())
    assert desk.codes() == ["ok", "ok", "checkpoint-altered"]


def test_any_library_for_jws_reads_a_checkpoint(desk: Desk) -> None:
    key = keys.open_register_key(desk.pki.folder, desk.pki.passphrase)
    read = jose.deserialize_compact((desk.checkpoints / "000001.jws").read_bytes(), ECKey.import_key(key.public_key()))
    said = json.loads(read.payload)
    assert (said["number"], said["entries"], said["previous"]) == (1, 2, "")
    assert offices.head().iin not in read.payload.decode()


def test_two_who_seal_at_once_do_not_write_one_checkpoint(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sealing._files(desk.checkpoints)
    monkeypatch.setattr(sealing, "_files", lambda folder: before[:2])
    content = (desk.checkpoints / "000003.jws").read_bytes()
    with pytest.raises(StoreError, match="another"):
        desk.seal()
    assert (desk.checkpoints / "000003.jws").read_bytes() == content


# The key


@pytest.fixture
def own(desk: Desk, tmp_path: Path) -> Desk:
    """The same with keys of its own, to be rotated."""
    folder = Path(shutil.copytree(desk.pki.folder, tmp_path / "keys"))
    desk.pki = replace(desk.pki, folder=folder)
    return desk


def rotated(desk: Desk, *, compromised: bool = False) -> None:
    rotation.rotate_register(desk.pki.folder, desk.pki.passphrase, at=desk.clock(), compromised=compromised)
    desk.keys = dict(open_register_keys(desk.pki.folder))


def test_a_new_key_seals_and_what_the_old_one_sealed_still_counts(own: Desk) -> None:
    old = (own.pki.folder / REGISTER_KEY).read_bytes()
    rotated(own)
    own.seal()
    assert own.codes() == ["ok"] * 4
    assert (own.pki.folder / REGISTER_KEY).read_bytes() != old
    (retired, _) = own.keys.values()
    assert retired.retired_at


def test_a_retired_key_seals_no_more(own: Desk) -> None:
    old = keys.open_register_key(own.pki.folder, own.pki.passphrase)
    rotated(own)
    own.clock.step(days=1)
    sealing.seal(own.office.register, own.checkpoints, old, at=own.clock())
    assert own.codes() == ["ok", "ok", "ok", "checkpoint-key"]


def test_what_a_leaked_key_sealed_is_open(own: Desk) -> None:
    rotated(own, compromised=True)
    assert own.codes() == ["checkpoint-key-compromised"] * 3
    assert {finding.value for finding in own.audit()} == {"indeterminate"}


def test_an_installation_of_before_gets_its_key_by_rotating(own: Desk) -> None:
    for name in (REGISTER_KEY, REGISTER_FILE):
        (own.pki.folder / name).unlink()
    with pytest.raises(KeyUnavailable, match="qujat keys rotate register"):
        keys.open_register_key(own.pki.folder, own.pki.passphrase)
    with pytest.raises(KeyUnavailable, match="passphrase"):
        rotation.rotate_register(own.pki.folder, b"wrong", at=own.clock())
    rotated(own)
    shutil.rmtree(own.checkpoints)
    own.seal()
    assert own.codes() == ["ok"]


def test_a_rotation_cut_short_is_noticed_and_finished(own: Desk) -> None:
    key = (own.pki.folder / REGISTER_KEY).read_bytes()
    rotated(own)
    (own.pki.folder / REGISTER_KEY).write_bytes(key)
    with pytest.raises(KeyUnavailable, match="cut short"):
        keys.open_register_key(own.pki.folder, own.pki.passphrase)
    rotated(own)
    own.seal()
    assert own.codes() == ["ok"] * 4


def test_the_key_is_encrypted_its_owners_alone_and_no_other_key(pki: offices.Pki) -> None:
    path = pki.folder / REGISTER_KEY
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    ring = keys.open_keys(pki.folder, pki.passphrase)
    register = keys.open_register_key(pki.folder, pki.passphrase).public_key()
    assert register not in (ring.mark_key.public_key(), ring.signer.certificate.public_key())


# The commands


def test_seal_and_audit_as_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "q.toml").write_text('home = "home"\n')

    def run(*words: str) -> tuple[int, str]:
        code = main([*words, "--config", str(tmp_path / "q.toml")])
        return code, capsys.readouterr().out

    assert run("keys", "init")[0] == 0
    code, said = run("register", "audit")
    assert (code, said.split()[0]) == (7, "INDETERMINATE")
    code, said = run("register", "seal", "--json")
    assert (code, json.loads(said)["number"]) == (0, 1)
    code, said = run("register", "audit", "--json")
    assert (code, json.loads(said)["verdict"]) == (0, "valid")
    altered(tmp_path / "home" / "checkpoints" / "000001.jws", entries=7)
    assert run("register", "audit")[0] == 5
    (tmp_path / "home" / "keys" / REGISTER_FILE).unlink()
    assert run("register", "seal")[0] == 4
