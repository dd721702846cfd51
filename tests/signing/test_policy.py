"""Who may sign: the head or one entitled, with the signing key, of the authority of the decision."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from qujat.errors import CertificateExpired, SignerNotEntitled
from qujat.signing import policy
from qujat.signing.standin import _head_extensions, _usage

EMPLOYEE = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.5")


def may_sign(certificate, person, **changed):
    policy.entitled(certificate, **{"bin": person.bin, "iin": person.iin, **changed})


def test_the_head_of_the_authority_may_sign(ring, person):
    may_sign(ring.signer.certificate, person)


def test_one_entitled_to_sign_may_sign(issue, person):
    roles = x509.ExtendedKeyUsage([policy.EMAIL_PROTECTION, policy.ENTITLED_TO_SIGN])
    may_sign(issue({_usage(digital_signature=True, content_commitment=True): True, roles: False}).certificate, person)


def test_an_employee_may_not_sign(issue, person):
    roles = x509.ExtendedKeyUsage([policy.EMAIL_PROTECTION, EMPLOYEE])
    with pytest.raises(SignerNotEntitled, match=r"1\.2\.398\.3\.3\.4\.1\.2\.5"):
        may_sign(
            issue({_usage(digital_signature=True, content_commitment=True): True, roles: False}).certificate, person
        )


def test_an_authentication_key_does_not_sign(issue, person):
    roles = x509.ExtendedKeyUsage([policy.HEAD])
    with pytest.raises(SignerNotEntitled, match="nonRepudiation"):
        may_sign(issue({_usage(digital_signature=True, key_encipherment=True): True, roles: False}).certificate, person)


def test_a_certificate_without_usages_does_not_sign(issue, person):
    with pytest.raises(SignerNotEntitled, match="key usage"):
        may_sign(issue({}).certificate, person)


@pytest.mark.parametrize("changed", [{"bin": "990140000024"}, {"iin": "800101300026"}])
def test_a_certificate_of_another_is_refused_and_nobody_is_named(ring, person, changed):
    with pytest.raises(SignerNotEntitled) as refused:
        may_sign(ring.signer.certificate, person, **changed)
    said = refused.value.message
    assert "issued to another" in said
    for secret in (person.iin, person.bin, person.full_name, *changed.values()):
        assert secret not in said


def test_a_subject_with_two_organisations_is_refused(issue, person):
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "X"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"IIN{person.iin}"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"BIN{person.bin}"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "BIN990140000024"),
        ]
    )
    with pytest.raises(SignerNotEntitled, match="one BIN"):
        may_sign(issue(_head_extensions(), subject=subject).certificate, person)


def test_a_certificate_is_good_only_within_its_validity(ring, now):
    policy.in_validity(ring.signer.certificate, now)
    for at in (now - timedelta(days=2), now + timedelta(days=365)):
        with pytest.raises(CertificateExpired):
            policy.in_validity(ring.signer.certificate, at)
