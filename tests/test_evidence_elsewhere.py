"""Documents that were signed elsewhere last as others do: issued with evidence or not at all, checked, renewed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import leaves
import offices
import pytest
from cryptography import x509
from leaves import Leaf
from offices import HandClock, Pki
from test_several_signers import HEAD, OFFICIAL, finished, sent, two_signers

from qujat import beside
from qujat.checking import check_file
from qujat.document import to_xml
from qujat.errors import EvidenceUnavailable
from qujat.office import Office
from qujat.pipeline import Issued, Prepared, check, complete, issue, prepare
from qujat.renewing import renew, status
from qujat.signing import cms, pades, received
from qujat.signing.evidence import Evidence, RevocationSource
from qujat.verdicts import Verdict


@pytest.fixture(scope="module")
def head(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Leaf:
    return leaves.leaf(tmp_path_factory.mktemp("head"), pki.folder, pki.passphrase, HEAD, kind="rsa")


@pytest.fixture(scope="module")
def official(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Leaf:
    folder = tmp_path_factory.mktemp("official")
    return leaves.leaf(folder, pki.folder, pki.passphrase, OFFICIAL, roles=leaves.EMPLOYEE)


@pytest.fixture
def desk(office_in_memory: Office) -> Office:
    return office_in_memory


def ready(desk: Office) -> Prepared:
    return prepare(offices.parsed(languages=["kk"]), desk)


def signed(prepared: Prepared, signer: Leaf) -> dict[str, bytes]:
    return {file.name: signer.cms(file.content) for file in prepared.files}


def done(prepared: Prepared, sent: dict[str, bytes], desk: Office) -> Issued:
    issued = complete(prepared.ticket, sent, desk)
    assert isinstance(issued, Issued)
    return issued


def file(issued: Issued, end: str) -> bytes:
    return issued.files[f"{issued.number}.{end}"]


def levels(issued: Issued) -> tuple[str, str]:
    """What the page and the detached signature are said to be."""
    xml = file(issued, "xml")
    return pades.read(issued.pdf("kk")).signed.kind, beside.detached(file(issued, "xml.p7s"), xml).kind


def evidence(verdict: Verdict) -> set[tuple[str, str]]:
    return {(each.value, each.code) for each in verdict.checks if each.name == "evidence"}


@pytest.mark.parametrize(
    ("without", "kind"),
    [((), "B-LTA, plain"), (("revocation",), "B-T, plain"), (("revocation", "timestamper"), "B-B, plain")],
    ids=["B-LTA", "B-T", "B-B"],
)
def test_it_has_the_evidence_that_the_office_gathers(
    desk: Office, head: Leaf, without: tuple[str, ...], kind: str
) -> None:
    less = replace(desk, **dict.fromkeys(without))  # type: ignore[arg-type]
    prepared = ready(less)
    assert levels(done(prepared, signed(prepared, head), less)) == (kind, kind)


def test_every_file_proves_itself_without_lists_and_register(desk: Office, head: Leaf) -> None:
    prepared = ready(desk)
    issued = done(prepared, signed(prepared, head), desk)
    bare, at = desk.trust.bare, desk.clock()
    assert pades.verify(issued.pdf("kk"), bare, at=at).proof.steps
    assert cms.verify_detached(file(issued, "xml.p7s"), file(issued, "xml"), bare, at=at, plain=True).proof.steps


@dataclass
class Silent:
    """A source that answers about some and then about nobody."""

    source: RevocationSource
    answers: int = 0

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Evidence:
        self.answers -= 1
        if self.answers < 0:
            raise EvidenceUnavailable("nobody answers")
        return self.source.ask(certificate, issuer)


@pytest.mark.parametrize("answers", [0, 4], ids=["at once", "half way"])
def test_without_evidence_nothing_is_issued_and_the_ticket_stays_open(desk: Office, head: Leaf, answers: int) -> None:
    assert desk.revocation
    prepared = ready(desk)
    sent = signed(prepared, head)
    with pytest.raises(EvidenceUnavailable, match=r"^(page\.kk|data): "):
        complete(prepared.ticket, sent, replace(desk, revocation=Silent(desk.revocation, answers)))
    assert not desk.register.by_number(prepared.number).issued
    assert check(done(prepared, sent, desk).number, desk).value == "valid"


def test_a_timestamp_that_came_with_it_may_be_older_than_the_evidence(
    desk: Office, clock: HandClock, head: Leaf
) -> None:
    assert desk.timestamper
    prepared, stamped_at = ready(desk), clock()
    tsa = desk.timestamper
    sent = {
        name: cms.stamped(replace(received.read(made), content=None).encode(), tsa)
        for name, made in signed(prepared, head).items()
    }
    clock.step(minutes=40)
    issued = done(prepared, sent, desk)
    found = pades.read(issued.pdf("kk")).signed
    assert (found.timestamp, found.kind) == (stamped_at, "B-LTA, plain")
    assert check(issued.number, desk).value == "valid"


def test_the_detached_signature_is_checked_with_its_data(desk: Office, head: Leaf) -> None:
    prepared = ready(desk)
    issued = done(prepared, signed(prepared, head), desk)
    p7s, xml = file(issued, "xml.p7s"), file(issued, "xml")
    assert check_file(p7s, desk, near=xml).value == "valid"
    assert check_file(xml, desk, near=p7s).value == "valid"
    assert check_file(p7s, desk, near=xml.replace(b"2026-000001", b"2026-000002")).value == "invalid"


def test_data_whose_signature_is_beside_them_are_proven_without_the_register(
    desk: Office, head: Leaf, pki: Pki
) -> None:
    prepared = ready(desk)
    issued = done(prepared, signed(prepared, head), desk)
    stranger = offices.office_in_memory(pki, desk.clock)
    p7s, xml = file(issued, "xml.p7s"), file(issued, "xml")
    assert check_file(xml, stranger).code == "not-signed"
    verdict = check_file(xml, stranger, near=p7s)
    assert evidence(verdict) == {("valid", "ok")}
    assert (verdict.value, verdict.code) == ("indeterminate", "not-registered")


def test_a_signature_on_the_disk_is_checked_with_the_data_beside_it(desk: Office, head: Leaf, tmp_path: Path) -> None:
    prepared = ready(desk)
    issued = done(prepared, signed(prepared, head), desk)
    path = tmp_path / f"{issued.number}.xml.p7s"
    path.write_bytes(file(issued, "xml.p7s"))
    assert check(path, desk).code == "content-missing"
    path.with_suffix("").write_bytes(file(issued, "xml"))
    assert check(path, desk).value == "valid"


def test_renewed_it_is_valid_before_and_after(desk: Office, clock: HandClock, head: Leaf, official: Leaf) -> None:
    both = replace(desk, forms=two_signers(desk.forms))
    issued = finished(both, official, head)
    clock.step(days=30)
    renewed = renew(issued.number, both)
    names = [f"{issued.number}.{end}" for end in ("kk.pdf", "xml.p7s", "xml.official.p7s")]
    assert [(row.name, row.level) for row in renewed.files] == [(name, "B-LTA, plain") for name in names]
    found = both.register.by_number(issued.number)
    assert [kept.name for kept in found.former] == names
    for kept in (*found.files, *found.former):
        if kept.role == "page":
            assert check(both.blobs.get(kept.sha256), both).value == "valid"
    verdict = check(issued.number, both)
    assert verdict.value == "valid", verdict.checks
    (kept,) = (kept for kept in found.files if kept.role == "approval")
    approval = cms.read(both.blobs.get(kept.sha256), to_xml(found.sealed), plain=True)
    assert [layer.kind for layer in approval.layers] == ["signature-timestamp", *["archive-timestamp"] * 2]


def test_the_official_s_signature_is_proven_in_the_report(desk: Office, head: Leaf, official: Leaf) -> None:
    both = replace(desk, forms=two_signers(desk.forms))
    issued = finished(both, official, head)
    steps = check(issued.pdf("kk"), both).as_json()["evidence"]
    own = [step for step in steps if step.get("signer") == "preparer"]
    kinds = [step["what"].removeprefix("the ").partition(" ")[0] for step in own]
    assert kinds == ["archive-timestamp", "signature-timestamp", "signature"]


def test_the_official_s_signature_lapses_like_any(desk: Office, head: Leaf, official: Leaf) -> None:
    both = replace(desk, forms=two_signers(desk.forms))
    issued = finished(both, official, head)
    assert list(status(both, months=12)) == []
    assert {row.name.partition(".")[2] for row in status(both, months=12 * 5)} == {
        "kk.pdf",
        "xml.p7s",
        "xml.official.p7s",
    }
    assert sha256(file(issued, "xml.official.p7s")).hexdigest() in {kept.sha256 for kept in issued.document.files}


def test_without_the_official_s_evidence_the_head_gets_nothing_to_sign(desk: Office, official: Leaf) -> None:
    both = replace(desk, forms=two_signers(desk.forms))
    assert both.revocation
    first = prepare(sent(), both)
    with pytest.raises(EvidenceUnavailable, match=r"^data: "):
        complete(first.ticket, signed(first, official), replace(both, revocation=Silent(both.revocation)))
    assert prepare(sent(), both) == first


def test_only_a_signature_that_names_its_certificate_has_a_level_of_etsi(desk: Office, head: Leaf) -> None:
    """In a PDF it is plain in any case: /SubFilter says so."""
    prepared = ready(desk)
    issued = done(prepared, {f.name: head.cms(f.content, "-cades") for f in prepared.files}, desk)
    assert levels(issued) == ("B-LTA, plain", "B-LTA")


def test_a_plain_signature_of_data_with_a_signature_of_their_own_is_not_taken(desk: Office, head: Leaf) -> None:
    """Theirs is of another kind; and a stranger's would look as if it belonged there."""
    issued = issue(offices.parsed(languages=["kk"]), desk)
    xml = file(issued, "xml")
    plain = received.read(head.cms(xml)).encode()
    assert cms.read(plain, xml, plain=True).kind == "B-B, plain"
    assert check_file(plain, desk, near=xml).code == "document-altered"
