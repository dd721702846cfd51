"""Cards of documents that were signed elsewhere, by one or by two; and the commands as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import leaves
import offices
import pytest
from leaves import Leaf
from test_several_signers import OFFICIAL, sent, signatures, two_signers

from qujat import pagetext
from qujat.__main__ import main
from qujat.card import building, checking, container
from qujat.office import Office
from qujat.pipeline import Issued, Prepared, annul, complete, prepare


@pytest.fixture(scope="module")
def head(pki: offices.Pki, tmp_path_factory: pytest.TempPathFactory) -> Leaf:
    return leaves.leaf(tmp_path_factory.mktemp("head"), pki.folder, pki.passphrase, offices.head())


@pytest.fixture(scope="module")
def official(pki: offices.Pki, tmp_path_factory: pytest.TempPathFactory) -> Leaf:
    folder = tmp_path_factory.mktemp("official")
    return leaves.leaf(folder, pki.folder, pki.passphrase, OFFICIAL, roles=leaves.EMPLOYEE)


def elsewhere(office: Office, head: Leaf) -> str:
    """The number of a document that its head signed elsewhere."""
    prepared = prepare(offices.parsed(languages=["kk"]), office)
    done = complete(prepared.ticket, signatures(prepared, head), office)
    assert isinstance(done, Issued)
    return done.number


def answers(content: bytes, office: Office) -> dict[str, tuple[str, str]]:
    return {check.name: (check.value, check.code) for check in checking.check(content, office).checks}


def test_a_card_of_a_document_signed_elsewhere_asks_the_register(office_in_memory: Office, head: Leaf) -> None:
    number = elsewhere(office_in_memory, head)
    content = building.build(number, office_in_memory).content
    assert answers(content, office_in_memory)["document"] == ("valid", "ok")
    annul(number, "сот шешімі", office_in_memory)
    assert answers(content, office_in_memory)["document"] == ("invalid", "annulled")


def test_evidence_that_was_gathered_elsewhere_counts_in_a_card(office_in_memory: Office, head: Leaf) -> None:
    content = building.build(elsewhere(office_in_memory, head), office_in_memory).content
    found = {check.name: check.detail for check in checking.check(content, office_in_memory).checks}
    assert found["evidence-1"].startswith("B-LTA")


def test_both_signers_stand_in_the_card_in_the_order_of_their_signing(
    office_in_memory: Office, clock: offices.HandClock, official: Leaf, head: Leaf
) -> None:
    desk = replace(office_in_memory, forms=two_signers(office_in_memory.forms))
    first = prepare(sent(), desk)
    second = complete(first.ticket, signatures(first, official), desk)
    assert isinstance(second, Prepared)
    clock.step(minutes=3)
    done = complete(second.ticket, signatures(second, head), desk)
    content = building.build(done.number, desk).content
    verdict = checking.check(content, desk)
    assert (verdict.value, verdict.code) == ("valid", "card-trusted")
    assert [one["signer"] for one in verdict.document["signatures"]] == [OFFICIAL.full_name, offices.head().full_name]
    assert_contents_lead_to_their_pages(content)


def test_a_card_of_two_signers_that_no_register_knows_is_open_by_its_head(
    office_in_memory: Office, pki: offices.Pki, official: Leaf, head: Leaf
) -> None:
    """The official may not sign as the head does; it is the last signature that is asked whether its signer may."""
    desk = replace(office_in_memory, forms=two_signers(office_in_memory.forms))
    first = prepare(sent(), desk)
    second = complete(first.ticket, signatures(first, official), desk)
    assert isinstance(second, Prepared)
    content = building.build(complete(second.ticket, signatures(second, head), desk).number, desk).content
    verdict = checking.check(content, replace(offices.office_in_memory(pki), forms=desk.forms))
    assert (verdict.value, verdict.code) == ("indeterminate", "not-registered")


def assert_contents_lead_to_their_pages(content: bytes) -> None:
    """The words before the files no longer fit on one page, so nothing stands where it stands with one signer."""
    pages = pagetext.read(content).pages
    said = [line.split()[-1] for line in pages[0].splitlines() if line.startswith(("1-қолтаңба:", "2-қолтаңба:"))]
    there = [n for n, page in enumerate(pages, 1) if "-ҚОЛТАҢБА" in page or "QR-кодтарда" in page]
    assert list(map(int, said)) == there == [3, 4, 5, 6]


def test_a_card_without_the_word_of_the_register_is_open_not_refused(
    office_in_memory: Office, pki: offices.Pki, head: Leaf
) -> None:
    content = building.build(elsewhere(office_in_memory, head), office_in_memory).content
    verdict = checking.check(content, offices.office_in_memory(pki))
    assert (verdict.value, verdict.code) == ("indeterminate", "not-registered")


# The commands


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new user's folder, with one document."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "q.toml").write_text('home = "home"\n[published]\norder_222 = 2026-06-05\norder_173 = 2024-06-10\n')
    at = ["--config", str(folder / "q.toml")]
    assert main(["keys", "init", *at]) == 0
    assert main(["issue", str(offices.FIXTURES / "o20-a05.json"), "-o", str(folder), *at]) == 0
    assert main(["card", "build", "2026-000001", "-o", str(folder), *at]) == 0
    return folder


def run(home: Path, words: Sequence[object], capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    capsys.readouterr()
    code = main([*map(str, words), "--json", "--config", str(home / "q.toml")])
    return code, json.loads(capsys.readouterr().out)


def test_a_card_is_written_under_the_documents_number(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(home, ["card", "build", "2026-000001", "-o", home], capsys)
    assert (code, Path(said["file"]).name) == (0, "2026-000001.card.pdf")
    assert said["bytes"] == Path(said["file"]).stat().st_size
    assert [file.name for file in container.attachments(Path(said["file"]).read_bytes())] == [
        "2026-000001.xml",
        "2026-000001.xml.1.cms",
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["2026-000001.card.pdf"], (0, "card-trusted")),
        (["2026-000001.kk.pdf"], (5, "card-no-signatures")),
        (["2026-000001.xml"], (5, "card-not-pdf")),
        (["2026-000001.card.pdf", "--at", "2200-01-01"], (7, "evidence-lapsed")),
    ],
    ids=["right", "a signed page", "no PDF", "too late to say"],
)
def test_the_exit_code_says_what_the_check_says(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], expected: tuple[int, str]
) -> None:
    code, said = run(home, ["card", "check", home / words[0], *words[1:]], capsys)
    assert (code, said["code"]) == expected
    assert said["kk"] != said["ru"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["build", "2026-777777", "-o", "."], (2, "unknown-document")),
        (["check", "missing.pdf"], (2, "bad-configuration")),
    ],
    ids=["unknown number", "no file"],
)
def test_errors_have_their_exit_codes(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], expected: tuple[int, str]
) -> None:
    code, said = run(home, ["card", *words], capsys)
    assert (code, said["error"]["code"]) == expected
