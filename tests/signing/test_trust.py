"""Paths to an anchor (RFC 5280), and what was revoked when."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA224, SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from qujat.errors import CertificateRevoked, CertificateUntrusted, RevocationUnknown
from qujat.signing import keys, standin
from qujat.signing.standin import _ca_extensions, _head_extensions, _usage
from qujat.signing.trust import Trust


def validate(trust, signer, at, purpose="sign"):
    trust.validate(signer.certificate, signer.chain, at=at, purpose=purpose)


def test_the_path_goes_from_the_signer_over_the_issuing_ca_to_the_root(ring, now):
    path = ring.trust.path(ring.signer.certificate, ring.signer.chain, at=now, purpose="sign")
    assert path == (ring.signer.certificate, *ring.trust.intermediates, *ring.trust.anchors)


def test_the_intermediate_may_come_from_the_document_alone(ring, now):
    validate(replace(ring.trust, intermediates=()), ring.signer, now)
    with pytest.raises(CertificateUntrusted):
        replace(ring.trust, intermediates=()).validate(ring.signer.certificate, (), at=now, purpose="sign")


def test_another_pki_with_the_same_names_is_not_trusted(ring, new_pki, now):
    _, foreign = new_pki()
    assert foreign.trust.anchors[0].subject == ring.trust.anchors[0].subject
    with pytest.raises(CertificateUntrusted):
        validate(ring.trust, foreign.signer, now)


def test_nothing_is_valid_outside_its_time(ring, now):
    for at in (now - timedelta(days=2), now + timedelta(days=365)):
        with pytest.raises(CertificateUntrusted, match="valid at"):
            validate(ring.trust, ring.signer, at)


def test_an_end_entity_issues_nothing(ring, issue, now, folder, passphrase):
    leaf = issue(_head_extensions())
    forged = _signed_by(ring.signer.certificate, ring.signer.key, leaf)
    with pytest.raises(CertificateUntrusted):
        ring.trust.validate(forged, (ring.signer.certificate, *ring.signer.chain), at=now, purpose="sign")


def test_a_ca_issues_no_further_cas_than_its_path_length_allows(ring, issue, now):
    below = issue(_ca_extensions(path_length=0))
    forged = _signed_by(below.certificate, below.key, issue(_head_extensions()))
    with pytest.raises(CertificateUntrusted):
        ring.trust.validate(forged, (below.certificate, *ring.signer.chain), at=now, purpose="sign")


def test_a_ca_does_not_sign_documents(ring, now):
    with pytest.raises(CertificateUntrusted):
        ring.trust.validate(ring.trust.intermediates[0], (), at=now, purpose="sign")


def test_a_critical_extension_that_we_do_not_know_is_refused(ring, issue, now):
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    with pytest.raises(CertificateUntrusted, match=r"1\.2\.3\.4"):
        validate(ring.trust, issue({**_head_extensions(), odd: True}), now)


@pytest.mark.parametrize(
    ("usages", "critical"),
    [
        ([ExtendedKeyUsageOID.TIME_STAMPING], False),
        ([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION], True),
        ([ExtendedKeyUsageOID.EMAIL_PROTECTION], True),
    ],
)
def test_a_timestamp_authority_does_that_and_nothing_else(ring, issue, now, usages, critical):
    other = issue({_usage(digital_signature=True): True, x509.ExtendedKeyUsage(usages): critical}, issuer="root")
    with pytest.raises(CertificateUntrusted, match="timestamp authority"):
        validate(ring.trust, other, now, purpose="timestamp")


def test_without_a_crl_nothing_is_known(ring, now):
    with pytest.raises(RevocationUnknown):
        validate(replace(ring.trust, crls=()), ring.signer, now)


def test_a_crl_of_another_pki_is_no_evidence(ring, new_pki, now):
    _, foreign = new_pki()
    with pytest.raises(RevocationUnknown):
        validate(replace(ring.trust, crls=foreign.trust.crls), ring.signer, now)


def test_a_list_signed_with_a_weak_digest_is_no_evidence(ring, now, folder, passphrase):
    def signed_with(digest):
        return tuple(
            x509.CertificateRevocationListBuilder()
            .issuer_name(certificate.subject)
            .last_update(now)
            .next_update(now + timedelta(days=1))
            .sign(standin.load_key(folder / f"{name}.key.pem", passphrase), digest)
            for name, certificate in (("root", ring.trust.anchors[0]), ("issuing", ring.trust.intermediates[0]))
        )

    validate(replace(ring.trust, crls=signed_with(SHA256())), ring.signer, now)
    with pytest.raises(RevocationUnknown):
        validate(replace(ring.trust, crls=signed_with(SHA224())), ring.signer, now)


def test_revocation_counts_from_its_date_on(new_pki, now, passphrase):
    folder, ring = new_pki()
    keys.revoke(folder, passphrase, at=now)
    trust = keys.open_trust(folder)
    validate(trust, ring.signer, now - timedelta(seconds=1))
    for at in (now, now + timedelta(days=1)):
        with pytest.raises(CertificateRevoked):
            validate(trust, ring.signer, at)


def test_a_later_crl_speaks_of_earlier_times_but_a_stale_one_not_of_later_times(new_pki, now, passphrase):
    folder, ring = new_pki()
    keys.revoke(folder, passphrase, at=now + timedelta(days=100))
    validate(keys.open_trust(folder), ring.signer, now)
    short = _with_short_crls(folder, passphrase, ring.trust, now)
    validate(short, ring.signer, now)
    with pytest.raises(RevocationUnknown):
        validate(short, ring.signer, now + timedelta(days=2))


def test_a_compromised_timestamp_key_spoils_its_old_timestamps(new_pki, now, passphrase):
    folder, ring = new_pki()
    tsa = ring.timestamper.certificate
    for reason, spoiled in ((x509.ReasonFlags.key_compromise, True), (x509.ReasonFlags.cessation_of_operation, False)):
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(tsa.serial_number)
            .revocation_date(now + timedelta(days=10))
            .add_extension(x509.CRLReason(reason), critical=False)
            .build()
        )
        root = standin.Holder(standin.load_key(folder / "root.key.pem", passphrase), ring.trust.anchors[0])
        crl = x509.load_pem_x509_crl(standin._crl(root, now + timedelta(days=10), [entry], number=2))
        trust = replace(ring.trust, crls=(crl,))
        if spoiled:
            with pytest.raises(CertificateRevoked):
                trust.validate(tsa, (), at=now, purpose="timestamp")
        else:
            trust.validate(tsa, (), at=now, purpose="timestamp")


def test_an_answer_for_one_moment_is_not_given_for_another(ring, now):
    for _ in range(2):
        validate(ring.trust, ring.signer, now)
        with pytest.raises(CertificateUntrusted):
            validate(ring.trust, ring.signer, now + timedelta(days=3650))


def _signed_by(issuer, key, leaf):
    """The leaf's certificate as if `issuer` had issued it."""
    certificate = leaf.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(issuer.subject)
        .public_key(certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(key, SHA256())


def _with_short_crls(folder, passphrase, trust: Trust, now):
    """The same trust with CRLs that hold for a day."""
    crls = []
    for name, certificate in (("root", trust.anchors[0]), ("issuing", trust.intermediates[0])):
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(certificate.subject)
            .last_update(now - timedelta(hours=1))
            .next_update(now + timedelta(days=1))
        )
        crls.append(builder.sign(standin.load_key(folder / f"{name}.key.pem", passphrase), SHA256()))
    return replace(trust, crls=tuple(crls))
