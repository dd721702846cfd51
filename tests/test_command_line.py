"""The command line as a user runs it: real processes, exit codes, JSON that can be read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import offices
import pytest
from homes import typed

SETTINGS = """
address = "https://qujat.example"
home = "home"
[published]
order_173 = 2024-06-10
order_222 = 2026-06-05
"""


class Shell:
    """A user with a folder of his own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.environment = folder, environment
        (folder / "qujat.toml").write_text(SETTINGS, encoding="utf-8")

    def __call__(self, *words: object, code: int = 0, config: bool = True) -> subprocess.CompletedProcess[str]:
        configuration = {"QUJAT_CONFIG": str(self.folder / "qujat.toml")} if config else {}
        return typed(self.folder, *words, code=code, **configuration, **self.environment)

    def json(self, *words: object, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code).stdout)

    def decision(self, **changes: Any) -> Path:
        path = self.folder / "decision.json"
        path.write_text(json.dumps(offices.a_decision(**changes), ensure_ascii=False), encoding="utf-8")
        return path


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A user with keys and one document."""
    shell = Shell(tmp_path_factory.mktemp("desk"))
    shell("keys", "init")
    shell("issue", shell.decision(), "-o", "out")
    return shell


def test_resolve_gives_exactly_what_is_promised(shell: Shell) -> None:
    assert shell.json("forms", "resolve", "o20-a05", "--on", "2026-03-02", "--language", "kk") == {
        "form": "quota_kandas_refusal",
        "annex": "o20-a05",
        "edition": "order_359",
        "in_force": "2026-01-01",
        "until": "2026-06-15",
        "act": "Order 359 of 14.11.2025",
        "language": "kk",
        "wording": "official",
    }
    ru = shell.json("forms", "resolve", "quota_kandas_refusal", "--on", "2026-03-02", "--language", "ru")
    assert (ru["until"], ru["wording"]) == (None, "translation")


@pytest.mark.parametrize(
    ("form", "day", "code"),
    [
        ("o20-a05", "2020-01-01", "no-edition-in-force"),
        ("o20-a05", "2026-08-01", "wording-not-held"),
        ("o99-a01", "2026-03-02", "unknown-form"),
    ],
)
def test_resolve_gives_typed_errors(form: str, day: str, code: str, shell: Shell) -> None:
    answer = shell.json("forms", "resolve", form, "--on", day, "--language", "kk", code=2)
    assert set(answer) == {"error"}
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]


def test_an_unknown_publication_day_is_said_and_settable(shell: Shell) -> None:
    (shell.folder / "qujat.toml").write_text("", encoding="utf-8")
    question = ("forms", "resolve", "o20-a05", "--on", "2026-06-20", "--language", "kk")
    answer = shell.json(*question, code=2)
    assert answer["error"]["code"] == "publication-day-unknown"
    assert "order_222" in answer["error"]["message"]
    early = shell.json("forms", "resolve", "o20-a05", "--on", "2026-03-02", "--language", "kk")
    assert (early["edition"], early["until"]) == ("order_359", None)


def test_forms_are_listed_with_every_edition(shell: Shell) -> None:
    listed = {row["annex"]: row for row in shell.json("forms", "list")}
    assert {f"o20-a{number:02}" for number in range(1, 11)} <= set(listed)
    assert [e["edition"] for e in listed["o20-a02"]["editions"]] == [
        "order_173",
        "order_359",
        "order_222_transitional",
        "order_222",
    ]
    on = {row["annex"]: row["on"] for row in shell.json("forms", "list", "--on", "2026-07-01")}
    assert on["o20-a02"]["kk"]["edition"] == "order_222_transitional"
    assert on["o20-a05"]["kk"]["error"]["code"] == "wording-not-held"
    for plain in (["forms", "list"], ["forms", "list", "--on", "2026-03-02"], ["forms", "show", "o20-a05"]):
        assert "o20-a05" in shell(*plain).stdout


def test_the_schema_describes_the_fields(shell: Shell) -> None:
    schema = json.loads(shell("forms", "schema", "o20-a05", "--on", "2026-03-02").stdout)
    assert schema["properties"]["recipients"]["items"]["required"]
    assert schema["additionalProperties"] is False


def test_a_blank_form_is_drawn(shell: Shell) -> None:
    shell("blank", "o20-a05", "--on", "2026-03-02", "--language", "ru", "-o", "empty.pdf")
    assert (shell.folder / "empty.pdf").read_bytes().startswith(b"%PDF-1.7")


def test_issuing_checking_and_rendering_again(desk: Shell) -> None:
    row = desk.json("issue", desk.decision(), "-o", "again")
    assert row["number"] == "2026-000001"
    for file in row["files"]:
        name = Path(file).name
        assert (desk.folder / "out" / name).read_bytes() == (desk.folder / "again" / name).read_bytes()
        if name.endswith((".pdf", ".xml")):
            verdict = desk.json("check", file)
            assert (verdict["verdict"], verdict["code"], verdict["trust"]) == ("valid", "genuine", "stand-in")
    for what in (row["number"], row["mark"]):
        assert desk.json("check", what)["verdict"] == "valid"
    again = desk.json("rerender", row["number"], "-o", "copies", "--mark-copy")
    assert again["faithful"]
    assert {page["outcome"] for page in again["pages"]} == {"identical"}
    assert "VALID" in desk("check", row["number"]).stdout


def test_a_spoilt_file_exits_with_5_and_an_unknown_number_with_7(desk: Shell) -> None:
    content = bytearray((desk.folder / "out" / "2026-000001.kk.pdf").read_bytes())
    content[len(content) // 2] ^= 1
    (desk.folder / "spoilt.pdf").write_bytes(content)
    assert desk.json("check", "spoilt.pdf", code=5)["verdict"] == "invalid"
    assert desk.json("check", "2026-777777", code=7)["verdict"] == "indeterminate"


def test_a_check_may_be_about_another_day(desk: Shell) -> None:
    file = "out/2026-000001.kk.pdf"
    far = desk.json("check", file, "--at", "2044-01-01")
    assert (far["verdict"], far["at"]) == ("valid", "2044-01-01T18:59:59+00:00")
    assert far["policy"]["register_is_proof"]
    assert far["evidence"][-1]["what"] == "signature"
    assert desk.json("check", file, "--at", "2020-01-01T00:00:00+05:00", code=7)["code"] == "not-yet"
    plain = desk("check", file, "--at", "2044-01-01").stdout
    for words in ("as of 2044-01-01", "a timestamp authority is an anchor: no", "not revoked: OCSP of"):
        assert words in plain
    for wrong in ("tomorrow", "2031-01-01T00:00:00", "2031-13-01"):
        assert "a moment with its offset" in desk("check", file, "--at", wrong, code=2).stderr


def test_what_only_the_file_can_say_is_open_years_later(desk: Shell) -> None:
    own = SETTINGS + "\n[evidence]\nregister_is_proof = false\n"
    (desk.folder / "strict.toml").write_text(own, encoding="utf-8")
    verdict = desk.json("check", "out/2026-000001.kk.pdf", "--at", "2044-01-01", "--config", "strict.toml", code=7)
    assert verdict["code"] == "evidence-lapsed"
    assert "Missing" in next(check["detail"] for check in verdict["checks"] if check["name"] == "evidence")


def test_evidence_is_listed_and_renewed(desk: Shell) -> None:
    number = desk.json("issue", desk.decision(id="to-renew"), "-o", "out")["number"]
    assert desk.json("evidence", "status") == []
    listed = desk.json("evidence", "status", "--months", "72")
    assert {row["state"] for row in listed if row["number"] == number} == {"due"}
    assert "due" in desk("evidence", "status", "--months", "72").stdout
    (renewed,) = desk.json("evidence", "renew", number)
    assert {file["level"] for file in renewed["files"]} == {"B-LTA"}
    assert desk.json("check", number)["verdict"] == "valid"
    assert desk.json("check", f"out/{number}.kk.pdf")["verdict"] == "valid"
    answers = desk.json("evidence", "renew", "2026-777777", number, code=2)
    assert [answer.get("error", {}).get("code") for answer in answers] == ["unknown-document", None]
    assert desk.json("evidence", "renew", "--due") == []
    for words in (["evidence", "renew"], ["evidence", "renew", number, "--due"]):
        assert desk.json(*words, code=2)["error"]["code"] == "bad-configuration"


def test_the_stand_in_publishes_new_lists_and_keeps_the_old(desk: Shell) -> None:
    before = set((desk.folder / "home" / "keys").glob("*.crl.pem"))
    assert desk.json("keys", "publish")["lists_until"] > "20"
    assert before < set((desk.folder / "home" / "keys").glob("*.crl.pem"))
    assert desk.json("check", "2026-000001")["verdict"] == "valid"


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_the_stand_in_serves_its_answers_until_it_is_told_to_stop(desk: Shell, told: signal.Signals) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(desk.folder), "QUJAT_CONFIG": str(desk.folder / "qujat.toml")}
    command = [sys.executable, "-m", "qujat", "keys", "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, env=env, cwd=desk.folder, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout
        try:
            addresses = json.loads(served.stdout.readline())
            assert [address.rpartition("/")[2] for address in addresses] == ["root.crl", "issuing.crl", "ocsp", "tsa"]
            with urllib.request.urlopen(addresses[0], timeout=10) as answer:
                assert answer.read().startswith(b"\x30\x82")
        finally:
            served.send_signal(told)
        assert served.wait(timeout=30) == 0


def test_an_annulled_document_is_invalid_ever_after(desk: Shell) -> None:
    number = desk.json("issue", desk.decision(id="to-annul"), "-o", "out")["number"]
    assert desk.json("annul", number, "--reason", "қате шығарылған")["status"] == "annulled"
    assert desk.json("check", number, code=5)["code"] == "annulled"


def test_a_wrong_decision_says_everything_at_once(desk: Shell) -> None:
    fields = offices.a_decision()["fields"] | {"accepted_on": "yesterday", "extra": 1}
    answer = desk.json("issue", desk.decision(id="wrong", fields=fields), "-o", "out", code=2)
    assert {(e["path"], e["code"]) for e in answer["error"]["errors"]} == {
        ("/fields/accepted_on", "bad-day"),
        ("/fields/extra", "unknown-field"),
    }


def test_many_decisions_give_one_row_each(desk: Shell) -> None:
    lines = [
        offices.a_decision(id="many-1"),
        offices.a_decision(id="many-2", form="o99"),
        offices.a_decision(id="many-3"),
    ]
    path = desk.folder / "many.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    rows = [json.loads(row) for row in desk("issue", path, "-o", "many", "--json", code=2).stdout.splitlines()]
    assert [row.get("error", {}).get("code") for row in rows] == [None, "unknown-form", None]
    assert rows[0]["number"] != rows[2]["number"]


def test_changed_contents_under_one_id_are_refused(desk: Shell) -> None:
    answer = desk.json("issue", desk.decision(day="2026-03-03"), "-o", "out", code=2)
    assert answer["error"]["code"] == "decision-changed"


def test_without_keys_signing_fails_with_4(shell: Shell) -> None:
    assert shell.json("issue", shell.decision(), "-o", "out", code=4)["error"]["code"] == "key-unavailable"


def test_keys_are_never_overwritten(desk: Shell) -> None:
    assert desk.json("keys", "init", code=4)["error"]["code"] == "key-unavailable"
    shown = desk.json("keys", "show")
    assert shown["trust"] == "stand-in"
    assert (desk.folder / "home" / "passphrase").stat().st_mode & 0o077 == 0


def test_a_lost_blob_is_store_trouble(desk: Shell) -> None:
    row = desk.json("issue", desk.decision(id="lost"), "-o", "lost")
    for path in (desk.folder / "home" / "blobs").rglob("*"):
        if path.is_file() and path.read_bytes() == (desk.folder / "lost" / Path(row["files"][0]).name).read_bytes():
            path.unlink()
    assert desk.json("check", row["number"], code=7)["code"] == "blob-missing"
    assert desk.json("issue", desk.decision(id="lost"), "-o", "lost", code=6)["error"]["code"] == "blob-missing"


def test_a_wrong_configuration_says_where(shell: Shell) -> None:
    (shell.folder / "qujat.toml").write_text("[published]\norder_222 = 2026-07-15\n", encoding="utf-8")
    answer = shell.json("forms", "list", code=2)
    assert answer["error"]["code"] == "bad-configuration"
    assert "2026-06-30" in answer["error"]["message"]


def test_the_demo_runs_twice_and_gives_the_same(shell: Shell) -> None:
    first = shell.json("demo")
    assert set(first["checks"].values()) == {"valid"}
    assert set(first["rerendered"].values()) == {"identical"}
    assert shell.json("demo")["number"] == first["number"]


def test_help_loads_nothing_heavy() -> None:
    probe = (
        "import sys; from qujat.__main__ import parser; parser().format_help(); "
        "print([m for m in ('weasyprint', 'pyhanko', 'pydantic', 'lxml', 'cryptography') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_command_has_help(shell: Shell) -> None:
    top = shell("--help").stdout
    for words in (
        "demo",
        "forms list",
        "forms show",
        "forms resolve",
        "forms schema",
        "blank",
        "issue",
        "check",
        "rerender",
        "evidence status",
        "evidence renew",
        "keys serve",
        "keys publish",
    ):
        assert words.split()[0] in top
        assert "--json" in shell(*words.split(), "--help").stdout
    assert "indeterminate" in top


def test_an_authority_may_have_numbers_of_its_own(shell: Shell) -> None:
    own = SETTINGS + '\n[numbers]\nauthority.990440001234 = "Ж-{seq}/{year}"\n'
    (shell.folder / "qujat.toml").write_text(own, encoding="utf-8")
    shell("keys", "init")
    row = shell.json("issue", shell.decision(), "-o", "out")
    assert row["number"] == "Ж-1/2026"
    assert Path(row["files"][0]).name == "Ж-1_2026.kk.pdf"
    assert shell.json("check", "Ж-1/2026")["verdict"] == "valid"


@pytest.mark.parametrize("what", ["mark", "head", "tsa", "passphrase"])
def test_keys_are_rotated_and_what_was_issued_stays_valid(shell: Shell, tmp_path: Path, what: str) -> None:
    shell("keys", "init")
    issued = shell.json("issue", shell.decision(), "-o", tmp_path / "out")
    secret = next(shell.folder.rglob("passphrase")).read_text().strip()
    assert secret not in str(shell.json("keys", "rotate", what))
    assert shell.json("check", issued["files"][0])["verdict"] == "valid"
    assert shell.json("check", issued["number"])["verdict"] == "valid"
