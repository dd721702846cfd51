"""A form that asks for two signatures: the official who prepared the decision signs its data, and then the head."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import leaves
import offices
import pytest
from leaves import Leaf
from offices import Decision, HandClock, Pki

from qujat import decision as decisions
from qujat import document, handover
from qujat.blobs import Memory
from qujat.catalogue import ROOT, Catalogue
from qujat.errors import (
    AlreadyIssued,
    FieldErrors,
    QujatError,
    SeveralSigners,
    SignatureRefused,
    SignerNotEntitled,
    TicketUsed,
)
from qujat.formfiles import FormFile
from qujat.office import Office
from qujat.pipeline import Issued, Prepared, check, complete, issue, prepare
from qujat.signing import cms
from qujat.signing.keys import Person

HEAD = offices.head()
OFFICIAL = replace(HEAD, iin="800101300016", full_name="Үлгібаев Әбдіғали")
NAMED = {
    "iin": OFFICIAL.iin,
    "full_name": OFFICIAL.full_name,
    "position": {"kk": "бас маман", "ru": "главный специалист"},
}
Keys = Callable[..., Leaf]


@pytest.fixture(scope="module")
def keys(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """A key of a person, by default an employee's."""

    def make(person: Person, roles: Any = leaves.EMPLOYEE) -> Leaf:
        return leaves.leaf(tmp_path_factory.mktemp("key"), pki.folder, pki.passphrase, person, roles=roles)

    return make


@pytest.fixture(scope="module")
def official(keys: Keys) -> Leaf:
    return keys(OFFICIAL)


@pytest.fixture(scope="module")
def head(keys: Keys) -> Leaf:
    return keys(HEAD, leaves.HEAD)


@pytest.fixture
def desk(office_in_memory: Office) -> Office:
    return replace(office_in_memory, forms=two_signers(office_in_memory.forms))


def two_signers(forms: Catalogue) -> Catalogue:
    """The catalogue, as if the form asked for two signatures."""
    form = forms.form("o20-a05")
    asked = replace(form, file=form.file.model_copy(update={"signers": ["official", "head"]}))
    return replace(forms, forms={**forms.forms, form.key: asked})


def sent(**changes: Any) -> Decision:
    return offices.parsed(**{"languages": ["kk"], "prepared_by": NAMED} | changes)


def signatures(prepared: Prepared, signer: Leaf) -> dict[str, bytes]:
    return {file.name: signer.cms(file.content) for file in prepared.files}


def approved(desk: Office, official: Leaf) -> Prepared:
    """What the head gets to sign when the official has signed."""
    first = prepare(sent(), desk)
    second = complete(first.ticket, signatures(first, official), desk)
    assert isinstance(second, Prepared)
    return second


def finished(desk: Office, official: Leaf, head: Leaf) -> Issued:
    second = approved(desk, official)
    issued = complete(second.ticket, signatures(second, head), desk)
    assert isinstance(issued, Issued)
    return issued


def test_the_official_signs_the_data_and_sees_the_pages(desk: Office) -> None:
    first = prepare(sent(), desk)
    assert (first.signer, [file.name for file in first.files]) == ("official", ["data"])
    assert first.files[0].content == document.to_xml(first.document.sealed)
    assert list(first.reading) == [f"{first.number}.kk.pdf"]


def test_then_the_head_signs_the_pages_and_the_data_and_it_is_issued(desk: Office, official: Leaf, head: Leaf) -> None:
    first = prepare(sent(), desk)
    second = complete(first.ticket, signatures(first, official), desk)
    assert isinstance(second, Prepared)
    assert (second.number, second.signer) == (first.number, "head")
    assert [file.name for file in second.files] == ["page.kk", "data"]
    assert check(second.number, desk).code == "not-issued"
    issued = complete(second.ticket, signatures(second, head), desk)
    assert isinstance(issued, Issued)
    stem = issued.number
    assert list(issued.files) == [
        f"{stem}.{end}" for end in ("kk.pdf", "xml", "xml.p7s", "xml.official.p7s", "mark.txt")
    ]
    kept = cms.verify_detached(
        issued.files[f"{stem}.xml.official.p7s"], issued.files[f"{stem}.xml"], desk.trust, plain=True
    )
    assert (kept.certificate, kept.level) == (official.signer.certificate, "B-LTA")


def test_a_check_asks_for_both(desk: Office, official: Leaf, head: Leaf) -> None:
    issued = finished(desk, official, head)
    for what in (issued.pdf("kk"), issued.files[f"{issued.number}.xml"], issued.number):
        verdict = check(what, desk)
        assert (verdict.value, verdict.code) == ("valid", "genuine")
        assert [c.code for c in verdict.checks if c.name == "preparer"] in (["ok"], ["ok"] * 3)


def test_the_data_say_who_prepared_it(desk: Office, official: Leaf, head: Leaf) -> None:
    data = finished(desk, official, head).document.data
    assert (data["prepared_by"]["iin"], data["official"]["iin"]) == (OFFICIAL.iin, HEAD.iin)


def test_the_head_does_not_sign_before_the_official(desk: Office, head: Leaf) -> None:
    first = prepare(sent(), desk)
    with pytest.raises(SignerNotEntitled):
        complete(first.ticket, signatures(first, head), desk)
    with pytest.raises(SignatureRefused):
        complete(first.ticket, signatures(first, head) | {"page.kk": b""}, desk)
    assert (prepare(sent(), desk), check(first.number, desk).code) == (first, "not-issued")


def test_the_official_does_not_sign_for_the_head(desk: Office, official: Leaf, keys: Keys) -> None:
    second = approved(desk, official)
    for signer in (official, keys(OFFICIAL, leaves.HEAD)):
        with pytest.raises(SignerNotEntitled):
            complete(second.ticket, signatures(second, signer), desk)
    assert not desk.register.by_number(second.number).issued


STRANGERS = {
    "another person": replace(OFFICIAL, iin="900101300019"),
    "of another authority": replace(OFFICIAL, bin="990140000017"),
}


@pytest.mark.parametrize("person", STRANGERS.values(), ids=STRANGERS)
def test_another_than_the_official_is_refused(desk: Office, keys: Keys, person: Person) -> None:
    first = prepare(sent(), desk)
    with pytest.raises(SignerNotEntitled):
        complete(first.ticket, signatures(first, keys(person)), desk)
    assert dict(desk.register.approvals(first.document)) == {}


def test_a_private_persons_key_does_not_sign_for_the_authority(desk: Office, keys: Keys) -> None:
    from cryptography import x509

    first = prepare(sent(), desk)
    private = keys(OFFICIAL, (leaves.policy.EMAIL_PROTECTION, x509.ObjectIdentifier("1.2.398.3.3.4.1.1")))
    with pytest.raises(SignerNotEntitled, match="organisation"):
        complete(first.ticket, signatures(first, private), desk)


def test_the_same_signature_of_the_official_sent_again_gives_the_heads_ticket_again(
    desk: Office, official: Leaf, head: Leaf
) -> None:
    first = prepare(sent(), desk)
    returned = signatures(first, official)
    second = complete(first.ticket, returned, desk)
    assert isinstance(second, Prepared)
    assert complete(first.ticket, returned, desk) == second == prepare(sent(), desk)
    with pytest.raises(TicketUsed):
        complete(first.ticket, {"data": official.cms(first.files[0].content, "-nosmimecap")}, desk)
    issued = complete(second.ticket, signatures(second, head), desk)
    assert complete(first.ticket, returned, desk) == issued
    with pytest.raises(AlreadyIssued):
        prepare(sent(), desk)


def test_when_the_heads_ticket_has_expired_the_official_need_not_sign_again(
    desk: Office, clock: HandClock, official: Leaf, head: Leaf
) -> None:
    second = approved(desk, official)
    clock.step(hours=2)
    third = prepare(sent(), desk)
    assert (third.signer, third.ticket != second.ticket) == ("head", True)
    issued = complete(third.ticket, signatures(third, head), desk)
    assert isinstance(issued, Issued)
    assert check(issued.number, desk).value == "valid"


def test_two_signatures_for_the_official_at_once_are_one(
    desk: Office, official: Leaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(sent(), desk)
    mine, theirs = signatures(first, official), {"data": official.cms(first.files[0].content, "-nosmimecap")}
    approve = handover.approve

    def overtaken(*given: Any) -> None:
        monkeypatch.setattr(handover, "approve", approve)
        complete(first.ticket, mine, desk)
        approve(*given)

    monkeypatch.setattr(handover, "approve", overtaken)
    with pytest.raises(TicketUsed):
        complete(first.ticket, theirs, desk)
    assert isinstance(complete(first.ticket, mine, desk), Prepared)


def test_one_key_here_does_not_issue_what_two_should_sign(desk: Office) -> None:
    with pytest.raises(SeveralSigners, match="official and then head"):
        issue(sent(), desk)
    assert desk.register.known(sent().authority.bin, sent().id, sent().digest()) is None


@pytest.mark.parametrize(
    ("forms", "changes", "path", "code"),
    [
        ("two", {"prepared_by": None}, "/prepared_by", "missing-field"),
        ("two", {"prepared_by": NAMED | {"iin": HEAD.iin}}, "/prepared_by/iin", "same-person"),
        ("one", {}, "/prepared_by", "unknown-field"),
    ],
)
def test_a_decision_names_exactly_those_who_sign(
    office_in_memory: Office, desk: Office, forms: str, changes: dict[str, Any], path: str, code: str
) -> None:
    with pytest.raises(FieldErrors) as raised:
        prepare(sent(**changes), desk if forms == "two" else office_in_memory)
    assert [(e.path, e.code) for e in raised.value.errors] == [(path, code)]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"iin": "800101300010"}, "/prepared_by/iin"),
        ({"position": {"ru": "x"}}, "/prepared_by/position/kk"),
        ({"full_name": "a\tb"}, "/prepared_by/full_name"),
    ],
)
def test_who_prepared_it_is_examined_like_the_head(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(FieldErrors) as raised:
        decisions.parse(offices.a_decision(languages=["kk"], prepared_by=NAMED | changes))
    assert [e.path for e in raised.value.errors] == [path]


def test_a_decision_without_a_preparer_is_digested_as_before() -> None:
    assert b"prepared_by" not in offices.parsed().canonical()


def test_a_lost_or_foreign_signature_of_the_official_is_found_by_the_check(
    desk: Office, official: Leaf, head: Leaf
) -> None:
    issued = finished(desk, official, head)
    assert codes(issued.pdf("kk"), desk)["preparer"] == "ok"
    without = replace(desk, register=Without(desk.register))
    assert (codes(issued.pdf("kk"), without)["preparer"], check(issued.pdf("kk"), without).value) == (
        "not-signed",
        "invalid",
    )
    assert isinstance(desk.blobs, Memory)
    xml = issued.files[f"{issued.number}.xml"]
    foreign = replace(desk, register=Without(desk.register, desk.blobs.put(reframed(head.cms(xml), desk))))
    assert codes(issued.pdf("kk"), foreign)["preparer"] == "signer-not-entitled"
    other = replace(desk, register=Without(desk.register, desk.blobs.put(reframed(official.cms(b"other"), desk))))
    assert codes(issued.pdf("kk"), other)["preparer"] == "document-altered"


def codes(what: bytes, office: Office) -> dict[str, str]:
    return {answer.name: answer.code for answer in check(what, office).checks}


def reframed(received: bytes, office: Office) -> bytes:
    """A signature in the spelling in which signatures are kept."""
    from qujat.signing import received as reading

    message = reading.read(received)
    chain = tuple(c.public_bytes(leaves.Encoding.DER) for c in office.trust.intermediates)
    return replace(message, certificates=(message.signer, *chain)).encode()


class Without:
    """A register that keeps another signature of the official, or none."""

    def __init__(self, register: Any, sha256: str = "") -> None:
        self.register, self.sha256 = register, sha256

    def __getattr__(self, name: str) -> Any:
        return getattr(self.register, name)

    def by_token(self, token: bytes) -> Any:
        found = self.register.by_token(token)
        files = [f for f in found.files if f.role != "approval"]
        if self.sha256:
            (kept,) = (f for f in found.files if f.role == "approval")
            files.append(replace(kept, sha256=self.sha256))
        return replace(found, files=tuple(files))


def test_where_the_register_does_not_know_the_document_the_preparer_is_an_open_question(
    desk: Office, official: Leaf, head: Leaf, pki: Pki, tmp_path: Path
) -> None:
    issued = finished(desk, official, head)
    stranger = replace(offices.office_in(tmp_path, pki), forms=desk.forms)
    verdict = check(issued.pdf("kk"), stranger)
    assert verdict.value == "indeterminate"
    assert codes(issued.pdf("kk"), stranger)["preparer"] == "not-registered"


def form_file(**changes: Any) -> dict[str, Any]:
    """forms/quota_kandas_refusal.toml, with some of its members changed."""
    text = (ROOT / "forms" / "quota_kandas_refusal.toml").read_text(encoding="utf-8")
    return tomllib.loads(text) | changes


def test_a_form_is_signed_by_the_head_alone_unless_it_says_otherwise() -> None:
    assert FormFile.model_validate(form_file()).signers == ["head"]
    assert FormFile.model_validate(form_file(signers=["official", "head"])).signers == ["official", "head"]


@pytest.mark.parametrize("signers", [[], ["official"], ["head", "official"], ["head", "head"], ["clerk", "head"]])
def test_a_form_that_no_head_signs_last_is_refused(signers: list[str]) -> None:
    with pytest.raises(ValueError, match="signers"):
        FormFile.model_validate(form_file(signers=signers))


def test_an_expired_ticket_of_the_official_is_replaced(desk: Office, clock: HandClock, official: Leaf) -> None:
    first = prepare(sent(), desk)
    clock.at += timedelta(hours=1)
    with pytest.raises(QujatError, match="prepare the decision again"):
        complete(first.ticket, signatures(first, official), desk)
    again = prepare(sent(), desk)
    assert (again.signer, again.ticket != first.ticket, again.number) == ("official", True, first.number)
