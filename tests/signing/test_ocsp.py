"""Answers on revocation: whose are believed, how they are asked for over HTTP, and what happens without any."""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA224, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as pyca
from cryptography.x509.oid import ExtendedKeyUsageOID

from qujat.errors import EvidenceUnavailable, SignerRevoked
from qujat.signing import cms, keys, lasting, ocsp, services
from qujat.signing.evidence import evidence
from qujat.signing.fetching import HttpSource
from qujat.signing.ocsp import NoAnswer
from qujat.signing.responder import Responder, StandInSource
from qujat.signing.standin import _responder_extensions, _usage
from qujat.signing.trust import Trust

GOOD, REVOKED, UNKNOWN = pyca.OCSPCertStatus.GOOD, pyca.OCSPCertStatus.REVOKED, pyca.OCSPCertStatus.UNKNOWN
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def head(ring):
    return ring.signer.certificate


@pytest.fixture(scope="module")
def issuing(ring):
    return ring.trust.intermediates[0]


@dataclass(frozen=True)
class Asker:
    """Makes answers about the head, right in everything that is not said otherwise."""

    ring: object
    now: object

    def __call__(self, *, signer=None, appointed=None, status=GOOD, next_update=HOUR, digest=None, about=None, **said):
        responder = self.ring.revocation.responder
        key, certificate = signer or responder.key, appointed or responder.certificate
        now = said.get("now", self.now)
        builder = pyca.OCSPResponseBuilder().add_response(
            about or self.ring.signer.certificate,
            said.get("issuer", self.ring.trust.intermediates[0]),
            digest or SHA256(),
            status,
            now,
            now + next_update if next_update else None,
            now if status is REVOKED else None,
            x509.ReasonFlags.key_compromise if status is REVOKED else None,
        )
        builder = builder.responder_id(said.get("named", pyca.OCSPResponderEncoding.HASH), certificate)
        if said.get("embedded", True):
            builder = builder.certificates(said.get("certificates", [certificate]))
        for extension in said.get("extensions", ()):
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(key, said.get("signed_with", SHA256())).public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def answer(ring, now):
    return Asker(ring, now)


def refused(encoded, head, issuing, words):
    with pytest.raises(NoAnswer, match=words):
        ocsp.read(encoded, head, issuing)


def test_a_right_answer_says_from_when_to_when(answer, head, issuing, now):
    assert ocsp.read(answer(), head, issuing) == (now, now + HOUR, None, None)
    assert ocsp.read(answer(next_update=None), head, issuing).last == now + timedelta(minutes=5)
    assert ocsp.read(answer(digest=SHA1()), head, issuing).first == now
    assert ocsp.read(answer(named=pyca.OCSPResponderEncoding.NAME), head, issuing).first == now


def test_an_issuer_may_answer_himself(answer, head, issuing, folder, passphrase):
    key = keys.load_key(folder / "issuing.key.pem", passphrase)
    assert ocsp.read(answer(signer=key, appointed=issuing, embedded=False), head, issuing)


def test_an_answer_says_what_was_revoked_and_why(answer, head, issuing, now):
    said = ocsp.read(answer(status=REVOKED), head, issuing)
    assert (said.revoked_at, said.reason) == (now, x509.ReasonFlags.key_compromise)


def test_a_responder_that_does_not_know_says_nothing(answer, head, issuing):
    refused(answer(status=UNKNOWN), head, issuing, "does not know")


def test_an_answer_about_another_certificate_is_none(answer, ring, head, issuing, issue):
    refused(answer(about=ring.timestamper.certificate), head, issuing, "another certificate")
    refused(answer(), issue({_usage(digital_signature=True): True}).certificate, issuing, "another certificate")
    refused(answer(issuer=ring.trust.anchors[0]), head, issuing, "another certificate")


def test_an_answer_signed_by_another_key_is_none(answer, head, issuing):
    refused(with_another_signature(answer()), head, issuing, "did not sign")


def with_another_signature(encoded):
    """The answer with a bit of the second half of its signature changed."""
    signature = ocsp.load(encoded).signature
    wrong = signature[:-1] + bytes([signature[-1] ^ 1])
    return encoded.replace(signature, wrong)


@pytest.mark.parametrize("missing", [x509.ExtendedKeyUsage, x509.OCSPNoCheck])
def test_a_responder_is_appointed_for_it(answer, issue, head, issuing, missing):
    extensions = {value: critical for value, critical in _responder_extensions().items() if type(value) is not missing}
    other = issue(extensions)
    words = {x509.ExtendedKeyUsage: "OCSPSigning", x509.OCSPNoCheck: "nocheck"}[missing]
    refused(answer(signer=other.key, appointed=other.certificate), head, issuing, words)


def test_another_right_than_answering_is_not_enough(answer, issue, head, issuing):
    stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    other = issue({_usage(digital_signature=True): True, stamping: False, x509.OCSPNoCheck(): False})
    refused(answer(signer=other.key, appointed=other.certificate), head, issuing, "OCSPSigning")


def test_a_responder_is_appointed_by_the_very_issuer(answer, issue, head, issuing):
    other = issue(_responder_extensions(), issuer="root")
    refused(answer(signer=other.key, appointed=other.certificate), head, issuing, "did not appoint")


def test_a_responder_answers_while_its_certificate_is_valid(answer, issue, head, issuing):
    other = issue(_responder_extensions(), lasting=timedelta(hours=1))
    refused(answer(signer=other.key, appointed=other.certificate), head, issuing, "not valid when it answered")


def test_the_certificate_of_a_responder_comes_with_the_answer(answer, ring, head, issuing):
    refused(answer(embedded=False), head, issuing, "0 certificates of the responder")
    twice = [ring.revocation.responder.certificate] * 2
    refused(answer(certificates=twice), head, issuing, "2 certificates")


def test_weak_digests_and_unknown_extensions_are_refused(answer, head, issuing):
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00")
    refused(answer(extensions=[odd]), head, issuing, "critical")
    refused(answer(signed_with=SHA224()), head, issuing, "weaker digest")


@pytest.mark.parametrize("encoded", [b"", b"junk", b"\x30\x03\x0a\x01\x06", b"\x30\x03\x0a\x01\x03"])
def test_what_is_no_answer_is_none(encoded, head, issuing):
    refused(encoded, head, issuing, "no OCSP response|refused")


def test_no_changed_byte_of_what_was_signed_is_believed(answer, head, issuing):
    whole = answer()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        try:
            said = ocsp.read(bytes(changed), head, issuing)
        except NoAnswer:
            continue
        assert said == ocsp.read(whole, head, issuing)


def test_openssl_accepts_the_stand_ins_answers(ring, run, tmp_path, folder):
    head, issuing, root = (folder / f"{name}.pem" for name in ("head", "issuing", "root"))
    query, reply = tmp_path / "query", tmp_path / "reply"
    run("openssl", "ocsp", "-no_nonce", "-issuer", issuing, "-cert", head, "-reqout", query)
    reply.write_bytes(ring.revocation.responder.respond(query.read_bytes()))
    output = run("openssl", "ocsp", "-no_nonce", "-respin", reply, "-reqin", query, "-issuer", issuing, "-cert", head,
                 "-CAfile", root, "-verify_other", issuing)  # fmt: skip
    assert "Response verify OK" in output
    assert f"{head}: good" in output


def test_the_stand_in_refuses_what_it_does_not_serve(ring):
    responder = ring.revocation.responder
    root = ring.trust.anchors[0]
    other = pyca.OCSPRequestBuilder().add_certificate(ring.trust.intermediates[0], root, SHA256()).build()
    for request, status in ((b"junk", "MALFORMED_REQUEST"), (other.public_bytes(Encoding.DER), "UNAUTHORIZED")):
        assert pyca.load_der_ocsp_response(responder.respond(request)).response_status.name == status


# Over HTTP


@contextmanager
def served(passphrase, person, now, into, **changes):
    """A stand-in whose certificates name the address where its services are; `changes` replace some of them."""
    running: dict[str, services.Service] = {}
    with services.serve(running) as url:
        keys.create_stand_in(into, passphrase, person, now=now, services=url)
        ring = keys.open_keys(into, passphrase, clock=lambda: now)
        running.update(keys.services(into, ring))
        running.update(changes)
        yield ring


def ask(ring, what, now):
    certificate = {"head": ring.signer.certificate, "tsa": ring.timestamper.certificate}[what]
    issuer = ring.trust.intermediates[0] if what == "head" else ring.trust.anchors[0]
    return HttpSource(timeout_seconds=2, clock=lambda: now).ask(certificate, issuer)


def gone(request):
    del request
    return b""


GONE = services.Service("text/plain", gone)


def test_answers_and_lists_come_over_http(passphrase, person, now, tmp_path):
    with served(passphrase, person, now, tmp_path / "pki") as ring:
        about_head, about_tsa = ask(ring, "head", now), ask(ring, "tsa", now)
    assert ocsp.read(about_head.ocsps[0], ring.signer.certificate, ring.trust.intermediates[0])
    assert about_tsa.crls == (next(c for c in ring.trust.crls if c.issuer == ring.trust.anchors[0].subject)
                              .public_bytes(Encoding.DER),)  # fmt: skip


def test_a_list_takes_the_place_of_a_silent_responder(passphrase, person, now, tmp_path):
    with served(passphrase, person, now, tmp_path / "pki", **{"/ocsp": GONE}) as ring:
        found = ask(ring, "head", now)
    assert found == evidence(
        crls=[c.public_bytes(Encoding.DER) for c in ring.trust.crls if c.issuer == ring.signer.certificate.issuer]
    )


def test_without_any_word_there_is_no_evidence(passphrase, person, now, tmp_path):
    with served(passphrase, person, now, tmp_path / "pki") as ring:
        pass
    with pytest.raises(EvidenceUnavailable, match=r"ocsp: .*issuing\.crl: .*send the decision again"):
        ask(ring, "head", now)


def test_an_answer_to_another_question_is_refused(passphrase, person, now, tmp_path, ring):
    del ring
    kept: list[bytes] = []

    def repeating(request: bytes) -> bytes:
        kept.append(own.revocation.responder.respond(request))
        return kept[0]

    again = services.Service("application/ocsp-response", repeating)
    with served(passphrase, person, now, tmp_path / "pki", **{"/ocsp": again, "/issuing.crl": GONE}) as own:
        assert ask(own, "head", now).ocsps == (kept[0],)
        with pytest.raises(EvidenceUnavailable, match="another question"):
            ask(own, "head", now)


def test_a_list_that_has_run_out_or_is_anothers_is_refused(passphrase, person, now, tmp_path):
    gone_and = {"/ocsp": GONE}
    with (
        served(passphrase, person, now, tmp_path / "pki", **gone_and) as ring,
        pytest.raises(EvidenceUnavailable, match="has run out"),
    ):
        ask(ring, "head", now + timedelta(days=400))
    with served(passphrase, person, now, tmp_path / "other", **gone_and) as ring:
        foreign = keys.open_keys(tmp_path / "pki", passphrase).trust.crls[0].public_bytes(Encoding.PEM)
    wrong = {"/ocsp": GONE, "/issuing.crl": services.Service("application/pkix-crl", lambda _: foreign)}
    with (
        served(passphrase, person, now, tmp_path / "third", **wrong) as ring,
        pytest.raises(EvidenceUnavailable, match="another issuer"),
    ):
        ask(ring, "head", now)


def test_a_list_is_fetched_once_an_hour(passphrase, person, now, tmp_path):
    asked = []
    with served(passphrase, person, now, tmp_path / "pki") as ring:
        pass
    encoded = next(c for c in ring.trust.crls if c.issuer == ring.trust.anchors[0].subject).public_bytes(Encoding.DER)

    def counted(_: bytes) -> bytes:
        asked.append(1)
        return encoded

    port = int(ring.timestamper.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
               .value[0].full_name[0].value.rsplit(":", 1)[1].split("/")[0])  # fmt: skip
    time = [now]
    source = HttpSource(timeout_seconds=2, clock=lambda: time[0])
    with services.serve({"/root.crl": services.Service("application/pkix-crl", counted)}, port):
        for minutes in (0, 30, 59, 61):
            time[0] = now + timedelta(minutes=minutes)
            source.ask(ring.timestamper.certificate, ring.trust.anchors[0])
    assert len(asked) == 2


# At signing


@dataclass(frozen=True)
class Saying:
    """A source that says about the head whatever it is told to, and of the others the truth."""

    ring: object
    about_head: bytes

    def ask(self, certificate, issuer):
        if certificate == self.ring.signer.certificate:
            return evidence(ocsps=[self.about_head])
        return self.ring.revocation.ask(certificate, issuer)


def signed(ring, now):
    return cms.read(cms.sign_detached(b"x", ring.signer, at=now, timestamper=ring.timestamper), b"x")


def test_evidence_is_gathered_and_suffices_alone(ring, now):
    found = lasting.at_signing(signed(ring, now), ring.trust, ring.revocation, at=now)
    assert (len(found.certificates), len(found.ocsps), len(found.crls)) == (1, 1, 1)
    assert lasting.at_signing(signed(ring, now), ring.trust.bare, ring.revocation, at=now)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_answer_more_than_five_minutes_from_the_stamp_is_not_enough(ring, answer, now, minutes):
    """Fail closed: the archive card asks for it, and a gap of clocks would only be found years later."""
    late = answer(now=now + timedelta(minutes=minutes))
    with pytest.raises(EvidenceUnavailable, match="compare the clocks"):
        lasting.at_signing(signed(ring, now), ring.trust, Saying(ring, late), at=now)
    near = answer(now=now + timedelta(minutes=minutes * 4 / 6))
    assert lasting.at_signing(signed(ring, now), ring.trust, Saying(ring, near), at=now)


def test_an_answer_that_proves_nothing_is_not_enough(ring, answer, now):
    for wrong in (answer(status=UNKNOWN), b"junk", with_another_signature(answer())):
        with pytest.raises(EvidenceUnavailable):
            lasting.at_signing(signed(ring, now), ring.trust.bare, Saying(ring, wrong), at=now)


def test_a_revoked_signer_does_not_sign(ring, answer, now):
    with pytest.raises(SignerRevoked):
        lasting.at_signing(signed(ring, now), ring.trust, Saying(ring, answer(status=REVOKED)), at=now)


def test_a_timestamp_authority_that_is_not_trusted_is_not_enough(ring, new_pki, now):
    _, foreign = new_pki()
    stamped = cms.read(cms.sign_detached(b"x", ring.signer, at=now, timestamper=foreign.timestamper), b"x")
    with pytest.raises(EvidenceUnavailable, match="trusted roots"):
        lasting.at_signing(stamped, ring.trust, ring.revocation, at=now)


def test_a_folder_from_before_there_were_responders_goes_by_its_lists(ring, now):
    source = StandInSource(None, lambda: ring.trust.crls)
    found = lasting.at_signing(signed(ring, now), ring.trust.bare, source, at=now)
    assert (len(found.ocsps), len(found.crls)) == (0, 2)
    with pytest.raises(EvidenceUnavailable, match="restore"):
        lasting.at_signing(signed(ring, now), ring.trust, StandInSource(None, tuple), at=now)


def test_the_stand_in_answers_by_its_newest_list(new_pki, now, passphrase):
    folder, own = new_pki()
    keys.revoke(folder, passphrase, at=now)
    with pytest.raises(SignerRevoked):
        lasting.at_signing(signed(own, now), own.trust, own.revocation, at=now)


def test_an_answer_is_evidence_in_its_window_alone(ring, answer, now):
    trust: Trust = ring.trust.bare
    head, issuing = ring.signer.certificate, ring.trust.intermediates[0]
    standing = trust.standing(head, issuing, evidence(ocsps=[answer()]))
    ends = head.not_valid_after_utc
    for at, speaks in ((0, True), (60, True), (61, False), (-60, True)):
        assert bool(standing.word(now + timedelta(minutes=at), ends)) == speaks
    late = evidence(ocsps=[answer(now=ends + timedelta(days=1))])
    assert trust.standing(head, issuing, late).word(now, ends) is None


def test_a_responder_is_asked_by_the_stand_in_at_its_clock(ring, now):
    responder = ring.revocation.responder
    assert isinstance(responder, Responder)
    later = replace(responder, clock=lambda: now + timedelta(days=3, microseconds=7))
    said = ocsp.read(later.answer(ring.signer.certificate), ring.signer.certificate, responder.issuer)
    assert said.first == now + timedelta(days=3)
