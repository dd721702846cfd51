"""Signing with an organisation's key by way of NCANode: what it hands back is looked at before it is passed on."""

import base64

import kzcms
import pytest
from kzcms import HEAD_BIN, HEAD_CONTENT, rsa_head

from qujat.errors import KeyUnavailable, SigningServiceRefused
from qujat.signing.adapters.exchange import Signed, ToSign
from qujat.signing.adapters.ncanode import Pkcs12
from qujat.signing.adapters.ncanode_signing import OrganisationKey, read_key

DOCUMENT = ToSign("data", {"kk": "Деректер", "ru": "Данные"}, HEAD_CONTENT, "application/xml")
GOOD = kzcms.stamped(kzcms.detached(kzcms.head_cms()))


def sign(mock, cms, **changes):
    mock.on("/cms/sign", (200, {"cms": base64.b64encode(cms).decode()}))
    key = OrganisationKey(mock.node, Pkcs12(b"key", "password"), **({"bin": HEAD_BIN} | changes))
    return key.sign([DOCUMENT])


def test_a_detached_signature_of_the_organisation_is_passed_on(mock):
    assert sign(mock, GOOD) == [Signed("data", GOOD)]
    ((_, _, body),) = mock.asked
    assert body == {
        "data": "test",
        "signers": [{"key": "a2V5", "password": "password", "keyAlias": None}],
        "detached": True,
        "withTsp": True,
        "tsaPolicy": "TSA_GOST2015_POLICY",
    }


@pytest.mark.parametrize(
    ("cms", "expected"),
    [
        (kzcms.stamped(kzcms.head_cms()), "detached"),
        (kzcms.detached(kzcms.head_cms()), "timestamp"),
        (kzcms.stamped(rsa_head().cms(b"other bytes")), "bytes that were sent"),
        (kzcms.stamped(kzcms.together(kzcms.detached(kzcms.head_cms()), rsa_head().cms(HEAD_CONTENT))), "one signer"),
        (kzcms.without_certificates(GOOD), "its certificate"),
        (b"0\x03abc", "one signer"),
    ],
)
def test_another_signature_is_not_passed_on(mock, cms, expected):
    with pytest.raises(SigningServiceRefused, match=expected):
        sign(mock, cms)


def test_a_signature_of_another_organisation_is_not_passed_on(mock):
    with pytest.raises(SigningServiceRefused, match="organisation"):
        sign(mock, GOOD, bin="990140000013")


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "robot.p12"
    path.write_bytes(b"key")
    path.chmod(0o640)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        read_key(path, "password")
    path.chmod(0o600)
    assert read_key(path, "password") == Pkcs12(b"key", "password")


def test_a_key_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(KeyUnavailable, match="No such file"):
        read_key(tmp_path / "robot.p12", "password")
