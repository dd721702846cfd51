"""The folder of keys: made once, opened with its passphrase, read without it for checking."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from qujat.errors import CertificateRevoked, ConfigurationError, EvidenceLapsed, KeyUnavailable
from qujat.signing import cms, keys, policy
from qujat.signing.signer import KeySigner

KEYS = ("head", "issuing", "mark", "ocsp", "register", "root", "tsa")


def test_keys_are_encrypted_and_only_the_owner_reads_them(folder):
    assert folder.stat().st_mode & 0o777 == 0o700
    found = sorted(folder.glob("*.key.pem"))
    assert [path.name for path in found] == [f"{n}.key.pem" for n in KEYS]
    for path in found:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        with pytest.raises(TypeError):
            load_pem_private_key(path.read_bytes(), None)


def test_a_folder_with_keys_is_never_overwritten(folder, person, now, passphrase):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(KeyUnavailable, match="name another"):
        keys.create_stand_in(folder, passphrase, person, now=now)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_wrong_passphrase_is_refused_with_what_to_do(folder):
    with pytest.raises(KeyUnavailable, match="passphrase"):
        keys.open_keys(folder, b"wrong")


def test_a_missing_folder_is_refused_with_what_to_do(tmp_path, passphrase):
    for opened in (lambda: keys.open_keys(tmp_path, passphrase), lambda: keys.open_trust(tmp_path)):
        with pytest.raises(KeyUnavailable, match="make a stand-in"):
            opened()
    with pytest.raises(KeyUnavailable, match="make a stand-in"):
        keys.open_mark_keys(tmp_path)


def test_a_damaged_certificate_is_a_wrong_configuration(new_pki):
    folder, _ = new_pki()
    (folder / "root.pem").write_text("not a certificate")
    with pytest.raises(ConfigurationError):
        keys.open_trust(folder)
    (folder / "mark-keys.json").write_text("{}")
    with pytest.raises(ConfigurationError):
        keys.open_mark_keys(folder)


def test_the_stand_in_says_loudly_what_it_is(ring):
    assert ring.trust.stand_in
    for certificate in (*ring.trust.anchors, *ring.trust.intermediates, ring.timestamper.certificate):
        assert "ДЕМО – не ЭЦП" in certificate.subject.rfc4514_string()
    assert "ДЕМО – не ЭЦП" in ring.signer.certificate.issuer.rfc4514_string()


def test_the_heads_certificate_is_as_the_nca_makes_them(ring, person, now):
    certificate = ring.signer.certificate
    who = policy.identity(certificate)
    assert (who.iin, who.bin, who.full_name) == (person.iin, person.bin, person.full_name)
    roles = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [role.dotted_string for role in roles] == [
        "1.3.6.1.5.5.7.3.4",
        "1.2.398.3.3.4.1.2",
        "1.2.398.3.3.4.1.2.1",
    ]
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).critical
    assert certificate.not_valid_before_utc == now - timedelta(days=1)
    assert certificate.not_valid_after_utc == now + timedelta(days=364)


def test_the_chain_ends_below_the_root(ring):
    assert ring.signer.chain == ring.trust.intermediates
    assert ring.trust.anchors[0] not in ring.signer.chain


def test_openssl_accepts_the_chain_and_the_crls(run, folder, ca_file):
    run("openssl", "verify", "-CAfile", folder / "root.pem", "-untrusted", folder / "issuing.pem", folder / "head.pem")
    run("openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", ca_file, "-untrusted", folder / "issuing.pem",
        folder / "head.pem")  # fmt: skip
    run("openssl", "verify", "-CAfile", folder / "root.pem", "-purpose", "timestampsign", folder / "tsa.pem")
    for issuer in ("root", "issuing"):
        chain = ["-CAfile", folder / "root.pem", *(["-CAfile", folder / "issuing.pem"] if issuer != "root" else [])]
        assert "verify OK" in run("openssl", "crl", "-in", folder / f"{issuer}.crl.pem", "-noout", *chain)


def test_a_revoked_certificate_signs_no_more_but_what_it_signed_before_stays_good(new_pki, now, passphrase):
    folder, ring = new_pki()
    stamped = cms.sign_detached(b"x", ring.signer, at=now, timestamper=ring.timestamper)
    plain = cms.sign_detached(b"x", ring.signer, at=now)
    keys.revoke(folder, passphrase, at=now + timedelta(hours=1))
    trust = keys.open_trust(folder)
    later = now + timedelta(hours=2)
    assert cms.verify_detached(stamped, b"x", trust, at=later).timestamp == now
    with pytest.raises(EvidenceLapsed, match="revoked"):  # nothing proves that it was signed before
        cms.verify_detached(plain, b"x", trust, at=later)
    after = cms.sign_detached(b"x", ring.signer, at=now + timedelta(hours=1, minutes=1))
    with pytest.raises(CertificateRevoked):
        cms.verify_detached(after, b"x", trust, at=later)


def test_revoking_again_keeps_what_was_revoked_before(new_pki, now, passphrase):
    folder, ring = new_pki()
    for hours in (1, 2):
        keys.revoke(folder, passphrase, at=now + timedelta(hours=hours))
    crl = next(c for c in keys.open_trust(folder).crls if c.issuer == ring.signer.certificate.issuer)
    assert len(crl) == 2
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3


def test_mark_keys_stay_listed_with_their_intervals(new_pki):
    folder, ring = new_pki()
    kid, key = next(iter(ring.mark_keys.items()))
    assert len(kid) == 8
    assert kid == keys.kid_of(ring.mark_key.public_key())
    listed = json.loads((folder / "mark-keys.json").read_text())
    listed["keys"][0]["retired_at"] = "2027-01-01T00:00:00+00:00"
    (folder / "mark-keys.json").write_text(json.dumps(listed))
    assert keys.open_mark_keys(folder)[kid].retired_at.year == 2027
    assert key.retired_at is None


def test_a_mark_key_under_a_foreign_kid_is_refused(new_pki):
    folder, _ = new_pki()
    listed = json.loads((folder / "mark-keys.json").read_text())
    listed["keys"][0]["kid"] = "00" * 8
    (folder / "mark-keys.json").write_text(json.dumps(listed))
    with pytest.raises(ConfigurationError):
        keys.open_mark_keys(folder)


def test_a_key_is_only_taken_with_its_own_certificate(new_pki):
    _, one = new_pki()
    _, other = new_pki()
    with pytest.raises(KeyUnavailable):
        KeySigner(one.signer.key, other.signer.certificate)


def test_the_same_bytes_get_the_same_signature(ring):
    assert ring.signer.sign(b"x") == ring.signer.sign(b"x")


def test_no_key_shows_in_a_repr(ring):
    assert "key" not in repr(ring.signer).lower().replace("keysigner", "")


def test_opening_keys_needs_neither_pyhanko_nor_a_network_library_of_others():
    script = (
        "import sys, qujat.signing.keys; print([m for m in ('pyhanko', 'asn1crypto', 'signxml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
