"""Who held which power on which day: asked before signing, told by the check afterwards, demanded in production."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import offices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qujat import office as offices_of
from qujat.errors import ConfigurationError, SignerNotEntitled
from qujat.office import Office
from qujat.pipeline import check, issue
from qujat.settings import Settings
from qujat.signing import policy
from qujat.signing.mandates import Mandate, Mandates

BIN, IIN, OTHER = "990440001234", "780515400017", "900412303121"
DAY = date(2026, 3, 2)
ONE_DAY = timedelta(days=1)


def mandate(**changes: Any) -> Mandate:
    return Mandate(**({"bin": BIN, "iin": IIN, "power": "head", "first": date(2026, 1, 5), "basis": "№ 12"} | changes))


def asked(held: Mandate, day: date = DAY, kind: str = "refusal", power: Any = "head") -> bool:
    try:
        Mandates((held,)).require(BIN, IIN, kind, [power], [day])
    except SignerNotEntitled:
        return False
    return True


def test_a_power_is_held_from_its_first_day_to_its_last_both_included() -> None:
    held = mandate(first=DAY, last=DAY + ONE_DAY)
    assert [asked(held, DAY + n * ONE_DAY) for n in (-1, 0, 1, 2)] == [False, True, True, False]
    assert asked(mandate(first=DAY), date(2099, 1, 1))


@pytest.mark.parametrize("change", [{"iin": OTHER}, {"power": "employee"}, {"kinds": ["receipt"]}])
def test_another_person_power_or_kind_does_not_suffice(change: dict[str, Any]) -> None:
    assert not asked(mandate(**change))
    assert asked(mandate())


def test_where_no_mandates_are_kept_for_an_authority_the_certificate_decides_unless_they_are_required() -> None:
    other = mandate(bin="990140000007")
    Mandates((other,)).require(BIN, IIN, "refusal", ["head"], [DAY])
    with pytest.raises(SignerNotEntitled):
        Mandates((), required=True).require(BIN, IIN, "refusal", ["head"], [DAY])


def test_two_heads_of_one_authority_never_meet_on_a_day_but_one_may_act_for_the_other() -> None:
    first, second = mandate(last=DAY), mandate(iin=OTHER, first=DAY)
    with pytest.raises(ConfigurationError, match="one head"):
        Mandates.checked([first, second])
    Mandates.checked([first, mandate(iin=OTHER, first=DAY + ONE_DAY)])
    Mandates.checked([first, mandate(iin=OTHER, first=DAY, power="acting")])
    Mandates.checked([first, mandate(bin="990140000007", first=DAY)])


@given(st.tuples(*[st.integers(0, 30)] * 4))
def test_two_mandates_meet_exactly_where_a_day_lies_in_both(bounds: tuple[int, int, int, int]) -> None:
    a, b, c, d = (DAY + n * ONE_DAY for n in bounds)
    one, other = mandate(first=min(a, b), last=max(a, b)), mandate(first=min(c, d), last=max(c, d))
    common = any(one.covers(DAY + n * ONE_DAY, "x") and other.covers(DAY + n * ONE_DAY, "x") for n in range(31))
    assert one.meets(other) == common


@pytest.mark.parametrize("wrong", [{"bin": "1"}, {"iin": "1"}, {"last": date(2026, 1, 4)}, {"power": "king"}])
def test_a_mandate_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"bin|iin|last|power"):
        mandate(**wrong)


def test_no_message_names_anybody() -> None:
    with pytest.raises(SignerNotEntitled) as refused:
        Mandates((mandate(last=DAY - ONE_DAY),)).require(BIN, IIN, "refusal", ["head"], [DAY])
    assert "2026-03-02" in refused.value.message
    assert not any(secret in refused.value.message for secret in (BIN, IIN))
    assert IIN not in repr(Mandates((mandate(),)))


def _with(office: Office, *held: Mandate) -> Office:
    return replace(office, mandates=Mandates.checked(held))


def test_without_the_power_on_the_day_nothing_is_issued(office: Office) -> None:
    sent = offices.parsed()
    ended = _with(office, mandate(last=sent.day - ONE_DAY))
    with pytest.raises(SignerNotEntitled):
        issue(sent, ended)
    assert office.register.known(sent.authority.bin, sent.id, sent.digest()) is None


def test_the_power_must_also_be_held_on_the_day_of_signing(office: Office) -> None:
    """A head who left between the day of the decision and today signs no more."""
    sent = offices.parsed()
    with pytest.raises(SignerNotEntitled):
        issue(sent, _with(office, mandate(last=sent.day)))
    assert issue(sent, _with(office, mandate())).document.issued


def test_a_wrong_signer_is_reported_by_the_check_afterwards(office: Office) -> None:
    sent = offices.parsed()
    issued = issue(sent, office)

    def signer(of: Office, content: bytes) -> tuple[str, str]:
        (answer,) = (c for c in check(content, of).checks if c.name == "signer")
        return answer.value, answer.detail

    for content in (issued.pdf("kk"), issued.files[f"{issued.number}.xml"]):
        assert signer(office, content) == ("valid", "no mandates on file: the certificate's role")
        assert signer(_with(office, mandate()), content) == ("valid", "mandate on file")
        assert signer(_with(office, mandate(last=sent.day - ONE_DAY)), content)[0] == "invalid"
        assert signer(_with(office, mandate(iin=OTHER)), content)[0] == "invalid"


def test_a_verdict_says_whose_trust_it_rests_on(office: Office) -> None:
    issued = issue(offices.parsed(), office)
    said = check(issued.pdf("kk"), office).as_json()
    assert said["trust"] == "stand-in"
    (anchor,) = said["anchors"]
    assert "ДЕМО – не ЭЦП" in anchor
    assert len(anchor.partition("SHA-256 ")[2].rstrip(")")) == 64


def test_production_refuses_to_start_with_stand_in_anchors(pki: offices.Pki, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "keys").symlink_to(pki.folder)
    settings = Settings(home=home, profile="production")
    with pytest.raises(ConfigurationError, match="stand-in anchors"):
        offices_of.open_office(settings)
    assert offices_of.open_office(Settings(home=home)).trust.stand_in


def test_production_refuses_a_stand_in_or_missing_timestamp_and_demands_mandates(
    pki: offices.Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qujat.signing import keys

    real = replace(keys.open_trust(pki.folder), stand_in=False)
    monkeypatch.setattr(keys, "open_trust", lambda folder: real)
    (tmp_path / "keys").symlink_to(pki.folder)
    for url in ("stand-in", "none"):
        with pytest.raises(ConfigurationError, match=r"\[timestamp\] url"):
            offices_of.open_office(_production(tmp_path, url))
    assert offices_of.open_office(_production(tmp_path, "http://tsp.example/")).mandates.required


def test_production_asks_others_than_the_stand_in_about_revocation(
    pki: offices.Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qujat.signing import keys

    real = replace(keys.open_trust(pki.folder), stand_in=False)
    monkeypatch.setattr(keys, "open_trust", lambda folder: real)
    (tmp_path / "keys").symlink_to(pki.folder)
    url = "http://tsp.example/"
    with pytest.raises(ConfigurationError, match=r"\[signatures\] revocation"):
        offices_of.open_office(_production(tmp_path, url, revocation="stand-in"))
    assert offices_of.open_office(_production(tmp_path, url, level="B-T", revocation="stand-in"))


def _production(home: Path, url: str, **signatures: str) -> Settings:
    chosen = {"revocation": "certificates"} | signatures
    return Settings.model_validate(
        {"home": home, "profile": "production", "timestamp": {"url": url}, "signatures": chosen}
    )


def test_a_receipt_may_be_signed_by_an_employee_and_a_refusal_may_not() -> None:
    assert "employee" in policy.rule_for("receipt").roles
    assert "employee" in policy.rule_for("receipt").powers
    for kind in ("refusal", "decision", "certificate", "a kind that is not listed"):
        assert set(policy.rule_for(kind).roles) == {"head", "entitled"}
        assert "employee" not in policy.rule_for(kind).powers
