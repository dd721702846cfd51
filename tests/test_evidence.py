"""Documents that last: issued with evidence or not at all, checked as of any moment, renewed without being changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import eras
import offices
import pytest
from cryptography import x509
from eras import START, YEAR, Eras

from qujat import office as offices_of_deployments
from qujat import settings
from qujat.blobs import Blobs
from qujat.checking import check_file
from qujat.errors import (
    ConfigurationError,
    EvidenceLapsed,
    EvidenceUnavailable,
    SignerRevoked,
    TimestampUnavailable,
    UnknownDocument,
)
from qujat.office import Office
from qujat.pipeline import Issued, annul, check, issue, rerender
from qujat.renewing import due, renew, status
from qujat.signing import cms, keys, pades, xades
from qujat.signing.acceptance import ALGORITHMS, Policy
from qujat.signing.evidence import Evidence
from qujat.verdicts import Verdict

DAY, MONTHS_13, YEARS_5, YEARS_15 = timedelta(days=1), timedelta(days=396), 5 * YEAR, 15 * YEAR
STRANGERS = Policy(register_is_proof=False)


@pytest.fixture
def world(tmp_path: Path) -> Eras:
    return eras.eras(tmp_path)


@pytest.fixture
def desk(world: Eras) -> Office:
    return eras.desk(world)


@pytest.fixture
def issued(desk: Office) -> Issued:
    return issue(offices.parsed(), desk)


def answer(verdict: Verdict, name: str = "evidence") -> tuple[str, str]:
    (found,) = {(each.value, each.code) for each in verdict.checks if each.name == name}
    return found


def file(issued: Issued, end: str) -> bytes:
    return issued.files[f"{issued.number}.{end}"]


def checked(issued: Issued, end: str, office: Office, after: timedelta) -> Verdict:
    """One of the files of a document, with what belongs beside it."""
    beside = {"xml": "xml.p7s", "xml.p7s": "xml"}.get(end)
    return check_file(file(issued, end), office, at=START + after, near=file(issued, beside) if beside else None)


FILES = ["kk.pdf", "ru.pdf", "xml", "xml.p7s"]


# Issuing


def test_every_file_is_issued_with_evidence_that_lasts(issued: Issued) -> None:
    xml = file(issued, "xml")
    levels = {
        pades.read(issued.pdf("kk")).signed.level,
        pades.read(issued.pdf("ru")).signed.level,
        xades.read(xml).signed.level,
        cms.read(file(issued, "xml.p7s"), xml).level,
    }
    assert levels == {"B-LTA"}


@pytest.mark.parametrize(("without", "level"), [(("revocation",), "B-T"), (("revocation", "timestamper"), "B-B")])
def test_without_somebody_to_ask_the_level_says_so(desk: Office, without: tuple[str, ...], level: str) -> None:
    less = replace(desk, **dict.fromkeys(without))  # type: ignore[arg-type]
    issued = issue(offices.parsed(), less)
    xml = file(issued, "xml")
    assert pades.read(issued.pdf("kk")).signed.level == xades.read(xml).signed.level == level
    assert cms.read(file(issued, "xml.p7s"), xml).level == level


@dataclass
class Asked:
    """A source that counts who is asked about, and may be silent."""

    world: Eras
    silent: bool = False
    times: int = 0

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Evidence:
        self.times += 1
        if self.silent:
            raise EvidenceUnavailable("nobody answers")
        return self.world.ask(certificate, issuer)


def test_without_evidence_nothing_is_issued_and_sending_again_finishes_it(desk: Office, world: Eras) -> None:
    source = Asked(world, silent=True)
    office = replace(desk, revocation=source)
    with pytest.raises(EvidenceUnavailable):
        issue(offices.parsed(), office)
    number = "2026-000001"
    assert not office.register.by_number(number).issued
    assert check(number, office).code == "not-issued"
    source.silent = False
    assert issue(offices.parsed(), office).number == number
    assert check(number, office).value == "valid"


def test_evidence_is_asked_for_once_a_document(desk: Office, world: Eras) -> None:
    source = Asked(world)
    issue(offices.parsed(), replace(desk, revocation=source))
    assert source.times == 3  # the signer, his authority, the timestamp authority


def test_a_revoked_signer_issues_nothing(desk: Office, world: Eras) -> None:
    keys.revoke(world.home / "era0", offices.PASSPHRASE, at=START)
    with pytest.raises(SignerRevoked):
        issue(offices.parsed(), desk)


@pytest.mark.parametrize(
    ("text", "revocation", "timestamper"),
    [
        ("", "StandInSource", "StandInAuthority"),
        ('[signatures]\nlevel = "B-T"', "NoneType", "StandInAuthority"),
        ('[signatures]\nrevocation = "certificates"', "HttpSource", "StandInAuthority"),
        ('[timestamp]\nurl = "none"', "NoneType", "NoneType"),
    ],
)
def test_the_configuration_decides_the_level(
    tmp_path: Path, pki: offices.Pki, monkeypatch: pytest.MonkeyPatch, text: str, revocation: str, timestamper: str
) -> None:
    monkeypatch.setenv("QUJAT_PASSPHRASE", pki.passphrase.decode())
    (tmp_path / "qujat.toml").write_text(f'home = "{pki.folder.parent}"\n{text}\n', encoding="utf-8")
    opened = offices_of_deployments.open_office(settings.read(tmp_path / "qujat.toml"), signing=True)
    assert (type(opened.revocation).__name__, type(opened.timestamper).__name__) == (revocation, timestamper)


def test_the_configuration_decides_what_counts_as_proof(tmp_path: Path, pki: offices.Pki) -> None:
    text = (
        "[evidence]\nregister_is_proof = false\ntimestamp_authority_is_anchor = true\nalgorithms.SHA-256 = 2031-01-01"
    )
    (tmp_path / "qujat.toml").write_text(f'home = "{pki.folder.parent}"\n{text}\n', encoding="utf-8")
    policy = offices_of_deployments.open_office(settings.read(tmp_path / "qujat.toml")).evidence
    assert policy
    told = policy.as_json()
    assert (told["register_is_proof"], told["timestamp_authority_is_anchor"]) == (False, True)
    assert (told["algorithms"]["SHA-256"], told["algorithms"]["ECDSA-P256"]) == ("2031-01-01", "2035-12-31")


def test_an_algorithm_of_an_unknown_name_is_a_wrong_configuration(tmp_path: Path) -> None:
    (tmp_path / "qujat.toml").write_text("[evidence]\nalgorithms.SHA-265 = 2031-01-01\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="SHA-265"):
        settings.read(tmp_path / "qujat.toml")


def test_the_configuration_knows_every_algorithm_of_the_policy(tmp_path: Path) -> None:
    days = "\n".join(f"algorithms.{name} = 2031-01-01" for name in Policy().algorithms)
    (tmp_path / "qujat.toml").write_text(f"[evidence]\n{days}\n", encoding="utf-8")
    assert len(settings.read(tmp_path / "qujat.toml").evidence.algorithms) == len(Policy().algorithms)


# Checking as of a moment


@pytest.mark.parametrize("end", FILES)
@pytest.mark.parametrize("after", [timedelta(), DAY, MONTHS_13, YEARS_5, YEARS_15])
def test_what_the_register_recorded_is_valid_for_ever(issued: Issued, desk: Office, end: str, after: timedelta) -> None:
    verdict = checked(issued, end, desk, after)
    assert (verdict.value, verdict.code) == ("valid", "genuine"), verdict.as_json()
    assert verdict.basis.steps[0]["because"] == "the register, which recorded the file"


@pytest.mark.parametrize("end", FILES)
@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (DAY, ("valid", "ok")),
        (MONTHS_13, ("indeterminate", "revocation-unknown")),
        (YEARS_5, ("indeterminate", "evidence-lapsed")),
        (YEARS_15, ("indeterminate", "evidence-lapsed")),
    ],
)
def test_what_only_the_file_can_say_is_valid_or_open(
    issued: Issued, desk: Office, end: str, after: timedelta, expected: tuple[str, str]
) -> None:
    verdict = checked(issued, end, replace(desk, evidence=STRANGERS), after)
    assert answer(verdict) == expected
    assert verdict.value == expected[0]
    assert answer(verdict, "signature") == answer(verdict, "data") == ("valid", "ok")


def test_what_is_open_in_time_is_still_checked_otherwise(issued: Issued, desk: Office) -> None:
    """A text that was changed is invalid, whatever the evidence says."""
    other = issue(offices.parsed(id="another"), desk)
    stranger = replace(desk, evidence=STRANGERS)
    xml = file(issued, "xml").replace(b"2026-000001", b"2026-000009")
    assert check_file(xml, stranger, at=START + YEARS_5).value == "invalid"
    mixed = check_file(file(issued, "xml.p7s"), stranger, at=START + YEARS_5, near=file(other, "xml"))
    assert (mixed.value, mixed.code) == ("invalid", "document-altered")


def test_a_signature_beside_another_file_does_not_help_it(issued: Issued, desk: Office) -> None:
    other = issue(offices.parsed(id="another"), desk)
    stranger = replace(desk, evidence=STRANGERS)
    verdict = check_file(file(issued, "xml"), stranger, at=START + DAY, near=file(other, "xml.p7s"))
    assert verdict.value == "valid"
    for beside in (file(other, "xml.p7s"), b"junk"):
        verdict = check_file(file(issued, "xml"), stranger, at=START + YEARS_5, near=beside)
        assert answer(verdict) == ("indeterminate", "evidence-lapsed")


def test_before_it_was_issued_there_was_nothing(issued: Issued, desk: Office) -> None:
    for end in FILES:
        assert answer(checked(issued, end, desk, -DAY)) == ("indeterminate", "not-yet")


def test_a_document_annulled_later_was_in_effect_before(issued: Issued, desk: Office, world: Eras) -> None:
    world.clock.step(days=10)
    annul(issued.number, "сот шешімі", desk)
    for what in (issued.pdf("kk"), issued.mark, issued.number):
        assert check(what, desk, at=START + 5 * DAY).value == "valid"
        assert check(what, desk).code == check(what, desk, at=START + 11 * DAY).code == "annulled"


def test_a_verdict_prints_its_moment_its_policy_and_its_evidence(issued: Issued, desk: Office) -> None:
    told = json.loads(json.dumps(check(issued.pdf("kk"), desk, at=START + MONTHS_13).as_json()))
    assert told["at"] == "2027-04-02T09:30:00+00:00"
    assert told["policy"] == Policy().as_json()
    assert [step["what"].rpartition(" of ")[0] or step["what"] for step in told["evidence"]] == [
        "the archive-timestamp",
        "the signature-timestamp",
        "signature",
    ]
    assert all(step["not_revoked"] and step["because"] and step["good_at"] for step in told["evidence"])


def test_a_detached_signature_alone_is_open(issued: Issued, desk: Office, tmp_path: Path) -> None:
    path = tmp_path / f"{issued.number}.xml.p7s"
    path.write_bytes(file(issued, "xml.p7s"))
    assert (check(path, desk).value, check(path, desk).code) == ("indeterminate", "content-missing")
    path.with_suffix("").write_bytes(file(issued, "xml"))
    assert check(path, desk).value == "valid"
    path.with_suffix("").write_bytes(file(issued, "xml") + b" ")
    assert check(path, desk).value == "invalid"


def test_a_number_asks_about_every_file_and_names_it(issued: Issued, desk: Office) -> None:
    verdict = check(issued.number, desk)
    assert {step["file"] for step in verdict.basis.steps} == {f"{issued.number}.{end}" for end in FILES}
    assert verdict.value == "valid"


# Renewing


@pytest.fixture
def later(desk: Office, issued: Issued, world: Eras) -> Office:
    """The office four years on, when the first authorities have a year to go."""
    del issued
    return eras.years_later(desk, world, START + 4 * YEAR)


def test_status_lists_what_lapses_within_the_months(later: Office, issued: Issued) -> None:
    assert list(status(later, months=6)) == []
    rows = list(status(later, months=12))
    assert {(row.number, row.name, row.state) for row in rows} == {
        (issued.number, f"{issued.number}.{end}", "due") for end in ("kk.pdf", "ru.pdf", "xml.p7s")
    }
    assert {row.what for row in rows} == {"the certificate of the timestamp authority"}
    assert due(later, months=12) == [issued.number]
    assert due(later, months=6) == []


def test_status_names_what_has_lapsed_and_what_cannot_be_read(desk: Office, issued: Issued, world: Eras) -> None:
    world.clock.at = START + 6 * YEAR
    (entry,) = (f for f in issued.document.files if f.name.endswith("ru.pdf"))
    assert isinstance(desk.blobs, eras.Memory)
    del desk.blobs.content[entry.sha256]
    states = {row.name.removeprefix(f"{issued.number}."): row for row in status(desk, months=1)}
    assert {end: row.state for end, row in states.items()} == {
        "kk.pdf": "lapsed",
        "ru.pdf": "unproven",
        "xml.p7s": "lapsed",
    }
    assert states["ru.pdf"].what.startswith("blob-missing")


@dataclass
class Reading:
    """Blobs that count what is read."""

    blobs: Blobs
    read: list[str] = field(default_factory=list)

    def put(self, content: bytes) -> str:
        return self.blobs.put(content)

    def get(self, digest: str) -> bytes:
        self.read.append(digest)
        return self.blobs.get(digest)


def read_for_status(office: Office, **how: Any) -> int:
    """How many files are read to tell that nothing lapses within a year."""
    reading = Reading(office.blobs)
    assert list(status(replace(office, blobs=reading), **({"months": 12} | how))) == []
    return len(set(reading.read))


def test_what_was_found_to_last_is_not_read_again_unless_asked(desk: Office, issued: Issued) -> None:
    del issued
    assert [read_for_status(desk) for _ in range(2)] == [4, 0]
    assert read_for_status(desk, anew=True) == 4
    issue(offices.parsed(id="another"), desk)
    assert [read_for_status(desk) for _ in range(2)] == [4, 0]
    assert list(status(desk, months=12 * 5))  # noted, and yet it lapses within so many


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: {"evidence": Policy(algorithms={**ALGORITHMS, "RSA-2048": date(2035, 1, 1)})},
        lambda desk: {"trust": replace(desk.trust, anchors=(*desk.trust.anchors, *desk.trust.intermediates))},
        lambda desk: {"trust": replace(desk.trust, intermediates=())},
    ],
    ids=["policy", "anchors", "intermediates"],
)
def test_after_a_change_of_policy_or_trust_everything_is_read_again(
    desk: Office, issued: Issued, change: Callable[[Office], dict[str, Any]]
) -> None:
    del issued
    assert read_for_status(desk) == 4
    assert read_for_status(replace(desk, **change(desk))) == 4


def test_a_renewed_document_is_read_once_more(later: Office, issued: Issued) -> None:
    assert due(later, months=12) == [issued.number]
    renew(issued.number, later)
    assert [read_for_status(later) for _ in range(2)] == [4, 0]


@pytest.fixture
def renewed(later: Office, issued: Issued) -> Office:
    renew(issued.number, later)
    return later


def test_a_renewal_adds_files_and_changes_nothing(renewed: Office, issued: Issued) -> None:
    now = renewed.register.by_number(issued.number)
    assert now.number == issued.number
    assert now.data == issued.document.data
    changed = {f.name for f in now.files} - {f.name for f in now.files if f in issued.document.files}
    assert changed == {f"{issued.number}.{end}" for end in ("kk.pdf", "ru.pdf", "xml.p7s")}
    assert {f.sha256 for f in now.former} == {f.sha256 for f in issued.document.files if f.name in changed}
    assert {f.page for f in now.files} == {f.page for f in issued.document.files}
    for old in now.former:
        (new,) = (f for f in now.files if f.name == old.name)
        if old.role == "page":
            assert renewed.blobs.get(new.sha256).startswith(renewed.blobs.get(old.sha256))
    assert [page.outcome for page in rerender(issued.number, renewed).pages] == ["identical", "identical"]


def test_the_check_accepts_the_old_files_and_the_new(renewed: Office, issued: Issued) -> None:
    now = renewed.register.by_number(issued.number)
    for entry in (*now.files, *now.former):
        if entry.role == "page":
            assert check(renewed.blobs.get(entry.sha256), renewed).value == "valid"
    assert check(issued.number, renewed).value == "valid"
    assert check(issued.mark, renewed).value == "valid"


def test_what_was_renewed_proves_itself_where_the_old_file_does_not(
    renewed: Office, issued: Issued, world: Eras
) -> None:
    stranger = replace(eras.years_later(renewed, world, START + YEARS_5), evidence=STRANGERS)
    now = renewed.register.by_number(issued.number)
    for entry in now.files:
        if entry.role == "page":
            assert check(renewed.blobs.get(entry.sha256), stranger).value == "valid"
    assert answer(check(issued.pdf("kk"), stranger)) == ("indeterminate", "evidence-lapsed")
    assert check(issued.number, stranger).value == "valid"  # the XML by the signature beside it


def test_what_was_renewed_lapses_later(later: Office, issued: Issued) -> None:
    done = renew(issued.number, later)
    assert {file.state for file in done.files} == {"lasting"}
    assert {f"{file.lapses:%Y}" for file in done.files if file.lapses} == {"2035"}
    assert due(later, months=12) == []


def test_what_lapsed_without_a_renewal_says_what_is_missing(desk: Office, issued: Issued, world: Eras) -> None:
    late = replace(eras.years_later(desk, world, START + 6 * YEAR), evidence=STRANGERS)
    with pytest.raises(EvidenceLapsed, match="Missing: a timestamp over it"):
        renew(issued.number, late)
    assert late.register.by_number(issued.number).former == ()


def test_what_the_register_still_proves_is_renewed_even_late(desk: Office, issued: Issued, world: Eras) -> None:
    late = eras.years_later(desk, world, START + 6 * YEAR)
    renew(issued.number, late)
    assert check(issued.number, late).value == "valid"
    assert check(issued.number, eras.years_later(late, world, START + 7 * YEAR)).value == "valid"


@pytest.mark.parametrize(
    ("missing", "error"), [("timestamper", TimestampUnavailable), ("revocation", EvidenceUnavailable)]
)
def test_without_services_nothing_is_renewed(
    later: Office, issued: Issued, missing: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        renew(issued.number, replace(later, **{missing: None}))  # type: ignore[arg-type]
    assert later.register.by_number(issued.number).former == ()


def test_only_issued_documents_are_renewed(desk: Office) -> None:
    with pytest.raises(UnknownDocument):
        renew("2026-000077", desk)


def test_documents_without_evidence_are_given_some(desk: Office, world: Eras) -> None:
    """What was issued at B-B and B-T before lasts like the rest from its first renewal on."""
    for number, without in enumerate((("revocation",), ("revocation", "timestamper"))):
        less = replace(desk, **dict.fromkeys(without))  # type: ignore[arg-type]
        issued = issue(offices.parsed(id=f"less-{number}"), less)
        assert issued.number in due(desk, months=12)
        renew(issued.number, desk)
        stranger = replace(desk, evidence=STRANGERS, trust=world.trust())
        now = desk.register.by_number(issued.number)
        for entry in now.files:
            if entry.role == "page":
                assert answer(check(desk.blobs.get(entry.sha256), stranger)) == ("valid", "ok")


def test_whoever_renews_second_changes_nothing(later: Office, issued: Issued) -> None:
    before = later.register.by_number(issued.number)
    renew(issued.number, later)
    first = later.register.by_number(issued.number)
    assert later.register.renew(before, [replace(before.files[0], sha256="0" * 64)], later.clock()) == first
