"""A signer's key in an encrypted file."""

import subprocess

import leaves
import pytest
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from qujat.errors import KeyUnavailable
from qujat.signing import cms
from qujat.signing.pkcs12 import open_pkcs12

SECRET = b"a secret of the signer"


@pytest.fixture(scope="module", params=leaves.KINDS)
def leaf(request, folder, passphrase, person, tmp_path_factory):
    return leaves.leaf(tmp_path_factory.mktemp("leaf"), folder, passphrase, person, kind=request.param)


def test_what_it_signs_is_verified(leaf, ring, now):
    signer = open_pkcs12(leaf.p12(SECRET), SECRET, ring.trust)
    signed = cms.sign_detached(b"x", signer, at=now)
    assert cms.verify_detached(signed, b"x", ring.trust).certificate == leaf.signer.certificate


def test_the_chain_is_found_among_the_intermediates_if_the_file_has_none(leaf, ring, tmp_path):
    path = tmp_path / "bare.p12"
    command = ["openssl", "pkcs12", "-export", "-legacy", "-inkey", leaf.key_file, "-in", leaf.certificate_file,
               "-out", path, "-passout", f"pass:{SECRET.decode()}"]  # fmt: skip
    subprocess.run(command, check=True)
    assert open_pkcs12(path, SECRET, ring.trust).chain == ring.trust.intermediates


def test_a_wrong_passphrase_is_refused_with_what_to_do(leaf, ring):
    with pytest.raises(KeyUnavailable, match="QUJAT_SIGNER_SECRET"):
        open_pkcs12(leaf.p12(SECRET), b"wrong", ring.trust)


@pytest.mark.parametrize("how", ["no encryption", "an empty passphrase"])
def test_a_file_that_is_not_encrypted_is_refused(leaf, ring, tmp_path, how):
    path = tmp_path / "plain.p12"
    encryption = NoEncryption()
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(None, leaf.signer.key, leaf.signer.certificate, None, encryption)
    )
    if how == "an empty passphrase":
        command = ["openssl", "pkcs12", "-export", "-inkey", leaf.key_file, "-in", leaf.certificate_file, "-out", path,
                   "-passout", "pass:"]  # fmt: skip
        subprocess.run(command, check=True)
    with pytest.raises(KeyUnavailable, match="encrypted"):
        open_pkcs12(path, SECRET, ring.trust)


def test_a_file_that_is_not_there_or_none_of_this_kind_is_refused(ring, tmp_path):
    (tmp_path / "junk.p12").write_bytes(b"junk")
    for name in ("none.p12", "junk.p12"):
        with pytest.raises(KeyUnavailable, match=name):
            open_pkcs12(tmp_path / name, SECRET, ring.trust)


def test_a_certificate_without_its_key_is_refused(leaf, ring, tmp_path):
    path = tmp_path / "certificate.p12"
    command = ["openssl", "pkcs12", "-export", "-nokeys", "-in", leaf.certificate_file, "-out", path,
               "-passout", f"pass:{SECRET.decode()}"]  # fmt: skip
    subprocess.run(command, check=True)
    with pytest.raises(KeyUnavailable, match="export both together"):
        open_pkcs12(path, SECRET, ring.trust)


def test_a_signer_of_another_authority_is_refused_at_the_start(leaf, new_pki):
    _, foreign = new_pki()
    with pytest.raises(KeyUnavailable, match="anchors"):
        open_pkcs12(leaf.p12(SECRET), SECRET, foreign.trust)


def test_the_passphrase_shows_nowhere(leaf, ring):
    signer = open_pkcs12(leaf.p12(SECRET), SECRET, ring.trust)
    assert SECRET.decode() not in repr(signer)
