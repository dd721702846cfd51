"""CMS files: broken ones by their defect, honest ones."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from qujat.signing import der
from qujat.signing.der import tlv
from strangers import messages
from strangers.authority import Authority
from strangers.case import Case, Cases
from strangers.messages import Recipe, attribute, indefinite, stamped

DATA = "«Үлгі» шешімі № 1\n".encode()
OTHER = "«Үлгі» шешімі № 2\n".encode()
cases = Cases("cms")


def plain(a: Authority, **changes: object) -> Recipe:
    return Recipe(DATA, a.head, signing_time=a.now, **changes)


def detached(recipe: Recipe) -> Case:
    return Case(recipe.encode(), DATA)


# ---- honest


@cases.good
def detached_b_b(a: Authority) -> Case:
    return detached(plain(a))


@cases.good
def detached_with_a_timestamp(a: Authority) -> Case:
    return detached(stamped(plain(a), a.tsa, a.now))


@cases.good
def attached(a: Authority) -> Case:
    return Case(plain(a, attached=True).encode())


@cases.good
def attached_with_the_same_data_beside_it(a: Authority) -> Case:
    return Case(plain(a, attached=True).encode(), DATA)


@cases.good
def plain_cms_as_the_nca_writes_it(a: Authority) -> Case:
    """Content type, signing time, message digest: no signing-certificate-v2."""
    return detached(plain(a, without=frozenset((messages.NAMED,))))


@cases.good
def rsa_sha512(a: Authority) -> Case:
    return detached(Recipe(DATA, a.rsa, digest="sha512", signing_time=a.now))


@cases.good
def in_pem(a: Authority) -> Case:
    text = base64.encodebytes(plain(a).encode())
    return Case(b"-----BEGIN CMS-----\n" + text + b"-----END CMS-----\n", DATA)


@cases.good
def in_base64(a: Authority) -> Case:
    return Case(base64.b64encode(plain(a).encode()), DATA)


@cases.good
def expired_but_stamped_in_time(a: Authority) -> Case:
    """Signed and stamped while the certificate was valid; the CRL is younger than that and older than its end."""
    return replace(detached(stamped(plain(a), a.tsa, a.now)), at=a.now + timedelta(days=400))


# ---- broken


@cases.bad("many-signers")
def two_signers(a: Authority) -> Case:
    return Case(plain(a).encode(Recipe(DATA, a.second)), DATA)


@cases.bad("not-signed", "invalid")
def no_signer(a: Authority) -> Case:
    return Case(messages.wrapped(plain(a), []), DATA)


@cases.bad("gost")
def gost_algorithms(a: Authority) -> Case:
    return detached(plain(a, digest_oid=messages.GOST_DIGEST, signature_oid=messages.GOST_SIGNATURE))


@cases.bad("gost")
def gost_signature_with_sha256(a: Authority) -> Case:
    return detached(plain(a, signature_oid=messages.GOST_SIGNATURE))


@cases.bad("gost")
def gost_key_in_the_certificate(a: Authority) -> Case:
    """An ECDSA certificate whose key says it is of GOST."""
    ours, theirs = der.oid("1.2.840.10045.2.1"), der.oid(messages.GOST_SIGNATURE)
    changed = _respelled(a.head.der, ours, theirs)
    return detached(plain(a, certificates=(changed, *a.head.path[1:]), names=changed))


def _respelled(certificate: bytes, old: bytes, new: bytes) -> bytes:
    """A certificate with another algorithm of its key."""
    tbs, *rest = der.one(certificate).children()
    fields = [field.encoded for field in tbs.children()]
    key = der.one(fields[6]).children()
    algorithm = tlv(der.SEQUENCE, key[0].content.replace(old, new))
    fields[6] = tlv(der.SEQUENCE, algorithm, key[1].encoded)
    return tlv(der.SEQUENCE, tlv(der.SEQUENCE, *fields), *(each.encoded for each in rest))


@cases.bad("hash-failure", "invalid")
def message_digest_of_something_else(a: Authority) -> Case:
    return detached(plain(a, message_digest=bytes(32)))


@cases.bad("hash-failure", "invalid")
def other_data_than_was_signed(a: Authority) -> Case:
    return Case(plain(a).encode(), OTHER)


@cases.bad("other-data", "invalid")
def attached_with_other_data_beside_it(a: Authority) -> Case:
    return Case(plain(a, attached=True).encode(), OTHER)


@cases.bad("hash-failure", "invalid")
def attached_content_changed(a: Authority) -> Case:
    return Case(plain(a, content=OTHER).encode())


@cases.bad("signed-data-missing")
def detached_without_its_data(a: Authority) -> Case:
    return Case(plain(a).encode())


@cases.bad("cms-attributes")
def content_type_missing(a: Authority) -> Case:
    return detached(plain(a, without=frozenset((messages.CONTENT_TYPE,))))


@cases.bad("cms-attributes")
def message_digest_missing(a: Authority) -> Case:
    return detached(plain(a, without=frozenset((messages.MESSAGE_DIGEST,))))


@cases.bad("cms-attributes")
def content_type_of_something_else(a: Authority) -> Case:
    return detached(plain(a, signed_type=messages.TST_INFO))


@cases.bad("signature-kind")
def content_that_says_it_is_a_timestamp(a: Authority) -> Case:
    return Case(plain(a, attached=True, content_type=messages.TST_INFO).encode())


@cases.bad("cms-attributes")
def no_signed_attributes(a: Authority) -> Case:
    return detached(plain(a, bare=True))


@cases.bad("signature-failure", "invalid")
def signature_value_changed(a: Authority) -> Case:
    recipe = plain(a)
    return detached(replace(recipe, signature=a.head.sign(b"something else")))


@cases.bad("signature-failure", "invalid")
def signature_by_another_key(a: Authority) -> Case:
    recipe = plain(a)
    return detached(replace(recipe, signature=a.second.sign(recipe.attributes())))


@cases.bad("signature-failure", "invalid")
def signed_attributes_changed(a: Authority) -> Case:
    """The signing time moved by a year."""
    honest = plain(a)
    return detached(replace(honest, signature=honest.value(), signing_time=a.now - timedelta(days=365)))


@cases.bad("unsigned-attribute")
def countersignature_that_nobody_checks(a: Authority) -> Case:
    return detached(plain(a, unsigned=(attribute(messages.COUNTERSIGNATURE, Recipe(b"x", a.second).signer_info()),)))


@cases.bad("timestamp-other", "invalid")
def timestamp_of_another_value(a: Authority) -> Case:
    return detached(stamped(plain(a), a.tsa, a.now, value=b"the signature of another"))


@cases.bad("timestamp-forged", "invalid")
def timestamp_with_another_time_written_in(a: Authority) -> Case:
    recipe = plain(a)
    fixed = replace(recipe, signature=recipe.value())
    made = messages.token(fixed.value(), a.tsa, a.now - timedelta(hours=3))
    earlier, later = (der.generalized_time(a.now - timedelta(hours=h)) for h in (3, 5))
    return detached(replace(fixed, unsigned=(attribute(messages.STAMPED, made.replace(earlier, later)),)))


@cases.bad("timestamp-untrusted")
def timestamp_by_one_who_is_no_authority_for_time(a: Authority) -> Case:
    return detached(stamped(plain(a), a.no_tsa, a.now))


@cases.bad("timestamp-untrusted")
def timestamp_by_a_stranger(a: Authority) -> Case:
    return detached(stamped(plain(a), Authority(a.now).tsa, a.now))


@cases.bad("timestamp-order")
def timestamp_from_the_future(a: Authority) -> Case:
    return detached(stamped(plain(a), a.tsa, a.now + timedelta(hours=1)))


@cases.bad("timestamp-malformed")
def timestamp_that_is_none(a: Authority) -> Case:
    return detached(plain(a, unsigned=(attribute(messages.STAMPED, der.octets(b"when it suits me")),)))


@cases.bad("timestamp-malformed")
def timestamp_that_does_not_name_its_certificate(a: Authority) -> Case:
    return detached(stamped(plain(a), a.tsa, a.now, without=frozenset((messages.NAMED,))))


@cases.bad("timestamp-revoked")
def timestamp_by_an_authority_whose_key_was_stolen(a: Authority) -> Case:
    """Stamped before the theft, but who holds the key can stamp any time."""
    return detached(stamped(plain(a), a.stolen_tsa, a.now - timedelta(hours=2)))


@cases.bad("timestamp-revocation-unknown")
def nothing_is_known_of_the_timestamp_authority(a: Authority) -> Case:
    return replace(detached(stamped(plain(a), a.tsa, a.now)), trust=a.without_roots_crl())


@cases.bad("trailing-bytes")
def bytes_after_the_message(a: Authority) -> Case:
    return Case(plain(a).encode() + b"\0", DATA)


@cases.bad("cms-not-der")
def indefinite_length(a: Authority) -> Case:
    return Case(indefinite(plain(a).encode()), DATA)


@cases.bad("cms-malformed")
def cut_short(a: Authority) -> Case:
    return Case(plain(a).encode()[:-1], DATA)


@cases.bad("cms-malformed")
def pem_with_a_second_message_behind_it(a: Authority) -> Case:
    text = base64.encodebytes(plain(a).encode())
    pem = b"-----BEGIN CMS-----\n" + text + b"-----END CMS-----\n"
    return Case(pem + pem, DATA)


@cases.bad("encrypted")
def enveloped_instead_of_signed(a: Authority) -> Case:
    return Case(tlv(der.SEQUENCE, der.oid("1.2.840.113549.1.7.3"), tlv(0xA0, tlv(der.SEQUENCE, der.integer(0)))), DATA)


@cases.bad("weak-algorithm")
def sha1(a: Authority) -> Case:
    return detached(plain(a, digest="sha1"))


@cases.bad("weak-algorithm")
def md5(a: Authority) -> Case:
    return detached(Recipe(DATA, a.rsa, digest="md5", signing_time=a.now))


@cases.bad("weak-algorithm")
def rsa_of_1024_bits(a: Authority) -> Case:
    return detached(Recipe(DATA, a.short_rsa, signing_time=a.now))


@cases.bad("unsupported-algorithm")
def digest_and_signature_of_two_kinds(a: Authority) -> Case:
    return detached(plain(a, signature_oid=messages.ECDSA["sha384"]))


@cases.bad("no-signing-certificate")
def certificate_missing(a: Authority) -> Case:
    return detached(plain(a, certificates=()))


@cases.bad("certificate-malformed")
def certificate_that_cannot_be_read(a: Authority) -> Case:
    """Issuer and serial number are right; its validity is no time."""
    spoilt = a.head.der.replace(b"\x17\x0d2", b"\x17\x0dx", 1)
    return detached(plain(a, certificates=(spoilt, *a.head.path[1:])))


@cases.bad("other-certificate")
def certificate_of_the_same_key_under_another_name(a: Authority) -> Case:
    """The signed attribute says whose signature it is: a second certificate for the key is not that one."""
    other = a.again(a.head, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "БАСҚА АДАМ")]))
    return detached(Recipe(DATA, other, names=a.head.der, signing_time=a.now))


@cases.bad("certificate-purpose")
def certificate_for_login(a: Authority) -> Case:
    return detached(Recipe(DATA, a.for_login, signing_time=a.now))


@cases.bad("certificate-purpose")
def certificate_of_the_timestamp_authority(a: Authority) -> Case:
    return detached(Recipe(DATA, a.tsa, signing_time=a.now))


@cases.bad("certificate-out-of-validity")
def certificate_expired(a: Authority) -> Case:
    return detached(Recipe(DATA, a.expired, signing_time=a.now))


@cases.bad("certificate-out-of-validity")
def certificate_not_yet_valid(a: Authority) -> Case:
    return detached(Recipe(DATA, a.future, signing_time=a.now))


@cases.bad("stamped-before-validity", "invalid")
def stamped_before_the_certificate_was_valid(a: Authority) -> Case:
    return detached(stamped(Recipe(DATA, a.future, signing_time=a.now), a.tsa, a.now))


@cases.bad("revoked", "invalid")
def revoked_before_the_signer_says_he_signed(a: Authority) -> Case:
    return detached(Recipe(DATA, a.revoked, signing_time=a.now))


@cases.bad("revoked-no-poe")
def revoked_and_nothing_proves_when_it_was_signed(a: Authority) -> Case:
    return detached(Recipe(DATA, a.revoked))


@cases.bad("revocation-unknown")
def nothing_is_known_of_revocation(a: Authority) -> Case:
    return replace(detached(plain(a)), trust=a.without_crls())


@cases.bad("no-chain")
def certificate_of_a_stranger_with_the_same_names(a: Authority) -> Case:
    return detached(plain(Authority(a.now)))


@cases.bad("no-chain")
def certificate_signed_by_an_end_entity(a: Authority) -> Case:
    """A holder plays authority: his certificate may not issue."""
    return detached(Recipe(DATA, a.below(a.second), signing_time=a.now))
