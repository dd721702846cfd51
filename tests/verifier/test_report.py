"""What is said of a file: nothing valid by omission, every reason in every language, no IIN."""

from __future__ import annotations

import ast
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from strangers import cms, costly, pdf, xml
from strangers.authority import Authority

from qujat import verifier
from qujat.verifier.report import QUESTIONS, Objection, Reason, Report, SignatureReport, table
from qujat.verifier.verification import verify_here

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUB_INDICATIONS = {
    "TOTAL-PASSED": {""},
    "TOTAL-FAILED": {"FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "REVOKED", "EXPIRED", "NOT_YET_VALID"},
    "INDETERMINATE": {
        "SIG_CONSTRAINTS_FAILURE",
        "CHAIN_CONSTRAINTS_FAILURE",
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
        "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
        "TIMESTAMP_ORDER_FAILURE",
        "NO_SIGNING_CERTIFICATE_FOUND",
        "NO_CERTIFICATE_CHAIN_FOUND",
        "REVOKED_NO_POE",
        "OUT_OF_BOUNDS_NO_POE",
        "NO_POE",
        "TRY_LATER",
        "SIGNED_DATA_NOT_FOUND",
        "GENERIC",
    },
}
WHOLE = SignatureReport(place="S1", answered=tuple(QUESTIONS))


def report(*signatures: SignatureReport, reasons: tuple[str, ...] = ()) -> Report:
    said = tuple(Reason(code=code) for code in reasons)
    return Report(format="pdf", stand_in=True, checked_at=NOW, signatures=signatures, reasons=said)


def test_a_signature_is_valid_when_every_question_was_answered() -> None:
    assert report(WHOLE).value == "valid"


@pytest.mark.parametrize("question", sorted(QUESTIONS))
def test_a_question_that_was_not_asked_leaves_it_open(question: str) -> None:
    signature = WHOLE.model_copy(update={"answered": tuple(QUESTIONS - {question})})
    assert (report(signature).value, report(signature).code) == ("indeterminate", "not-checked")


def test_one_objection_outweighs_all_answers() -> None:
    signature = WHOLE.model_copy(update={"reasons": (Reason(code="gost"),)})
    assert (report(signature).value, report(signature).code) == ("indeterminate", "gost")


def test_what_refutes_outweighs_what_leaves_open() -> None:
    signature = WHOLE.model_copy(update={"reasons": (Reason(code="gost"), Reason(code="hash-failure"))})
    assert (report(signature).value, report(signature).code) == ("invalid", "hash-failure")


def test_one_bad_signature_spoils_the_file() -> None:
    bad = WHOLE.model_copy(update={"reasons": (Reason(code="no-chain"),)})
    assert report(WHOLE, bad).code == report(bad, WHOLE).code == "no-chain"


def test_a_reason_of_the_file_spoils_good_signatures() -> None:
    assert report(WHOLE, reasons=("active-content",)).value == "indeterminate"


def test_a_file_without_a_signature_is_not_valid() -> None:
    assert (report().value, report().code) == ("invalid", "not-signed")
    stamp = WHOLE.model_copy(update={"kind": "document-timestamp"})
    assert (report(stamp).value, report(stamp).code) == ("indeterminate", "only-timestamps")


def test_a_report_is_no_truth_value() -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(report(WHOLE))


def test_a_reason_that_nobody_knows_cannot_be_given() -> None:
    with pytest.raises(ValueError, match="expected a code"):
        Objection("no-such-reason")


@pytest.mark.parametrize("code", sorted(table()))
def test_every_reason_has_its_indication_and_its_sentences(code: str) -> None:
    said = table()[code]
    assert said.get("sub", "") in SUB_INDICATIONS[said["indication"]]
    assert set(said) <= {"indication", "sub", "kk", "ru", "en"}
    for language in ("kk", "ru", "en"):
        assert said[language].endswith(".")
    for language in ("kk", "ru"):
        for word in re.findall(r"\w+", said[language]):
            assert not (re.search("[A-Za-z]", word) and re.search("[А-Яа-яЁёӘәҒғҚқҢңӨөҰұҮүҺһІі]", word)), word


def test_every_reason_is_given_somewhere() -> None:
    """Read from the source: a sentence that nothing says is a rule that was lost."""
    given: set[str] = set()
    folders = [Path(verifier.__file__).parent, Path(verifier.__file__).parent.parent / "signing"]
    for path in [path for folder in folders for path in folder.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                given.add(node.value)
    assert table().keys() <= given


def test_every_reason_is_met_by_a_file_of_the_corpus() -> None:
    """Or by a test of its own, below and in test_bounds and test_uploads."""
    met = {broken.code for module in (cms, pdf, xml, costly) for broken in module.cases.broken}
    elsewhere = {"signatures-valid", "not-checked", "too-large", "checker-failed", "data-not-expected"}
    elsewhere |= {"poses-as-ours", "unrecognised", "container"}
    assert table().keys() == met | elsewhere


def test_the_answer_is_json_and_says_whose_trust_it_rests_on() -> None:
    said = json.loads(json.dumps(report(WHOLE).as_json(), ensure_ascii=False))
    assert (said["verdict"], said["ours"], said["trust"]) == ("valid", False, "stand-in")
    assert said["trust_note"]["ru"].startswith("ДЕМО – не ЭЦП")
    assert (said["indication"], said["signatures"][0]["indication"]) == ("TOTAL-PASSED", "TOTAL-PASSED")
    real = report(WHOLE).model_copy(update={"stand_in": False}).as_json()
    assert (real["trust"], "trust_note" in real) == ("production", False)


def test_a_signature_says_who_and_when_only_by_its_certificate_and_timestamp(authority: Authority) -> None:
    case = cms.detached_with_a_timestamp(authority)
    (signature,) = verify_here(case.content, data=case.data, trust=authority.trust, at=authority.now).signatures
    assert signature.who is not None
    assert (signature.who.name, signature.who.bin) == ("ҮЛГІБАЕВ ӘБДІҒАЛИ", "990140000013")
    assert (signature.at, signature.at_by) == (authority.now, "timestamp")
    (claimed,) = verify_here(cms.attached(authority).content, trust=authority.trust, at=authority.now).signatures
    assert (claimed.at, claimed.at_by, claimed.level) == (authority.now, "claim", "CAdES-B-B")


def test_no_report_shows_an_iin(authority: Authority) -> None:
    for build in (cms.detached_b_b, cms.certificate_for_login, cms.certificate_of_a_stranger_with_the_same_names):
        case = build(authority)
        said = verify_here(case.content, data=case.data, trust=authority.trust, at=authority.now).as_json()
        assert "800101300015" not in json.dumps(said)
