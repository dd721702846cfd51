"""New keys for old ones: what the old ones signed stays valid, and a rotation cut short is noticed and finished."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import offices
import pytest
from cryptography import x509
from offices import HandClock

from qujat import issuing
from qujat import mark as marks
from qujat.errors import KeyUnavailable, MarkInvalid
from qujat.office import Office
from qujat.pipeline import check, issue
from qujat.renewing import renew
from qujat.signing import keys, pades, rotation, secret_files, standin
from qujat.signing.mark_keys import kid_of, open_mark_keys

OTHER = standin.Person("900412303121", "Сейтқали Айбек Нұрланұлы", "990440001234", "Басқарма")


@pytest.fixture
def folder(pki: offices.Pki, tmp_path: Path) -> Path:
    """A copy of the keys, to be changed."""
    return Path(shutil.copytree(pki.folder, tmp_path / "keys"))


def reopened(folder: Path, office: Office, clock: HandClock, passphrase: bytes = offices.PASSPHRASE) -> Office:
    ring = keys.open_keys(folder, passphrase, clock=clock)
    return replace(
        office,
        keys=ring,
        trust=ring.trust,
        mark_keys=ring.mark_keys,
        timestamper=ring.timestamper,
        revocation=ring.revocation,
        clock=clock,
    )


def whole(folder: Path, pki: offices.Pki) -> tuple[Office, HandClock]:
    clock = HandClock(pki.now)
    return reopened(folder, offices.office_in_memory(pki, clock), clock), clock


def rotate(what: str, folder: Path, clock: HandClock) -> bytes:
    """Rotate one thing; the passphrase that opens the keys afterwards."""
    match what:
        case "mark":
            rotation.rotate_mark(folder, offices.PASSPHRASE, at=clock())
        case "head":
            rotation.rotate_head(folder, offices.PASSPHRASE, offices.head(), at=clock())
        case "tsa":
            rotation.rotate_tsa(folder, offices.PASSPHRASE, at=clock())
        case _:
            rotation.change_passphrase(folder, offices.PASSPHRASE, b"another")
            return b"another"
    return offices.PASSPHRASE


@pytest.mark.parametrize("what", ["mark", "head", "tsa", "passphrase"])
def test_after_a_rotation_old_documents_are_valid_and_new_ones_too(what: str, folder: Path, pki: offices.Pki) -> None:
    office, clock = whole(folder, pki)
    before = issue(offices.parsed(), office)
    clock.step(hours=1)
    passphrase = rotate(what, folder, clock)
    clock.step(hours=1)
    office = reopened(folder, office, clock, passphrase)
    after = issue(offices.parsed(id="after"), office)
    for issued in (before, after):
        for content in (issued.pdf("kk"), issued.files[f"{issued.number}.xml"], issued.mark):
            assert check(content, office).value == "valid"


def test_a_rotated_certificate_is_kept_and_no_private_key(folder: Path, pki: offices.Pki) -> None:
    rotation.rotate_head(folder, offices.PASSPHRASE, OTHER, at=pki.now)
    rotation.rotate_tsa(folder, offices.PASSPHRASE, at=pki.now)
    kept = [path.name for path in (folder / "retired").iterdir()]
    assert sorted(name.split("-")[0] for name in kept) == ["head", "tsa"]
    assert not [name for name in kept if "key" in name]
    assert keys.open_keys(folder, offices.PASSPHRASE).signer.certificate == keys.head_certificate(folder)


def test_a_rotated_certificate_says_where_its_issuer_answers_as_the_old_one_did(
    folder: Path, pki: offices.Pki, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    keys.create_stand_in(own, offices.PASSPHRASE, OTHER, now=pki.now, services="http://pki.example/")
    for where in (folder, own):
        before = {name: places(where / f"{name}.pem") for name in ("head", "tsa")}
        rotation.rotate_head(where, offices.PASSPHRASE, OTHER, at=pki.now)
        rotation.rotate_tsa(where, offices.PASSPHRASE, at=pki.now)
        assert {name: places(where / f"{name}.pem") for name in ("head", "tsa")} == before
        assert all(before.values())


def places(path: Path) -> list[x509.ExtensionType]:
    kinds = (x509.CRLDistributionPoints, x509.AuthorityInformationAccess)
    held = x509.load_pem_x509_certificate(path.read_bytes()).extensions
    return [extension.value for extension in held if isinstance(extension.value, kinds)]


def test_evidence_of_an_old_authority_is_renewed_by_the_new_one(folder: Path, pki: offices.Pki) -> None:
    office, clock = whole(folder, pki)
    issued = issue(offices.parsed(), office)
    clock.step(days=30)
    for what in ("tsa", "head"):
        rotate(what, folder, clock)
    clock.step(hours=1)
    office = reopened(folder, office, clock)
    renew(issued.number, office)
    (page, *_) = office.register.by_number(issued.number).files
    stamps = [layer.stamp.certificate for layer in pades.read(office.blobs.get(page.sha256)).signed.layers]
    assert len(set(stamps)) == 2
    assert check(issued.number, office).value == check(issued.pdf("kk"), office).value == "valid"


def test_an_old_mark_is_checked_by_the_old_key_and_only_for_its_time(folder: Path, pki: offices.Pki) -> None:
    office, clock = whole(folder, pki)
    before = issue(offices.parsed(), office).document
    old = office.key_ring().mark_key
    kid = kid_of(old.public_key())
    clock.step(hours=1)
    new = rotation.rotate_mark(folder, offices.PASSPHRASE, at=clock())
    known = open_mark_keys(folder)
    assert (known[kid].retired_at, known[new.kid].valid_from) == (clock(), clock())
    late = issuing.claims(before.sealed, int(clock().timestamp()) + 1, office)
    text = marks.mark_text(office.address, before.token, marks.sign(late, old, kid))
    with pytest.raises(MarkInvalid):
        marks.verify(text, known)


def test_a_leaked_key_is_entered_as_compromised(folder: Path, pki: offices.Pki) -> None:
    old = keys.open_keys(folder, offices.PASSPHRASE).mark_key
    rotation.rotate_mark(folder, offices.PASSPHRASE, at=pki.now, compromised=True)
    assert open_mark_keys(folder)[kid_of(old.public_key())].compromised_at == pki.now


def test_a_document_reserved_before_the_rotation_gets_a_mark_that_its_new_key_may_make(
    folder: Path, pki: offices.Pki
) -> None:
    office, clock = whole(folder, pki)
    sent = offices.parsed()
    reserved = issuing.reserve(sent, issuing.wordings(sent, office), office)
    clock.step(hours=1)
    rotation.rotate_mark(folder, offices.PASSPHRASE, at=clock())
    office = reopened(folder, office, clock)
    issued = issue(sent, office)
    assert issued.number == reserved.number
    assert check(issued.mark, office).value == check(issued.pdf("kk"), office).value == "valid"


def test_a_rotation_of_the_mark_that_was_cut_short_is_refused_and_run_again(
    folder: Path, pki: offices.Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Mapping[str, bytes]] = []

    def once(where: Path, files: Mapping[str, bytes]) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(files)
        secret_files.write(where, files)

    monkeypatch.setattr(rotation, "write", once)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate_mark(folder, offices.PASSPHRASE, at=pki.now)
    monkeypatch.undo()
    with pytest.raises(KeyUnavailable, match="rotate mark"):
        keys.open_keys(folder, offices.PASSPHRASE)
    rotation.rotate_mark(folder, offices.PASSPHRASE, at=pki.now + timedelta(minutes=1))
    assert keys.open_keys(folder, offices.PASSPHRASE).mark_key


def test_a_wrong_passphrase_changes_nothing(folder: Path, pki: offices.Pki) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for change in (
        lambda: rotation.rotate_mark(folder, b"wrong", at=pki.now),
        lambda: rotation.rotate_head(folder, b"wrong", OTHER, at=pki.now),
        lambda: rotation.rotate_tsa(folder, b"wrong", at=pki.now),
        lambda: rotation.change_passphrase(folder, b"wrong", b"new"),
        lambda: rotation.change_passphrase(folder, offices.PASSPHRASE, b""),
    ):
        with pytest.raises(KeyUnavailable):
            change()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused_with_the_way_to_mend_it(folder: Path, mode: int) -> None:
    (folder / "head.key.pem").chmod(mode)
    with pytest.raises(KeyUnavailable, match=r"chmod 600 .*head\.key\.pem"):
        keys.open_keys(folder, offices.PASSPHRASE)


def test_no_secret_stands_in_a_repr_or_an_error(folder: Path) -> None:
    ring = keys.open_keys(folder, offices.PASSPHRASE)
    said = repr(ring) + repr(ring.signer)
    assert "PrivateKey" not in said
    assert offices.PASSPHRASE.decode() not in said
    with pytest.raises(KeyUnavailable) as refused:
        keys.open_keys(folder, b"hunter2-wrong")
    assert "hunter2" not in str(refused.value)
