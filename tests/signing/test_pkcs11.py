"""A signer's key in a token: SoftHSM stands for the tokens."""

import sys
import threading
from pathlib import Path

import leaves
import pytest
from tokens import MODULE, PIN

from qujat.errors import ConfigurationError, KeyUnavailable
from qujat.signing import cms, pkcs11
from qujat.signing.pkcs11 import Place, open_pkcs11


@pytest.fixture(scope="module")
def officials(folder, passphrase, person, tmp_path_factory):
    """An official's P-256 and his RSA key."""
    return {
        kind: leaves.leaf(tmp_path_factory.mktemp(kind), folder, passphrase, person, kind=kind) for kind in leaves.KINDS
    }


@pytest.fixture(scope="module")
def token(hsm, officials):
    """A token with both keys and their certificates, and the P-256 key once more without one."""
    hsm.make("qujat")
    for kind, leaf in officials.items():
        hsm.put("qujat", kind, leaf)
    hsm.put("qujat", "bare", officials["ec"], certificate=False)
    return hsm


def place(label="ec", token="qujat", module=MODULE):
    return Place(module, token, label)


def opened(ring, label="ec", certificate=None):
    return open_pkcs11(place(label), PIN.encode(), ring.trust, certificate)


@pytest.mark.parametrize("kind", leaves.KINDS)
def test_what_it_signs_is_verified(token, officials, ring, now, kind):
    signer = opened(ring, kind)
    assert signer.chain == ring.trust.intermediates
    for content in (b"x", b"y"):
        signed = cms.sign_detached(content, signer, at=now, timestamper=ring.timestamper)
        assert cms.verify_detached(signed, content, ring.trust).certificate == officials[kind].signer.certificate


def test_one_session_serves_all_signatures(token, ring, monkeypatch):
    signer = opened(ring)
    monkeypatch.setattr(pkcs11, "_opened", None)
    assert all(signer.sign(b"x") for _ in range(3))


def test_several_threads_may_sign_at_once(token, ring, now):
    signer, made = opened(ring), []
    work = [
        threading.Thread(target=lambda n=n: made.append((n, cms.sign_detached(b"%d" % n, signer, at=now))))
        for n in range(8)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(made) == 8
    assert all(cms.verify_detached(signed, b"%d" % n, ring.trust) for n, signed in made)


def test_a_token_that_was_pulled_out_says_so_and_is_found_again_when_it_is_back(token, ring, now):
    signer = opened(ring)
    with token.pulled_out():
        for _ in range(2):
            with pytest.raises(KeyUnavailable, match="put the token in and try again"):
                signer.sign(b"x")
    signed = cms.sign_detached(b"x", signer, at=now)
    assert cms.verify_detached(signed, b"x", ring.trust)


def test_a_token_that_was_pulled_out_and_put_back_between_two_signatures_is_not_missed(token, ring):
    signer = opened(ring)
    with token.pulled_out(), pytest.raises(KeyUnavailable):
        opened(ring)
    assert signer.sign(b"x")


def test_a_wrong_pin_is_tried_once(token, officials, ring, monkeypatch):
    token.make("another")
    token.put("another", "ec", officials["ec"], certificate=False)
    tried, log_in = [], pkcs11._logged_in
    monkeypatch.setattr(pkcs11, "_logged_in", lambda *given: tried.append(1) or log_in(*given))
    with pytest.raises(KeyUnavailable, match="locks itself") as refused:
        open_pkcs11(place(token="another"), b"000000", ring.trust)
    assert tried == [1]
    assert "000000" not in refused.value.message


def test_a_token_key_or_library_that_is_not_there_is_named(token, ring, tmp_path):
    with pytest.raises(KeyUnavailable, match=r"'elsewhere'.*put the token in"):
        open_pkcs11(place(token="elsewhere"), PIN.encode(), ring.trust)
    with pytest.raises(KeyUnavailable, match="no private key labelled 'none'"):
        opened(ring, "none")
    with pytest.raises(ConfigurationError, match="module"):
        open_pkcs11(place(module=tmp_path / "none.so"), PIN.encode(), ring.trust)


def test_a_key_without_a_certificate_takes_one_from_a_file(token, officials, ring):
    with pytest.raises(KeyUnavailable, match="one certificate labelled 'bare'"):
        opened(ring, "bare")
    own = pkcs11.load_certificate(officials["ec"].certificate_file)
    assert opened(ring, "bare", own).certificate == officials["ec"].signer.certificate


def test_a_certificate_of_another_key_is_found_at_the_start(token, ring):
    with pytest.raises(KeyUnavailable, match="came another key"):
        opened(ring, "bare", ring.signer.certificate)


def test_a_file_that_is_no_certificate_is_named(tmp_path):
    for path in (Path(__file__), tmp_path / "none.pem"):
        with pytest.raises(ConfigurationError, match="certificate in"):
            pkcs11.load_certificate(path)


def test_without_python_pkcs11_it_is_said_what_to_install(ring, monkeypatch):
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ConfigurationError, match=r"qujat\[pkcs11\]"):
        opened(ring)


def test_the_pin_shows_nowhere(token, ring):
    assert PIN not in repr(opened(ring))
