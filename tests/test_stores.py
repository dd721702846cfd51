"""A deployment's stores: chosen in the configuration, tried by `qujat config check`, copied, restored, upgraded."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import buckets
import postgres
import pytest
from offices import PASSPHRASE, Pki, a_decision, parsed

from qujat import pipeline
from qujat.__main__ import main
from qujat.blobs import Folder
from qujat.diagnosis import findings
from qujat.errors import ConfigurationError
from qujat.office import open_blobs, open_office, open_register
from qujat.registers import backup, opening
from qujat.registers.backup import copy, lost
from qujat.s3 import Bucket
from qujat.settings import Settings

THEIRS = "990140000017"


@pytest.fixture
def deployment(tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """The settings of a deployment with keys, in a folder of its own; `stores` as the table says it."""
    monkeypatch.setenv("QUJAT_PASSPHRASE", PASSPHRASE.decode())

    def made(name: str = "first", **changes: Any) -> Settings:
        home = tmp_path / name
        if not home.exists():
            shutil.copytree(pki.folder, home / "keys")
        return Settings.model_validate({"home": home, **changes})

    return made


def grown(folder: Path) -> dict[str, Any]:
    """The table [stores] of a deployment on PostgreSQL and S3."""
    buckets.bucket_in(folder)
    blobs = f"s3://{buckets.name_of(folder)}/documents"
    return {"register": postgres.url_of(folder), "blobs": blobs, "s3": buckets.settings().model_dump()}


def test_without_a_configuration_the_stores_are_a_file_and_a_folder(deployment: Callable[..., Settings]) -> None:
    settings = deployment()
    assert open_register(settings).name == str(settings.root / "register.sqlite")
    assert open_blobs(settings) == Folder(settings.root / "blobs")


def test_a_document_is_issued_checked_and_rendered_again_on_postgresql_and_s3(
    deployment: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUJAT_S3_SECRET", "secret")
    settings = deployment(stores=grown(tmp_path))
    office = open_office(settings, signing=True)
    assert isinstance(office.blobs, Bucket)
    issued = pipeline.issue(parsed(languages=["kk"]), office)
    assert pipeline.issue(parsed(languages=["kk"]), office) == issued
    another = open_office(settings)
    assert pipeline.check(issued.number, another).code == "genuine"
    assert pipeline.check(issued.pdf("kk"), another).code == "genuine"
    assert {page.outcome for page in pipeline.rerender(issued.number, another).pages} == {"identical"}
    assert not list(lost(another.register, another.blobs))
    assert sorted(path.name for path in settings.root.iterdir()) == ["keys"]


# qujat config check


def states(settings: Settings, clock: Callable[[], Any] | None = None) -> dict[str, str]:
    """The worst state of each part."""
    order = ["ok", "warning", "error"]
    found: dict[str, str] = {}
    for each in findings(settings, clock) if clock else findings(settings):
        found[each.part] = max(each.state, found.get(each.part, "ok"), key=order.index)
    return found


def test_a_whole_deployment_has_no_errors(deployment: Callable[..., Settings]) -> None:
    assert states(deployment()) == {
        "configuration": "warning",  # the stand-in
        "register": "ok",
        "documents": "ok",
        "anchors": "warning",
        "keys": "ok",
        "signer": "warning",
        "timestamps": "ok",
        "mandates": "warning",
    }


def test_a_whole_deployment_on_postgresql_and_s3_has_no_errors(
    deployment: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUJAT_S3_SECRET", "secret")
    assert "error" not in states(deployment(stores=grown(tmp_path))).values()


NOBODY = "http://127.0.0.1:1/"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no server": ({"stores": {"register": "postgresql://u:hunter2@127.0.0.1:1/n"}}, "register"),
    "a folder for a register": ({"stores": {"register": "sqlite:///keys"}}, "register"),
    "a file for a folder": ({"stores": {"blobs": "folder:keys/root.pem"}}, "documents"),
    "no secret": ({"stores": {"blobs": "s3://b", "s3": {"access_key": "a", "endpoint": NOBODY}}}, "documents"),
    "no passphrase fits": ({"keys": {"folder": "none"}}, "keys"),
    "no anchors": ({"trust": {"anchors": "nowhere"}}, "anchors"),
    "nobody stamps": ({"timestamp": {"url": NOBODY}}, "timestamps"),
    "no stand-in in production": ({"profile": "production"}, "configuration"),
    "no mandates in production": ({"profile": "production"}, "mandates"),
}


@pytest.mark.parametrize(("changes", "part"), WRONG.values(), ids=WRONG)
def test_a_part_that_does_not_work_is_an_error_with_what_to_do_and_hides_no_other(
    deployment: Callable[..., Settings], changes: dict[str, Any], part: str
) -> None:
    found = list(findings(deployment(**changes)))
    (error, *_) = [each for each in found if each.part == part and each.state == "error"]
    assert len(error.what) > 20
    assert {"register", "documents", "mandates"} <= {each.part for each in found}
    assert not any("hunter2" in each.what for each in found)


def test_a_clock_behind_the_register_is_an_error(deployment: Callable[..., Settings], pki: Pki) -> None:
    settings = deployment()
    pipeline.issue(parsed(languages=["kk"]), open_office(settings, signing=True, clock=lambda: pki.now))
    assert "clock" not in states(settings, lambda: pki.now)
    assert states(settings, lambda: pki.now - timedelta(minutes=5))["clock"] == "error"


def test_a_certificate_that_ends_soon_is_a_warning_and_one_that_has_ended_an_error(
    deployment: Callable[..., Settings], pki: Pki
) -> None:
    def told(days: int) -> list[str]:
        return [f.state for f in findings(deployment(), lambda: pki.now + timedelta(days=days)) if "until" in f.what]

    assert told(0) == ["warning"]  # that it is a stand-in
    assert "warning" in told(350)[1:]
    assert "error" in told(500)


def test_no_person_is_named_by_the_check(deployment: Callable[..., Settings]) -> None:
    """What it says may end in a log."""
    official = a_decision()["official"]
    said = "\n".join(each.what for each in findings(deployment()))
    assert official["iin"] not in said
    assert official["full_name"] not in said


@pytest.fixture
def at_home(
    deployment: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs a command in the first deployment; gives its exit code and what it said."""
    monkeypatch.setenv("QUJAT_HOME", str(deployment().root))

    def run(*words: str) -> tuple[int, str]:
        code = main(words)
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_the_command_says_one_line_a_finding_and_exits_with_2_if_one_is_an_error(
    at_home: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = at_home("config", "check")
    assert (code, {line.split()[0] for line in said.splitlines()}) == (0, {"ok", "warning"})
    monkeypatch.setenv("QUJAT_TIMESTAMP__URL", NOBODY)
    code, said = at_home("config", "check", "--json")
    assert code == 2
    assert [each["part"] for each in json.loads(said) if each["state"] == "error"] == ["timestamps"]


# Backup, restore, check.


def test_a_backup_made_while_documents_are_issued_is_restored_and_every_document_is_genuine(
    deployment: Callable[..., Settings], tmp_path: Path, at_home: Callable[..., tuple[int, str]]
) -> None:
    settings = deployment()
    office = open_office(settings, signing=True)
    first = pipeline.issue(parsed(languages=["kk"]), office)
    assert at_home("register", "backup", str(tmp_path / "copy"))[0] == 0
    second = pipeline.issue(parsed(id="d-2", languages=["kk"]), office)
    code, said = at_home("register", "backup", str(tmp_path / "copy"), "--json")
    assert (code, json.loads(said)["kept"]) == (0, len(first.document.files))
    shutil.rmtree(settings.root / "blobs")
    restored = deployment("restored")
    shutil.copytree(tmp_path / "copy", restored.root, dirs_exist_ok=True)
    again = open_office(restored, signing=True)
    for issued in (first, second):
        assert again.register.by_number(issued.number) == issued.document
        assert pipeline.check(issued.number, again).code == "genuine"
    assert pipeline.issue(parsed(id="d-3", languages=["kk"]), again).number == "2026-000003"


def test_after_a_restore_numbers_that_are_on_paper_are_left_out_and_the_command_says_so(
    deployment: Callable[..., Settings], at_home: Callable[..., tuple[int, str]]
) -> None:
    """The backup ended at 2026-000001; the last paper that somebody holds says 2026-000003."""
    office = open_office(deployment(), signing=True)
    assert pipeline.issue(parsed(languages=["kk"]), office).number == "2026-000001"
    ours = parsed().authority.bin
    words = ["register", "skip", "--authority", ours, "--year", "2026", "--reason", "restored"]
    code, said = at_home(*words, "--to", "3", "--json")
    assert (code, json.loads(said)["last"], json.loads(said)["skipped"][0]["first"]) == (0, 3, 2)
    code, said = at_home("register", "numbers")
    assert (code, said.splitlines()[0]) == (0, f"{ours}  2026  the next number is 4")
    assert "2 to 3 left out on" in said
    assert said.strip().endswith("restored")
    assert pipeline.issue(parsed(id="d-2", languages=["kk"]), office).number == "2026-000004"


@pytest.mark.parametrize(
    ("word", "value"),
    [("--to", "0"), ("--to", "1000001"), ("--year", "26"), ("--authority", "990440001"), ("--reason", " ")],
)
def test_a_slip_of_the_hand_leaves_out_nothing(at_home: Callable[..., tuple[int, str]], word: str, value: str) -> None:
    words = {"--authority": a_decision()["authority"]["bin"], "--year": "2026", "--to": "3", "--reason": "restored"}
    code, said = at_home("register", "skip", *(each for pair in (words | {word: value}).items() for each in pair))
    assert (code, word.replace("--", "/") in said) == (2, True)
    assert at_home("register", "numbers", "--json")[1].strip() == "[]"


def test_whatever_a_copied_register_names_is_among_the_copied_blobs(
    deployment: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document that is issued between the two copies is in neither, or only its blobs are."""
    settings = deployment()
    office = open_office(settings, signing=True)
    pipeline.issue(parsed(languages=["kk"]), office)
    between = backup._copy_blobs

    def issue_and_copy(source: Path, target: Path) -> tuple[int, int]:
        pipeline.issue(parsed(id="d-2", languages=["kk"]), office)
        return between(source, target)

    monkeypatch.setattr(backup, "_copy_blobs", issue_and_copy)
    copy(office.register, office.blobs, tmp_path / "copy")
    copied = opening.in_sqlite(tmp_path / "copy" / "register.sqlite")
    assert len(list(copied.issued())) == 1
    assert not list(lost(copied, Folder(tmp_path / "copy" / "blobs")))


def test_a_copy_of_a_register_is_one_file_that_opens_by_itself(
    deployment: Callable[..., Settings], tmp_path: Path
) -> None:
    office = open_office(deployment(), signing=True)
    pipeline.issue(parsed(languages=["kk"]), office)
    copy(office.register, office.blobs, tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["blobs", "register.sqlite"]


def test_a_lost_and_an_altered_file_are_named(
    deployment: Callable[..., Settings], at_home: Callable[..., tuple[int, str]]
) -> None:
    office = open_office(deployment(), signing=True)
    issued = pipeline.issue(parsed(languages=["kk"]), office)
    assert at_home("register", "check")[0] == 0
    page, data, *_ = issued.document.files
    blobs = office.blobs
    assert isinstance(blobs, Folder)
    blobs._path(page.sha256).unlink()
    blobs._path(data.sha256).write_bytes(b"")
    code, said = at_home("register", "check", "--json")
    assert code == 6
    assert {(each["file"], each["code"]) for each in json.loads(said)} == {
        (page.name, "blob-missing"),
        (data.name, "blob-altered"),
    }


def test_a_register_in_postgresql_and_documents_in_a_bucket_are_copied_by_their_own_tools(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pg_dump"):
        copy(postgres.register_in(tmp_path), Folder(tmp_path), tmp_path / "copy")
    with pytest.raises(ConfigurationError, match="bucket"):
        copy(opening.in_sqlite(tmp_path / "r"), buckets.bucket_in(tmp_path), tmp_path / "copy")


def test_the_upgrade_takes_away_what_killed_writers_left(
    deployment: Callable[..., Settings], at_home: Callable[..., tuple[int, str]]
) -> None:
    left = deployment().root / "blobs" / "ab" / ".part-left"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert json.loads(at_home("register", "upgrade", "--json")[1])["cleared"] == 0
    os.utime(left, (0, 0))
    assert json.loads(at_home("register", "upgrade", "--json")[1])["cleared"] == 1
    assert not left.exists()


# A number that two authorities have given.


def test_a_number_that_two_authorities_have_given_is_asked_for_with_its_authority(
    deployment: Callable[..., Settings], at_home: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    office = open_office(deployment(), signing=True)
    issued = pipeline.issue(parsed(languages=["kk"]), office)
    with office.register.database.writing() as db:  # the other authority's would take a key of its own
        db.exec_driver_sql(
            "INSERT INTO document (authority, decision, number, digest, token, code, salt, reserved_at, data)"
            " SELECT ?, decision, number, digest, x'00', 'X', salt, reserved_at, data FROM document",
            (THEIRS,),
        )
    number, ours = issued.number, ("--authority", a_decision()["authority"]["bin"])
    for command in (
        ("check", number),
        ("rerender", number, "-o", str(tmp_path)),
        ("annul", number, "--reason", "қате"),
        ("evidence", "renew", number),
    ):
        code, said = at_home(*command)
        assert (code, "--authority" in said) == (2, True)
        assert at_home(*command, *ours)[0] == 0
    assert "not-issued" in at_home("check", number, "--authority", THEIRS)[1]
