"""One document on its whole path: two languages, foreign checkers, copies, what its foot says (all: test_fixtures)."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import offices
import pytest
from cases import Case, cases, catalogue

from qujat import decision, document, foot, pages, pagetext, rendering
from qujat.office import Office
from qujat.pipeline import Issued, check, issue, rerender

XADES, DSIG = "http://uri.etsi.org/01903/v1.3.2#", "http://www.w3.org/2000/09/xmldsig#"
HOUSE = {"house", "house_in_place_of"}


@pytest.fixture
def whole(office: Office) -> Office:
    return replace(office, forms=catalogue())


def run(*command: str | Path) -> str:
    """A foreign checker's words; a checker that is missing or refuses fails the test."""
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False, timeout=60)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")  # names in other encodings
    assert done.returncode == 0, f"{command[0]} refuses: {said}"
    return said


def written(issued: Issued, folder: Path) -> list[Path]:
    for name, content in issued.files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in issued.files]


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_foot_says_what_the_wording_is(case: Case) -> None:
    sent, language = decision.parse(case.decision()), case.language
    wordings = {name: catalogue().in_force(sent.form, sent.day, name) for name in sent.languages}
    data = document.assemble(sent, wordings, catalogue(), "2026-000123", stand_in=True)
    sheet = pages.page(catalogue(), data, language, pages.DrawnMark(b"", "", ""))
    said = "".join(rendering.tree(rendering.html(sheet)).find("body/*[@class='foot']").itertext())
    paper, status = foot.paper_words()[language], case.edition.wording[language]
    says = {key for key in ("translation", *HOUSE) if paper[key].partition("{")[0] in said}
    assert ("translation" in says) == (status == "translation")
    assert bool(says & HOUSE) == (status == "house")
    printed = {spec.list_key for name, spec in case.wording.fields.items() if name in data["fields"]} - {""}
    lists = [catalogue().grounds_on(name, case.day)[1].wording[language] for name in printed]
    assert (paper["grounds_translation"] in said) == (status == "house" and "translation" in lists)
    assert data["editions"][language]["wording"] == status


def test_two_languages_are_one_document(whole: Office) -> None:
    sent = next(case for case in cases() if case.form.annex == "o20-a05").decision(languages=["kk", "ru"])
    issued = issue(decision.parse(sent), whole)
    assert sorted(issued.files) == sorted(
        f"{issued.number}.{end}" for end in ("kk.pdf", "ru.pdf", "xml", "xml.p7s", "mark.txt")
    )
    verdicts = [check(issued.pdf(language), whole) for language in ("kk", "ru")]
    assert [verdict.value for verdict in verdicts] == ["valid", "valid"]
    assert len({verdict.document["code"] for verdict in verdicts}) == 1


def test_foreign_checkers_accept_what_we_make(whole: Office, pki: offices.Pki, tmp_path: Path) -> None:
    sent = next(case for case in cases() if case.form.annex == "o20-a05").decision(languages=["kk", "ru"])
    files = {path.suffix: path for path in written(issue(decision.parse(sent), whole), tmp_path)}
    for pdf in tmp_path.glob("*.pdf"):
        assert "Signature is Valid" in run("pdfsig", "-nocert", pdf)
        assert "Total document signed" in run("pdfsig", "-nocert", pdf)
        assert "No syntax or stream encoding errors" in run("qpdf", "--check", pdf)
        assert "decision.xml" in run("pdfdetach", "-list", pdf)
    root = pki.folder / "root.pem"
    openssl = [
        "openssl",
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        files[".p7s"],
        "-content",
        files[".xml"],
    ]
    run(*openssl, "-CAfile", root, "-purpose", "any", "-cades", "-out", "/dev/null")
    ids = ["--id-attr:Id", f"{XADES}:SignedProperties", "--id-attr:Id", f"{DSIG}:KeyInfo"]
    run("xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", root, *ids, files[".xml"])


def test_the_signed_file_begins_with_the_unsigned_page(whole: Office) -> None:
    issued = issue(decision.parse(next(c for c in cases() if c.form.annex == "o20-a05").decision()), whole)
    (page,) = rerender(issued.number, whole).pages
    assert issued.pdf("kk").startswith(page.content)


def unnumbered(text: str) -> str:
    """The words of all pages, wherever the pages break: the foot with its count taken out."""
    return re.sub(r"№2026-\d+·02\.03\.2026.*?\d/\d", "", pagetext.squeezed(text))


def test_a_copy_differs_by_its_mark_alone(whole: Office) -> None:
    issued = issue(decision.parse(next(c for c in cases() if c.form.annex == "o20-a05").decision()), whole)
    (plain,) = rerender(issued.number, whole).pages
    (copy,) = rerender(issued.number, whole, mark_copy=True).pages
    assert copy.outcome == plain.outcome == "identical"
    then, now = ("".join(pagetext.read(page.content).pages) for page in (plain, copy))
    assert unnumbered(now).replace("КӨШІРМЕ/КОПИЯ", "") == unnumbered(then)
    assert "КӨШІРМЕ" not in then


def test_the_same_decision_gives_the_same_document(whole: Office) -> None:
    sent = decision.parse(cases()[0].decision())
    assert issue(sent, whole).files == issue(sent, whole).files


def test_last_held_is_said_everywhere(whole: Office) -> None:
    desk = replace(whole, forms=replace(whole.forms, not_held="last-held"))
    sent = next(c for c in cases() if c.form.annex == "o20-a05").decision(day="2026-08-03")
    issued = issue(decision.parse(sent), desk)
    assert issued.document.data["editions"]["kk"] == {
        "edition": "order_222",
        "text": "order_359",
        "wording": "last-held",
    }
    assert "қолда жоқ" in pagetext.read(issued.pdf("kk")).pages[0]
    verdict = check(issued.pdf("kk"), whole)
    assert verdict.value == "valid"
    assert ("edition-kk", "last-held") in {(answer.name, answer.code) for answer in verdict.checks}
    assert verdict.document["wordings"] == {"kk": "last-held"}
