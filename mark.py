"""The mark: what it says, how it is packed into a text, signed and verified.

    https://<host>/d/<token>#<digits>
      token  = base32, lower case, 96 random bits: the server answers by it
      digits = decimal of int(0x01 || COSE_Sign1): the proof that needs no server

Drawing and reading the QR is `qujat.qr`; the code typed by hand is `short_code`.
Sources: RFC 9052 (COSE), RFC 8392 (CWT), RFC 8949 section 4.2.1 (deterministic encoding), RFC 9053 (ES256).
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

import cbor2
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from qujat.errors import Indeterminate, MarkInvalid

TOKEN_BYTES: Final = 12
KID_BYTES: Final = 8
SALT_BYTES: Final = 16
VERSION: Final = 1
ISSUER: Final = "KZ"

_ISS, _EXP, _IAT, _CTI, _DOCUMENT = 1, 4, 6, 7, -70001  # CWT claim keys; below -65536 is private use (RFC 8392, 9.1)
_ALG, _KID, _ES256 = 1, 4, -7  # COSE header labels (RFC 9052, 3.1) and the algorithm (RFC 9053, 2.1)
_SIGN1_TAG: Final = 18
_MAX_COSE: Final = 512  # a mark has about 200; more would not be printable
_MAX_TEXT: Final = 2048
_MAX_FIELD: Final = 64
_EPOCH: Final = date(1970, 1, 1).toordinal()

_BASE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,100}(/[A-Za-z0-9._~-]{1,40}){0,3}")
_TEXT = re.compile(rf"{_BASE_URL.pattern}/d/(?P<token>[a-z2-7]{{20}})#(?P<digits>[1-9][0-9]*)")
_SUBJECT = re.compile(r"[^\W\d_]\*\*\*( ([^\W\d_]\.){1,2})?")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a mark says. A wrong shape raises ValueError; `subject` is a mask (`subject_mask`) or empty."""

    token: bytes
    issued_at: int
    form: str
    edition: str
    kind: str
    number: str
    day: date
    digest: bytes
    subject: str
    expires_at: int | None = None
    version: int = VERSION

    def __post_init__(self) -> None:
        _expect_bytes("token", self.token, TOKEN_BYTES)
        _expect_bytes("digest", self.digest, 32)
        for name in ("form", "edition", "kind", "number"):
            _expect_word(name, getattr(self, name))
        _expect_seconds("issued_at", self.issued_at)
        if self.expires_at is not None:
            _expect_seconds("expires_at", self.expires_at)
        if type(self.day) is not date or type(self.version) is not int or self.version != VERSION:
            raise ValueError(f"expected a day that is a date without a time, and version {VERSION}")
        if type(self.subject) is not str or (self.subject and not _SUBJECT.fullmatch(self.subject)):
            # The value stays out of the message: it may be a whole name.
            raise ValueError('subject: expected a mask such as "Қ*** Ә.Н.": make it with subject_mask()')


@dataclass(frozen=True, slots=True)
class ScannedMark:
    """A mark as read from a page: well formed, its token agrees with its proof, not yet verified."""

    url_token: bytes
    cose: bytes


class MarkKeyLike(Protocol):
    """A public key of ours and when it was in use; `qujat.signing.keys.MarkKey` is one. Times know their zone."""

    @property
    def kid(self) -> bytes: ...
    @property
    def public_key(self) -> ec.EllipticCurvePublicKey: ...
    @property
    def valid_from(self) -> datetime: ...
    @property
    def retired_at(self) -> datetime | None: ...
    @property
    def compromised_at(self) -> datetime | None: ...


def new_token() -> bytes:
    """Return 96 random bits: the name of a document in its URL, opaque and not guessable."""
    return secrets.token_bytes(TOKEN_BYTES)


def token_text(token: bytes) -> str:
    """Return the 12 bytes as 20 lower-case base32 characters (RFC 4648 section 6, no padding)."""
    _expect_bytes("token", token, TOKEN_BYTES)
    return base64.b32encode(token).decode("ascii").rstrip("=").lower()


def parse_token(text: str) -> bytes:
    """Return the 12 bytes of a token; anything but exactly what `token_text` writes raises MarkInvalid."""
    if re.fullmatch(r"[a-z2-7]{20}", text):
        token = base64.b32decode(text.upper() + "====")
        if token_text(token) == text:  # the last character carries one bit; the four below it are zero
            return token
    raise MarkInvalid("expected a token of 20 characters a-z, 2-7: copy the link again, whole")


def digest(salt: bytes, data: Mapping[str, Any]) -> bytes:
    """Return SHA-256(salt || canonical JSON of `data`) (RFC 8785).

    The salt (16 random bytes, kept with the data, never in the mark) stops anyone from guessing an IIN by trial.
    Data that JSON cannot hold raises rfc8785.CanonicalizationError.
    """
    _expect_bytes("salt", salt, SALT_BYTES)
    return hashlib.sha256(salt + rfc8785.dumps(dict(data))).digest()


_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_CODE_BITS: Final = 55

# A person copies shapes, whatever keyboard is on: Cyrillic (Kazakh too) letters stand for the Latin ones they look
# like, not for the key they share. Nothing in the alphabet is shadowed, and what is mapped wrongly fails the check.
_LOOK_ALIKES: Final = str.maketrans("OILОІӀАВСЕЁНҺКМРТХУҮЗЅЈ", "01101" + "1ABCEEHHKMPTXYY3SJ")


def short_code(token: bytes) -> str:
    """Return the code printed under the QR, such as "7KQ4-M2XD-9RTP": 55 bits of the token and a check symbol.

    Among n documents two share a code with odds n*n / 2^56: 1 in 72 000 for a million, 1 in 720 for ten million; the
    register keeps it unique (takes another token). A blind guess hits one of a million with odds 1 in 3.6e10.
    """
    _expect_bytes("token", token, TOKEN_BYTES)
    number = int.from_bytes(token) >> (TOKEN_BYTES * 8 - _CODE_BITS)
    symbols = [number >> shift & 31 for shift in range(_CODE_BITS - 5, -1, -5)]
    return _grouped([*symbols, _check_symbol(symbols)])


def parse_short_code(text: str) -> str:
    """Return the canonical code of what a person typed: any case, spaces and dashes, look-alikes put right.

    Every single wrong symbol and every transposition raises MarkInvalid, and 31 of 32 other errors.
    """
    if len(text) > 60:
        raise MarkInvalid("expected a code of 12 letters and digits, came a longer text")
    plain = unicodedata.normalize("NFKC", text).upper().translate(_LOOK_ALIKES)
    kept = [c for c in plain if not c.isspace() and unicodedata.category(c) != "Pd" and c != "_"]
    symbols = [_ALPHABET.find(c) for c in kept]
    if len(symbols) != 12 or -1 in symbols:
        raise MarkInvalid("expected a code of 12 letters and digits such as 7KQ4-M2XD-9RTP: copy it again")
    if _check_symbol(symbols[:-1]) != symbols[-1]:
        raise MarkInvalid("the code has a typing error: compare it with the paper, symbol by symbol")
    return _grouped(symbols)


def _check_symbol(symbols: list[int]) -> int:
    # A sum over GF(32) (x^5 + x^2 + 1), each place weighted with another power of x: different non-zero weights are
    # what makes every single substitution and every transposition (adjacent or not) change the sum.
    total = 0
    for symbol in symbols:
        total = (total ^ symbol) << 1
        total ^= 0b100101 if total & 32 else 0
    return total


def _grouped(symbols: list[int]) -> str:
    code = "".join(_ALPHABET[s] for s in symbols)
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


# "Әли Вәли оғлы": the word for son or daughter belongs to the patronymic before it and has no initial of its own.
_CHILD_OF: Final = re.compile(
    "ұлы|улы|ули|қызы|кызы|қизи|кизи|гызы|(оғ|ог|ўғ|уг)(лы|лу|ли)|уулу"
    "|uly|uulu|[qk][ıiy]z[ıiy]|gyzy|(o[ğg]|ogh|ug|oʻgʻ)(ly|lu|li)"
)


def subject_mask(full_name: str) -> str:
    """Return the first letter of the surname and at most two initials: "Қалиева Әсел Нұрланқызы" gives "Қ*** Ә.Н.".

    The surname comes first, as in Kazakhstan's papers. Lower-case particles (van, bin) and words of descent (ұлы,
    қызы, оғлы) give no letter; a hyphened name gives its first. A name without a letter raises ValueError.
    """
    words = [w for w in unicodedata.normalize("NFC", full_name).split() if _first_letter(w)]
    if not words:
        raise ValueError("full_name: expected at least one letter")
    words = words[:1] + [w for w in words[1:] if not _CHILD_OF.fullmatch(re.sub(r"\W", "", w.lower()))]
    if any(not w.islower() for w in words):  # a name written all in lower case has no particles to tell apart
        words = [w for w in words if not w.islower()]
    letters = [_first_letter(word) for word in words]
    initials = "".join(f"{letter}." for letter in letters[1:3])
    return f"{letters[0]}*** {initials}".rstrip()


def _first_letter(word: str) -> str:
    # title(), not upper(): Georgian stays in its usual script; [0]: "ß" and ligatures become two letters.
    return next((c.title()[0] for c in word if c.isalpha()), "")


def sign(claims: Claims, key: ec.EllipticCurvePrivateKey, kid: bytes) -> bytes:
    """Return the claims as a tagged COSE_Sign1 (RFC 9052 section 4.2), ES256, the same input always the same bytes.

    `kid` (8 bytes) names the key for those who verify. A key that is not on P-256 raises ValueError.
    """
    _expect_bytes("kid", kid, KID_BYTES)
    if not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"key: expected a key on P-256 for ES256, came {key.curve.name}")
    protected, payload = _encode({_ALG: _ES256, _KID: kid}), _payload(claims)
    signature = key.sign(_to_be_signed(protected, payload), ec.ECDSA(SHA256(), deterministic_signing=True))  # RFC 6979
    r, s = decode_dss_signature(signature)  # COSE wants r || s, not ASN.1 (RFC 9053, 2.1)
    return _encode(cbor2.CBORTag(_SIGN1_TAG, [protected, {}, payload, r.to_bytes(32) + s.to_bytes(32)]))


def mark_text(base_url: str, token: bytes, cose: bytes) -> str:
    """Return the text of the QR: `<base_url>/d/<token>#<digits>`. A base URL that cannot stand in it: ValueError."""
    if not _BASE_URL.fullmatch(base_url):
        raise ValueError(f"base_url: expected one like https://host without a closing slash, came {base_url!r}")
    # The 0x01 in front keeps leading zero bytes and fixes the length.
    return f"{base_url}/d/{token_text(token)}#" + str(int.from_bytes(b"\x01" + cose))


def _payload(claims: Claims) -> bytes:
    c = claims
    head = [c.version, c.form, _pack_edition(c.edition), c.kind, c.number, _days(c.day), c.digest, c.subject]
    cwt: dict[int, object] = {_ISS: ISSUER, _IAT: c.issued_at, _CTI: c.token, _DOCUMENT: head}
    if c.expires_at is not None:
        cwt[_EXP] = c.expires_at
    return _encode(cwt)


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return _encode(["Signature1", protected, b"", payload])  # Sig_structure (RFC 9052, 4.4)


def _encode(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


def _days(day: date) -> int:
    return day.toordinal() - _EPOCH  # days since 1970-01-01, as RFC 8943 counts them: three bytes instead of eleven


def _pack_edition(edition: str) -> int | str:
    # An edition is named by the day it came into force: packed as a day it saves eight bytes, half a QR version.
    try:
        day = date.fromisoformat(edition)
    except ValueError:
        return edition
    return _days(day) if day.isoformat() == edition else edition


@dataclass(frozen=True, slots=True)
class _Envelope:
    kid: bytes
    protected: bytes
    payload: bytes
    signature: bytes
    cwt: dict[Any, Any]


def read_text(text: str) -> ScannedMark:
    """Take a mark's text apart: strict in size, characters and encoding, and the path's token is the proof's `cti`.

    Nothing is verified yet (`verify` does both). Anything else raises MarkInvalid.
    """
    found = _TEXT.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if found is None:
        raise MarkInvalid("expected a link …/d/<token>#<digits>: this QR is not a mark of ours")
    token, number = parse_token(found["token"]), int(found["digits"])
    framed = number.to_bytes((number.bit_length() + 7) // 8)
    if framed[0] != 1 or len(framed) > 1 + _MAX_COSE:
        raise MarkInvalid("the digits do not hold a proof: scan the code again, whole")
    if _open(framed[1:]).cwt.get(_CTI) != token:
        raise MarkInvalid("the link and the proof speak of different documents: the mark was put together")
    return ScannedMark(token, framed[1:])


def verify(text: str, keys: Mapping[bytes, MarkKeyLike]) -> Claims:
    """Return what a mark says once its signature, key and encoding are proved (RFC 9052 section 4.4, RFC 8392).

    `keys` are all our public keys by kid, retired ones too. Raises MarkInvalid when refuted and Indeterminate when the
    key or the version is not known here. Expiry is not judged: an expired permit and a forged one must not look alike.
    The thief of a compromised key can date a mark back: where a key has `compromised_at`, ask the register as well.
    """
    scanned = read_text(text)
    envelope = _open(scanned.cose)
    key = keys.get(envelope.kid)
    if key is None:
        raise Indeterminate(
            f"the mark is signed with key {envelope.kid.hex()}, not known here: update the list of keys"
        )
    if envelope.protected != _encode({_ALG: _ES256, _KID: envelope.kid}):
        raise MarkInvalid("expected the algorithm ES256 (-7): no key of ours signs with another")
    _check_signature(envelope, key.public_key)
    claims = _claims(envelope)
    _check_interval(claims.issued_at, key)
    return claims


def _open(cose: bytes) -> _Envelope:
    tagged = _decode(cose)
    parts = tagged.value if isinstance(tagged, cbor2.CBORTag) and tagged.tag == _SIGN1_TAG else None
    match parts:
        case [bytes(protected), Mapping() as unprotected, bytes(payload), bytes(signature)] if not unprotected:
            header, cwt = _decode(protected), _decode(payload)
        case _:
            raise MarkInvalid("expected a COSE_Sign1 with an empty unprotected header: not a mark of ours")
    if not (isinstance(header, dict) and isinstance(cwt, dict) and header.keys() == {_ALG, _KID}):
        raise MarkInvalid("expected a protected header of alg and kid and a map of claims: not a mark of ours")
    kid = header[_KID]
    if type(kid) is not bytes or len(kid) != KID_BYTES or len(signature) != 64:
        raise MarkInvalid(f"expected a kid of {KID_BYTES} bytes and a signature of 64: not a mark of ours")
    return _Envelope(kid, protected, payload, signature, cwt)


def _decode(data: bytes) -> object:
    # Encoding again and comparing leaves one form for each value (RFC 8949, 4.2.1) and refuses bytes after the end.
    try:
        value = cbor2.loads(data, allow_indefinite=False, allow_duplicate_keys=False, max_depth=6)
        if _encode(value) == data:
            return value
    except cbor2.CBORError as error:
        raise MarkInvalid("the proof is not CBOR: scan the code again, whole") from error
    raise MarkInvalid("the proof is not in deterministic encoding: not a mark of ours")


def _check_signature(envelope: _Envelope, key: ec.EllipticCurvePublicKey) -> None:
    r, s = int.from_bytes(envelope.signature[:32]), int.from_bytes(envelope.signature[32:])
    signed = _to_be_signed(envelope.protected, envelope.payload)
    try:
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise MarkInvalid("the signature does not fit: the mark is forged or damaged") from error


def _claims(envelope: _Envelope) -> Claims:
    cwt = envelope.cwt
    document: Any = cwt.get(_DOCUMENT)
    if isinstance(document, list) and document and type(document[0]) is int and document[0] != VERSION:
        raise Indeterminate(f"the mark is of version {document[0]}, known is {VERSION}: update the program")
    try:
        version, form, edition, kind, number, day, digest_, subject = document
        edition = _day(edition).isoformat() if type(edition) is int else edition
        opened = (cwt[_CTI], cwt[_IAT], form, edition, kind, number, _day(day), digest_, subject)
        claims = Claims(*opened, cwt.get(_EXP), version)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MarkInvalid("the claims are not those of a mark: signed by us, but not as one") from error
    if _payload(claims) != envelope.payload:  # another issuer, a claim too many, an edition packed otherwise
        raise MarkInvalid("the claims are not exactly those of a mark: signed by us, but not as one")
    return claims


def _check_interval(issued_at: int, key: MarkKeyLike) -> None:
    # Half-open. `issued_at` has lost its fraction of a second, so have the beginnings.
    if issued_at < int(key.valid_from.timestamp()):
        raise MarkInvalid("the mark is dated before its key came into use")
    if key.retired_at is not None and issued_at >= key.retired_at.timestamp():
        raise MarkInvalid("the mark is dated after its key was retired")
    if key.compromised_at is not None and issued_at >= int(key.compromised_at.timestamp()):
        raise MarkInvalid("the mark is dated after its key was stolen")


def _day(days: object) -> date:
    if type(days) is not int:
        raise ValueError("day: expected a number of days")
    return date.fromordinal(days + _EPOCH)


def _expect_bytes(name: str, value: object, length: int) -> None:
    if type(value) is not bytes or len(value) != length:
        raise ValueError(f"{name}: expected {length} bytes, came {len(value) if type(value) is bytes else type(value)}")


def _expect_word(name: str, value: object) -> None:
    if type(value) is not str or not value.isprintable() or not 0 < len(value) <= _MAX_FIELD:
        raise ValueError(f"{name}: expected 1 to {_MAX_FIELD} printable characters")


def _expect_seconds(name: str, value: object) -> None:
    if type(value) is not int or not 0 <= value < 1 << 40:
        raise ValueError(f"{name}: expected UTC seconds since 1970 as an int")
