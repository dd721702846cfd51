"""Trusted time: in this process, over HTTP, and what a token proves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from qujat.errors import CertificateUntrusted, EvidenceLapsed, TimestampInvalid, TimestampUnavailable
from qujat.signing import cms, der, timestamp
from qujat.signing.standin import _head_extensions, _usage
from qujat.signing.timestamp import HttpAuthority, StandInAuthority, serve


def token_over(authority, value=b"value"):
    return authority.token(sha256(value).digest())


def test_a_token_proves_when_a_value_existed(ring, now):
    stamped = timestamp.verify(token_over(ring.timestamper), b"value", ring.trust)
    assert stamped.time == now
    assert stamped.certificate == ring.timestamper.certificate


def test_a_token_proves_nothing_of_another_value(ring):
    with pytest.raises(TimestampInvalid):
        timestamp.verify(token_over(ring.timestamper), b"other", ring.trust)


def test_every_token_has_its_own_serial_number(ring):
    assert token_over(ring.timestamper) != token_over(ring.timestamper)


def test_openssl_accepts_a_token(ring, run, tmp_path, folder):
    (tmp_path / "token").write_bytes(token_over(ring.timestamper))
    (tmp_path / "value").write_bytes(b"value")
    output = run("openssl", "ts", "-verify", "-token_in", "-in", tmp_path / "token", "-data", tmp_path / "value",
                 "-CAfile", folder / "root.pem")  # fmt: skip
    assert "Verification: OK" in output


def test_openssl_and_the_stand_in_speak_the_same_protocol(ring, run, tmp_path, folder):
    (tmp_path / "value").write_bytes(b"value")
    run("openssl", "ts", "-query", "-data", tmp_path / "value", "-sha256", "-cert", "-out", tmp_path / "query")
    (tmp_path / "reply").write_bytes(ring.timestamper.respond((tmp_path / "query").read_bytes()))
    output = run("openssl", "ts", "-verify", "-in", tmp_path / "reply", "-queryfile", tmp_path / "query",
                 "-CAfile", folder / "root.pem")  # fmt: skip
    assert "Verification: OK" in output


def test_a_request_for_another_digest_is_rejected(ring, run, tmp_path):
    (tmp_path / "value").write_bytes(b"value")
    run("openssl", "ts", "-query", "-data", tmp_path / "value", "-sha512", "-out", tmp_path / "query")
    for request in ((tmp_path / "query").read_bytes(), b"", b"\x30\x00", b"junk"):
        assert ring.timestamper.respond(request) == bytes.fromhex("30053003020102")


def test_a_token_comes_over_http(ring, now):
    with serve(ring.timestamper) as url:
        assert timestamp.verify(token_over(HttpAuthority(url)), b"value", ring.trust).time == now


def test_an_authority_that_cannot_be_reached_says_what_to_do(ring, now):
    with serve(ring.timestamper) as url:
        pass
    with pytest.raises(TimestampUnavailable, match="try again"):
        token_over(HttpAuthority(url, timeout_seconds=1))
    with pytest.raises(TimestampUnavailable, match="http"):
        HttpAuthority("file:///etc/passwd")


@dataclass(frozen=True)
class Answering:
    """An authority that answers whatever it is told to."""

    answer: bytes

    def respond(self, request: bytes) -> bytes:
        del request
        return self.answer


def test_a_foreign_answer_is_no_timestamp(ring):
    other = der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.integer(0)), token_over(ring.timestamper))
    for answer in (other, b"", b"<html>", bytes.fromhex("30053003020102"), b"\x30\x00"):
        with serve(Answering(answer)) as url, pytest.raises(TimestampUnavailable):
            token_over(HttpAuthority(url))


@dataclass(frozen=True)
class Always:
    """An authority that gives the same token for everything."""

    fixed: bytes

    def token(self, digest: bytes) -> bytes:
        del digest
        return self.fixed


def test_signing_refuses_a_token_of_another_value(ring, now):
    with pytest.raises(TimestampUnavailable):
        cms.sign_detached(b"x", ring.signer, at=now, timestamper=Always(token_over(ring.timestamper)))


@pytest.mark.parametrize("usage", [ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.TIME_STAMPING])
def test_only_a_timestamp_authority_stamps(ring, issue, now, usage):
    critical = usage != ExtendedKeyUsageOID.TIME_STAMPING
    extensions = {_usage(digital_signature=True): True, x509.ExtendedKeyUsage([usage]): critical}
    other = issue(extensions, issuer="root")
    token = token_over(StandInAuthority(other.key, other.certificate, lambda: now))
    with pytest.raises(CertificateUntrusted):
        timestamp.verify(token, b"value", ring.trust)


def test_a_timestamp_of_another_pki_is_not_trusted(ring, new_pki):
    _, foreign = new_pki()
    with pytest.raises(CertificateUntrusted):
        timestamp.verify(token_over(foreign.timestamper), b"value", ring.trust)


def test_a_timestamp_outside_the_authoritys_validity_is_not_trusted(ring, now):
    authority = ring.timestamper
    for when in (now - timedelta(days=2), now + timedelta(days=5 * 366)):
        late = StandInAuthority(authority.key, authority.certificate, lambda when=when: when)
        with pytest.raises(CertificateUntrusted):
            timestamp.verify(token_over(late), b"value", ring.trust)


def test_a_signature_is_no_timestamp(ring, now):
    with pytest.raises(TimestampInvalid):
        timestamp.verify(cms.sign_detached(b"value", ring.signer, at=now), b"value", ring.trust)


def test_a_signature_stays_good_after_its_certificate_if_it_was_stamped(ring, issue, now):
    old = issue(_head_extensions(), start=timedelta(hours=-20), lasting=timedelta(hours=10))
    then = now - timedelta(hours=12)
    authority = StandInAuthority(ring.timestamper.key, ring.timestamper.certificate, lambda: then)
    stamped = cms.sign_detached(b"x", old, at=then, timestamper=authority)
    assert cms.verify_detached(stamped, b"x", ring.trust).signed_at == then
    plain = cms.sign_detached(b"x", old, at=then)
    with pytest.raises(EvidenceLapsed, match="Missing: a timestamp"):
        cms.verify_detached(plain, b"x", ring.trust)
    assert cms.verify_detached(plain, b"x", ring.trust, at=then).level == "B-B"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"20260102030405Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (b"20260102030405.5Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_times_are_read_to_the_second(text, expected):
    assert der.moment(der.one(der.tlv(der.GENERALIZED_TIME, text))) == expected


@pytest.mark.parametrize("text", [b"20260102030405", b"2026010203Z", b"20261302030405Z", b"", b"20260102030405+0500"])
def test_times_that_are_not_utc_are_refused(text):
    with pytest.raises(ValueError):
        der.moment(der.one(der.tlv(der.GENERALIZED_TIME, text)))
