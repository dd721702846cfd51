"""Every rule that NCANode does not keep, each with an answer of it that says `valid: true`.

The GOST signature is a recorded one of the authority's test head; its timestamp is of an authority of the tests.
"""

import re
from copy import deepcopy
from datetime import timedelta
from pathlib import Path

import kzcms
import pytest
from kzcms import HEAD_BIN, HEAD_CONTENT, HEAD_IIN, SIGNED_AT, authority, exchange, rsa_head

from qujat.signing.adapters import cmsfacts, ncanode_rules, ncanode_verdict
from qujat.signing.adapters.exchange import Signatory
from qujat.signing.adapters.ncanode import NcaNode
from qujat.signing.adapters.ncanode_verdict import Expected, judge_cms
from qujat.verdicts import sentences

DETACHED = kzcms.stamped(kzcms.detached(kzcms.head_cms()))
LATER = SIGNED_AT + timedelta(minutes=1)
GOOD_OCSP = {"revoked": False, "by": "OCSP", "revocationTime": None, "reason": "OK"}
CLEAN_CRL = {"revoked": False, "by": "CRL", "revocationTime": None, "reason": None}


def expected(**changes):
    who = changes.pop("who", Signatory(HEAD_BIN, HEAD_IIN))
    usual = {"tsa_certificates": frozenset({authority().pin}), "clock": lambda: LATER}
    return Expected(who, **(usual | changes))


def info(**changes):
    """What NCANode says of the head's certificate, as recorded, with changes."""
    (signer,) = exchange("cms-verify-head")["response"]["body"]["signers"]
    return deepcopy(signer["certificates"][0]) | changes


def info_of(head, **changes):
    """What it would say of an RSA head's certificate."""
    dates = {
        "notBefore": head.certificate.not_valid_before_utc.isoformat(),
        "notAfter": head.certificate.not_valid_after_utc.isoformat(),
    }
    return info(serialNumber=f"{head.certificate.serial_number:x}", **dates) | changes


def tsp_of(cms, serial=None):
    """What NCANode would say of the timestamp of a signer (by serial number; else the first)."""
    stamp = next((s.stamp for s in cmsfacts.read(cms).signers if serial in (None, s.serial)), None)
    if stamp is None:
        return None
    return {"genTime": stamp.time.isoformat(), "policy": stamp.policy, "hash": stamp.imprint.hex()}


def says(mock, cms, *certificates, valid=True, without=None, tsp=..., extracted=None, **signer):
    """NCANode's answers: of extracting, of verifying with revocation, and (if not valid) of verifying without."""
    signers = [
        {"certificates": [c], "tsp": tsp_of(cms, int(c["serialNumber"], 16)) if tsp is ... else tsp} | signer
        for c in certificates or (info(),)
    ]
    reply = {"status": 200, "message": "OK", "valid": valid, "signers": signers}
    nothing = (400, {"status": 400, "message": "CMS doesn't have signed content"})
    mock.on("/cms/extract", (200, {"data": extracted}) if extracted is not None else nothing)
    mock.on("/cms/verify", (200, reply), (200, without or reply))
    return mock.node


def judge(mock, cms=DETACHED, *certificates, data=HEAD_CONTENT, want=None, attached=False, **told):
    return judge_cms(says(mock, cms, *certificates, **told), cms, data, want or expected(), attached=attached)


def outcome(verdict):
    return verdict.value, verdict.code


def check(verdict, name):
    return [(c.value, c.code) for c in verdict.checks if c.name == name]


def test_a_good_signature_is_valid(mock):
    verdict = judge(mock)
    assert outcome(verdict) == ("valid", "genuine"), verdict.checks
    names = ["data", "signature", "timestamp", "certificate", "revocation", "signer"]
    assert [c.name for c in verdict.checks] == names


def test_a_good_signature_of_an_rsa_key_is_valid_by_our_own_trust(mock):
    cms = kzcms.stamped(rsa_head().cms(b"page"), imprint="sha256")
    verdict = judge(mock, cms, info_of(rsa_head()), data=b"page", want=expected(trust=rsa_head().trust))
    assert outcome(verdict) == ("valid", "genuine"), verdict.checks


# Rule 1: no SignerInfos → valid: true, signers: []


def test_a_signature_without_signers_is_invalid(mock):
    cms = kzcms.without_signers(kzcms.detached(kzcms.head_cms()))
    mock.on("/cms/verify", (200, {"valid": True, "signers": []}))
    mock.on("/cms/extract", (400, {"message": "CMS doesn't have signed content"}))
    assert outcome(judge_cms(mock.node, cms, HEAD_CONTENT, expected())) == ("invalid", "no-signers")


def test_an_answer_without_signers_proves_nothing(mock):
    node = says(mock, DETACHED)
    mock.on("/cms/verify", (200, {"valid": True, "signers": []}))
    assert outcome(judge_cms(node, DETACHED, HEAD_CONTENT, expected())) == ("indeterminate", "service-differs")


# Rule 2: a certificate that is not embedded is skipped → valid: true, certificates: []


def test_a_signer_without_certificate_is_invalid(mock):
    cms = kzcms.without_certificates(DETACHED)
    assert outcome(judge(mock, cms)) == ("invalid", "signer-certificate-missing")


@pytest.mark.parametrize("certificates", [[], [info(), info()]])
def test_an_answer_without_exactly_one_certificate_proves_nothing(mock, certificates):
    node = says(mock, DETACHED)
    mock.on("/cms/verify", (200, {"valid": True, "signers": [{"certificates": certificates}]}))
    assert outcome(judge_cms(node, DETACHED, HEAD_CONTENT, expected())) == ("indeterminate", "service-differs")


def test_an_answer_about_another_certificate_proves_nothing(mock):
    assert outcome(judge(mock, DETACHED, info(serialNumber="7"))) == ("indeterminate", "service-differs")


# Rule 3: attached CMS + data → the data are left aside


def test_a_signature_with_content_of_its_own_is_invalid_for_a_detached_one(mock):
    cms = kzcms.stamped(kzcms.head_cms())
    assert outcome(judge(mock, cms, data=b"another document")) == ("invalid", "not-detached")


def test_what_only_ncanode_finds_inside_counts_too(mock):
    assert outcome(judge(mock, extracted="Zm9v")) == ("invalid", "not-detached")


def test_an_attached_signature_must_carry_the_very_bytes(mock):
    cms = kzcms.stamped(kzcms.head_cms())
    told = {"extracted": "test", "attached": True}
    assert outcome(judge(mock, cms, **told)) == ("valid", "genuine")
    assert outcome(judge(mock, cms, data=b"another document", **told)) == ("invalid", "document-altered")


def test_what_only_ncanode_finds_inside_an_attached_signature_counts_too(mock):
    cms = kzcms.stamped(kzcms.head_cms())
    assert outcome(judge(mock, cms, extracted="Zm9v", attached=True)) == ("invalid", "document-altered")


def test_a_detached_signature_is_not_an_attached_one(mock):
    assert outcome(judge(mock, extracted="test", attached=True)) == ("invalid", "document-altered")


def test_a_signature_of_other_bytes_is_invalid(mock):
    verdict = judge(mock, data=b"another document")
    assert check(verdict, "data") == [("invalid", "document-altered")]


# Rule 4: no revocationCheck → no check


def test_revocation_is_always_asked_for(mock):
    judge(mock)
    (body,) = (body for _, path, body in mock.asked if path == "/cms/verify")
    assert body["revocationCheck"] == ["OCSP", "CRL"]


def test_an_answer_without_revocation_is_not_a_good_one(mock):
    assert outcome(judge(mock, DETACHED, info(revocations=[]))) == ("indeterminate", "revocation-unknown")


# Rule 5: valid is of now


@pytest.mark.parametrize("days", [-300, 300])
def test_a_certificate_out_of_force_at_the_timestamp_is_invalid(mock, days):
    at = SIGNED_AT + timedelta(days=days)
    cms = kzcms.stamped(kzcms.detached(kzcms.head_cms()), at=at)
    verdict = judge(mock, cms, want=expected(clock=lambda: at + timedelta(minutes=1)))
    assert check(verdict, "certificate") == [("invalid", "certificate-expired")]
    assert verdict.value == "invalid"


def test_a_certificate_that_ran_out_since_is_judged_at_the_timestamp(mock):
    cms = kzcms.stamped(rsa_head().cms(b"page"))
    later = expected(trust=rsa_head().trust, clock=lambda: SIGNED_AT + timedelta(days=2000))
    verdict = judge(mock, cms, info_of(rsa_head(), valid=False), data=b"page", want=later, valid=False)
    assert outcome(verdict) == ("valid", "genuine"), verdict.checks


def test_a_good_ocsp_answer_after_the_certificate_ran_out_proves_nothing(mock):
    verdict = judge(mock, want=expected(clock=lambda: SIGNED_AT + timedelta(days=400)))
    assert outcome(verdict) == ("indeterminate", "revocation-unknown")


# Rule 6: an OCSP that cannot be reached → valid: false, the same as revoked


@pytest.mark.parametrize("reason", ["Connect to ocsp.pki.gov.kz timed out", "Unknown status", None])
def test_an_ocsp_that_does_not_answer_is_open_not_forged(mock, reason):
    told = info(valid=False, revocations=[CLEAN_CRL, GOOD_OCSP | {"reason": reason}])
    without = {"valid": True, "signers": [{"certificates": [info(revocations=[])]}]}
    verdict = judge(mock, DETACHED, told, valid=False, without=without)
    assert outcome(verdict) == ("indeterminate", "revocation-unknown"), verdict.checks
    assert check(verdict, "signature") == [("valid", "ok")]


@pytest.mark.parametrize("time", ["2023-10-01T00:00:00.000+00:00", None])
def test_revoked_before_is_invalid(mock, time):
    revoked = {"revoked": True, "by": "OCSP", "revocationTime": time, "reason": "OK"}
    assert outcome(judge(mock, DETACHED, info(revocations=[revoked]))) == ("invalid", "certificate-revoked")


def test_revoked_by_a_list_is_invalid_though_ocsp_says_good(mock):
    revoked = {"revoked": True, "by": "CRL", "revocationTime": "2023-10-01T00:00:00.000+00:00", "reason": None}
    verdict = judge(mock, DETACHED, info(revocations=[GOOD_OCSP, revoked]))
    assert outcome(verdict) == ("invalid", "certificate-revoked")


def test_revoked_afterwards_was_good_at_the_timestamp(mock):
    revoked = {"revoked": True, "by": "OCSP", "revocationTime": "2023-10-11T09:31:30.000+00:00", "reason": "OK"}
    without = {"valid": True, "signers": [{"certificates": [info()], "tsp": tsp_of(DETACHED)}]}
    verdict = judge(mock, DETACHED, info(valid=False, revocations=[revoked]), valid=False, without=without)
    assert outcome(verdict) == ("valid", "genuine"), verdict.checks


# Rule 7: no CRL loaded → as if it were clean


def test_a_clean_list_alone_proves_nothing(mock):
    assert outcome(judge(mock, DETACHED, info(revocations=[CLEAN_CRL]))) == ("indeterminate", "revocation-unknown")


# Rule 8: nobody checks who signed the OCSP answer


def test_a_relayed_answer_does_not_do_where_we_can_check_ourselves(mock):
    cms = kzcms.stamped(rsa_head().cms(b"page"))
    verdict = judge(mock, cms, info_of(rsa_head()), data=b"page")
    assert check(verdict, "revocation") == [("indeterminate", "revocation-unknown")]
    assert check(verdict, "certificate") == [("indeterminate", "chain-unknown")]
    assert verdict.value == "indeterminate"


def test_our_own_list_counts_against_a_relayed_good(mock):
    head = rsa_head(revoked=SIGNED_AT - timedelta(hours=1))
    cms = kzcms.stamped(head.cms(b"page"))
    verdict = judge(mock, cms, info_of(head), data=b"page", want=expected(trust=head.trust))
    assert outcome(verdict) == ("invalid", "certificate-revoked")
    assert check(verdict, "certificate") == [("valid", "ok")]


def test_a_relayed_revocation_against_our_own_list_is_open(mock):
    revoked = {"revoked": True, "by": "OCSP", "revocationTime": None, "reason": "OK"}
    cms = kzcms.stamped(rsa_head().cms(b"page"))
    told = info_of(rsa_head(), revocations=[revoked])
    verdict = judge(mock, cms, told, data=b"page", want=expected(trust=rsa_head().trust))
    assert outcome(verdict) == ("indeterminate", "revocation-unknown")


def test_a_certificate_of_another_root_is_invalid_for_our_own_trust(mock):
    cms = kzcms.stamped(rsa_head().cms(b"page"))
    other = rsa_head(revoked=SIGNED_AT - timedelta(hours=1)).trust
    verdict = judge(mock, cms, info_of(rsa_head()), data=b"page", want=expected(trust=other))
    assert check(verdict, "certificate") == [("invalid", "certificate-untrusted")]


# Rule 9: a timestamp's own signature alone is checked


def test_a_timestamp_of_another_signature_is_invalid(mock):
    cms = kzcms.stamped(kzcms.detached(kzcms.head_cms()), authority().token(b"another signature", SIGNED_AT))
    assert check(judge(mock, cms), "timestamp") == [("invalid", "timestamp-invalid")]


def test_a_timestamp_of_an_authority_that_is_not_pinned_is_open(mock):
    verdict = judge(mock, want=expected(tsa_certificates=frozenset({"00" * 32})))
    assert outcome(verdict) == ("indeterminate", "timestamp-untrusted")


def test_a_timestamp_under_another_policy_is_open(mock):
    cms = kzcms.stamped(kzcms.detached(kzcms.head_cms()), under="1.2.3.4")
    assert outcome(judge(mock, cms)) == ("indeterminate", "timestamp-untrusted")


def test_a_timestamp_that_ncanode_does_not_speak_of_is_open(mock):
    assert outcome(judge(mock, tsp=None)) == ("indeterminate", "timestamp-unproven")


@pytest.mark.parametrize("told", [{"genTime": "2023-10-11T09:31:16.000+00:00"}, {"hash": "00" * 64}])
def test_an_answer_about_another_timestamp_proves_nothing(mock, told):
    assert outcome(judge(mock, tsp=tsp_of(DETACHED) | told)) == ("indeterminate", "service-differs")


def test_an_imprint_that_is_not_computed_here_is_open(mock):
    cms = kzcms.stamped(kzcms.detached(kzcms.head_cms()), imprint="gost34311")
    assert outcome(judge(mock, cms)) == ("indeterminate", "unsupported-algorithm")


def test_an_imprint_that_proves_nothing_is_invalid(mock):
    cms = kzcms.stamped(kzcms.detached(kzcms.head_cms()), imprint="sha1")
    assert outcome(judge(mock, cms)) == ("invalid", "timestamp-invalid")


def test_a_timestamp_ahead_of_our_clock_is_invalid(mock):
    verdict = judge(mock, want=expected(clock=lambda: SIGNED_AT - timedelta(minutes=6)))
    assert outcome(verdict) == ("invalid", "timestamp-invalid")


def test_a_timestamp_before_the_document_is_invalid(mock):
    verdict = judge(mock, want=expected(prepared_at=SIGNED_AT + timedelta(minutes=6)))
    assert outcome(verdict) == ("invalid", "timestamp-invalid")


def test_a_timestamp_outside_its_authority_s_validity_is_invalid(mock):
    old = authority(SIGNED_AT - timedelta(days=1))
    signature = cmsfacts.read(kzcms.head_cms()).signers[0].signature
    cms = kzcms.stamped(kzcms.detached(kzcms.head_cms()), old.token(signature, SIGNED_AT))
    verdict = judge(mock, cms, want=expected(tsa_certificates=frozenset({old.pin})))
    assert outcome(verdict) == ("invalid", "timestamp-invalid")


def test_two_timestamps_are_invalid(mock):
    cms = kzcms.stamped(kzcms.detached(kzcms.head_cms()), times=2)
    assert outcome(judge(mock, cms, tsp=None)) == ("invalid", "document-altered")


def test_no_timestamp_is_open_unless_judged_at_receipt(mock):
    cms = kzcms.detached(kzcms.head_cms())
    assert outcome(judge(mock, cms)) == ("indeterminate", "no-timestamp")
    assert outcome(judge(mock, cms, want=expected(timestamp="receipt"))) == ("valid", "genuine")


def test_at_receipt_the_certificate_must_be_in_force_now(mock):
    cms = kzcms.detached(kzcms.head_cms())
    want = expected(timestamp="receipt", clock=lambda: SIGNED_AT + timedelta(days=400))
    assert check(judge(mock, cms, want=want), "certificate") == [("invalid", "certificate-expired")]


# Rule 10: several SignerInfos, one boolean


def two_signers(second):
    both = kzcms.together(kzcms.detached(kzcms.head_cms()), second.cms(HEAD_CONTENT))
    return kzcms.stamped(both)


def test_two_good_signers_are_valid(mock):
    cms, head = two_signers(rsa_head()), rsa_head()
    verdict = judge(mock, cms, info(), info_of(head), want=expected(trust=head.trust))
    assert outcome(verdict) == ("valid", "genuine"), verdict.checks
    assert len(verdict.checks) == 12


def test_each_signer_is_judged(mock):
    auth = rsa_head(auth=True)
    verdict = judge(mock, two_signers(auth), info(), info_of(auth), want=expected(trust=auth.trust))
    assert sorted(check(verdict, "signer")) == [("invalid", "signer-not-entitled"), ("valid", "ok")]
    assert verdict.value == "invalid"


def test_an_answer_about_one_of_two_signers_proves_nothing(mock):
    assert outcome(judge(mock, two_signers(rsa_head()), info())) == ("indeterminate", "service-differs")


# Rule 11: a key for authentication is accepted, of anybody


def test_a_key_for_authentication_is_invalid(mock):
    auth = rsa_head(auth=True)
    cms = kzcms.stamped(auth.cms(b"page"))
    verdict = judge(mock, cms, info_of(auth), data=b"page", want=expected(trust=auth.trust))
    assert outcome(verdict) == ("invalid", "signer-not-entitled")


@pytest.mark.parametrize("who", [Signatory("990140000013", HEAD_IIN), Signatory(HEAD_BIN, "800101300015")])
def test_another_official_or_another_authority_is_invalid(mock, who):
    assert outcome(judge(mock, want=expected(who=who))) == ("invalid", "signer-not-entitled")


@pytest.mark.parametrize(
    "told",
    [
        {"keyUsage": "AUTH"},
        {"keyUsage": None},
        {"keyUser": ["EMPLOYEE", "ORGANIZATION"]},
        {"keyUser": []},
        {"subject": None},
        {"subject": {"iin": HEAD_IIN, "bin": "990140000013", "dn": "x"}},
        {"subject": {"iin": "800101300015", "bin": HEAD_BIN, "dn": "x"}},
    ],
)
def test_an_answer_that_names_another_holder_proves_nothing(mock, told):
    assert outcome(judge(mock, DETACHED, info(**told))) == ("indeterminate", "service-differs")


def test_an_answer_with_other_dates_proves_nothing(mock):
    told = info(notAfter="2029-03-26T03:55:28.000+00:00")
    assert outcome(judge(mock, DETACHED, told)) == ("indeterminate", "service-differs")


# The signature itself


def test_a_wrong_signature_of_an_rsa_key_is_invalid_whatever_ncanode_says(mock):
    def flip(data):
        signature = bytearray(data["signer_infos"][0]["signature"].native)
        signature[0] ^= 1
        data["signer_infos"][0]["signature"] = bytes(signature)

    cms = kzcms.stamped(kzcms.changed(rsa_head().cms(b"page"), flip))
    verdict = judge(mock, cms, info_of(rsa_head()), data=b"page", want=expected(trust=rsa_head().trust))
    assert check(verdict, "signature") == [("invalid", "signature-invalid")]


def test_a_key_that_is_too_weak_is_open_whatever_ncanode_says(mock):
    weak = rsa_head(1024)
    cms = kzcms.stamped(weak.cms(b"page"))
    verdict = judge(mock, cms, info_of(weak), data=b"page", want=expected(trust=weak.trust))
    assert check(verdict, "signature") == [("indeterminate", "unsupported-algorithm")]


def test_a_whole_that_is_not_valid_with_a_good_certificate_is_a_wrong_signature(mock):
    assert outcome(judge(mock, valid=False)) == ("invalid", "signature-invalid")


def test_a_whole_that_is_not_valid_with_a_bad_certificate_is_open(mock):
    verdict = judge(mock, DETACHED, info(valid=False), valid=False)
    assert check(verdict, "signature") == [("indeterminate", "signature-unproven")]
    assert check(verdict, "certificate") == [("indeterminate", "chain-unknown")]
    assert verdict.value == "indeterminate"


@pytest.mark.parametrize(
    ("status", "reason", "found"),
    [
        ("VALID", None, ("valid", "ok")),
        ("INVALID", "SIG_CRYPTO_FAILURE", ("invalid", "signature-invalid")),
        ("VALID", "SIG_CRYPTO_FAILURE", ("invalid", "signature-invalid")),
        ("INDETERMINATE", "REVOCATION_DATA_MISSING", ("valid", "ok")),
        ("INDETERMINATE", "NO_SIGNING_CERTIFICATE_FOUND", ("indeterminate", "signature-unproven")),
        ("INVALID", None, ("indeterminate", "signature-unproven")),
    ],
)
def test_newer_versions_say_what_was_wrong(mock, status, reason, found):
    verdict = judge(mock, status=status, subIndication=reason)
    assert check(verdict, "signature") == [found]


def test_a_digest_that_proves_nothing_is_invalid(mock):
    def sha1(data):
        data["signer_infos"][0]["digest_algorithm"] = {"algorithm": "sha1"}

    verdict = judge(mock, kzcms.changed(DETACHED, sha1))
    assert check(verdict, "data") == [("invalid", "signature-invalid")]


# The service itself


def test_a_service_that_is_down_leaves_it_open():
    verdict = judge_cms(NcaNode("http://127.0.0.1:1"), DETACHED, HEAD_CONTENT, expected())
    assert outcome(verdict) == ("indeterminate", "signing-service-unavailable")


def test_a_service_at_a_public_address_leaves_it_open():
    verdict = judge_cms(NcaNode("http://8.8.8.8"), DETACHED, HEAD_CONTENT, expected())
    assert outcome(verdict) == ("indeterminate", "bad-configuration")


def test_a_service_that_fails_leaves_it_open(mock):
    node = says(mock, DETACHED)
    mock.on("/cms/verify", (500, {"status": 500, "message": "NullPointerException"}))
    verdict = judge_cms(node, DETACHED, HEAD_CONTENT, expected())
    assert outcome(verdict) == ("indeterminate", "signing-service-refused")


@pytest.mark.parametrize("bytes_", [b"", b"0", b"\x30\x80", b"MII", bytes(100), DETACHED[:-1], DETACHED + b"\0"])
def test_what_is_no_signature_is_invalid_and_nobody_is_asked(mock, bytes_):
    assert judge_cms(mock.node, bytes_, HEAD_CONTENT, expected()).value == "invalid"
    assert mock.asked == []


def test_a_damaged_signature_never_ends_in_an_error(mock):
    node = says(mock, DETACHED)
    values = set()
    for place in range(0, len(DETACHED), 41):
        cms = DETACHED[:place] + bytes([DETACHED[place] ^ 0x55]) + DETACHED[place + 1 :]
        values.add(judge_cms(node, cms, HEAD_CONTENT, expected()).value)
    assert "invalid" in values


def test_every_code_has_its_sentence():
    codes = {
        code
        for module in (ncanode_rules, ncanode_verdict)
        for code in re.findall(r'Failed\(\s*"\w+", "([a-z-]+)"', Path(module.__file__).read_text(encoding="utf-8"))
    }
    assert len(codes) > 10
    assert codes <= sentences().keys()
