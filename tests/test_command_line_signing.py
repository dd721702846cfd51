"""Real keys from the command line: prepared here, signed with openssl elsewhere, completed; and issued with a token."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import leaves
import offices
import pytest
from leaves import Leaf
from messages import by_gost
from offices import Pki
from test_command_line import SETTINGS, Shell
from test_signers import anchors
from tokens import MODULE, PIN, Hsm

from qujat import settings as configuration
from qujat.__main__ import main
from qujat.office import make_passphrase
from qujat.signing.keys import create_mark_key


@pytest.fixture
def head(pki: Pki, tmp_path: Path) -> Leaf:
    return leaves.leaf(tmp_path / "head", pki.folder, pki.passphrase, offices.head(), kind="rsa")


@pytest.fixture
def shell(tmp_path: Path, pki: Pki) -> Shell:
    """A user whose documents are signed elsewhere, by keys of the authority in `pki`."""
    return installed(tmp_path / "desk", pki, 'kind = "elsewhere"\nticket_minutes = 5')


def made(settings: Path, now: datetime) -> None:
    """The mark's key, as `qujat keys init` makes it."""
    read = configuration.read(settings)
    create_mark_key(read.key_folder, make_passphrase(read.passphrase_path), now=now)


def installed(folder: Path, pki: Pki, signer: str, **environment: str) -> Shell:
    folder.mkdir()
    shell = Shell(folder, **environment)
    anchors(folder / "trust", pki)
    beside = f'[trust]\nanchors = "trust/anchors"\n[timestamp]\nurl = "none"\n[signer]\n{signer}\n'
    (folder / "qujat.toml").write_text(SETTINGS + beside, encoding="utf-8")
    made(folder / "qujat.toml", pki.now)
    return shell


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QUJAT_CONFIG", "QUJAT_HOME", "QUJAT_PASSPHRASE", "QUJAT_SIGNER_SECRET"):
        monkeypatch.delenv(name, raising=False)


def sign(folder: Path, head: Leaf) -> None:
    """What the head does on his own machine."""
    for path in (folder / "page.kk.bin", folder / "page.ru.bin", folder / "data.xml"):
        (folder / f"{path.stem}.p7s").write_bytes(head.cms(path.read_bytes(), form="PEM"))


def test_a_document_is_prepared_signed_elsewhere_completed_and_checked(shell: Shell, head: Leaf) -> None:
    prepared = shell.json("prepare", shell.decision(), "-o", "out")
    folder = shell.folder / "out"
    assert [(f["name"], f["file"], f["format"]) for f in prepared["files"]] == [
        ("page.kk", "page.kk.bin", "cms-detached"),
        ("page.ru", "page.ru.bin", "cms-detached"),
        ("data", "data.xml", "cms-detached"),
    ]
    assert json.loads((folder / "ticket.json").read_text()) | {"folder": "out"} == prepared
    assert sorted(path.name for path in (folder / "reading").iterdir()) == [
        f"2026-000001.{x}.pdf" for x in ("kk", "ru")
    ]
    for file in prepared["files"]:
        digest = subprocess.run(["sha256sum", folder / file["file"]], capture_output=True, text=True, check=True).stdout
        assert digest.split()[0] == file["sha256"]
    sign(folder, head)
    issued = shell.json("complete", "out/ticket.json", "--signatures", "out", "-o", "issued")
    assert (issued["number"], issued["status"]) == ("2026-000001", "active")
    assert shell.json("check", issued["number"])["verdict"] == "valid"


Run = Callable[..., Any]


@pytest.fixture
def run(shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same user in this process, which is quicker: gives the exit code and the JSON."""
    monkeypatch.setenv("QUJAT_CONFIG", str(shell.folder / "qujat.toml"))
    monkeypatch.chdir(shell.folder)

    def call(*words: object) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*map(str, words), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def good(shell: Shell, run: Run, head: Leaf) -> dict[str, bytes]:
    """The head's signatures of what was prepared into out/."""
    run("prepare", shell.decision(languages=["kk"]), "-o", "out")
    files = {"page.kk": "page.kk.bin", "data": "data.xml"}
    return {name: head.cms((shell.folder / "out" / file).read_bytes()) for name, file in files.items()}


def test_signatures_may_be_named_one_by_one(run: Run, good: dict[str, bytes], tmp_path: Path) -> None:
    words = []
    for name, content in good.items():
        (tmp_path / f"signed-{name}").write_bytes(content)
        words += ["--signature", f"{name}={tmp_path / f'signed-{name}'}"]
    assert run("complete", "out/ticket.json", *words, "-o", "issued")[1]["number"] == "2026-000001"


FOLDER, NOWHERE = ("--signatures", "signed"), ("--signatures", "none")
WRONG: dict[str, tuple[str, tuple[str, ...], int, str]] = {
    "no signatures": ("out/ticket.json", (), 4, "signature-refused"),
    "an unknown ticket": ("0" * 40, FOLDER, 4, "unknown-ticket"),
    "no ticket.json": ("none.json", FOLDER, 2, "bad-configuration"),
    "another json": ("decision.json", FOLDER, 2, "bad-configuration"),
    "no such file": ("out/ticket.json", ("--signature", "data=none"), 2, "bad-configuration"),
    "no such folder": ("out/ticket.json", NOWHERE, 2, "bad-configuration"),
    "GOST": ("out/ticket.json", FOLDER, 7, "unsupported-algorithm"),
}


def test_what_goes_wrong_has_its_code_and_nothing_is_issued(shell: Shell, run: Run, good: dict[str, bytes]) -> None:
    (shell.folder / "signed").mkdir()
    for name, content in good.items():
        (shell.folder / "signed" / f"{name}.p7s").write_bytes(by_gost(content))
    for what, (ticket, words, *wanted) in WRONG.items():
        exit_code, answer = run("complete", ticket, *words, "-o", "issued")
        assert [exit_code, answer["error"]["code"]] == wanted, what
    assert not (shell.folder / "issued").exists()


def test_a_signature_without_its_name_is_no_question(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as asked:
        run("complete", "ticket", "--signature", "page.kk", "-o", "issued")
    assert asked.value.code == 2
    assert "NAME=FILE" in capsys.readouterr().err


def test_an_office_that_signs_elsewhere_says_so_when_asked_to_issue(shell: Shell, run: Run) -> None:
    code, answer = run("issue", shell.decision(), "-o", "out")
    assert (code, answer["error"]["code"]) == (4, "key-unavailable")
    assert "qujat prepare" in answer["error"]["message"]


def test_its_keys_are_those_of_the_mark_and_the_register_alone(shell: Shell, run: Run) -> None:
    folder = shell.folder / "home" / "keys"
    shutil.rmtree(folder)
    code, shown = run("keys", "init")
    assert (code, shown["kind"], shown["trust"], "signer" in shown) == (0, "elsewhere", "stand-in", False)
    made = sorted(path.name for path in folder.iterdir())
    assert made == ["mark-keys.json", "mark.key.pem", "register-keys.json", "register.key.pem"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {(folder / name).stat().st_mode & 0o777 for name in made if name.endswith(".key.pem")} == {0o600}
    assert run("keys", "init")[1]["error"]["code"] == "key-unavailable"


def test_a_token_issues_from_the_command_line(tmp_path: Path, pki: Pki, head: Leaf, hsm: Hsm) -> None:
    hsm.make("desk")
    hsm.put("desk", "robot", head)
    signer = f'kind = "pkcs11"\nmodule = "{MODULE}"\ntoken = "desk"\nkey = "robot"'
    shell = installed(tmp_path / "desk", pki, signer, QUJAT_SIGNER_SECRET=PIN, **hsm.environment)
    issued = shell.json("issue", shell.decision(languages=["kk"]), "-o", "out")
    assert issued["status"] == "active"
    with hsm.pulled_out():
        answer = shell.json("issue", shell.decision(id="d-2"), "-o", "out", code=4)
    assert "put the token in" in answer["error"]["message"]
    assert PIN not in answer["error"]["message"]
