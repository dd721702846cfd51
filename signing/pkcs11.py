"""A signer whose key is in a token or an HSM (PKCS #11) and never leaves it.

One session is kept open; a token that was pulled out and put back is found again at the next signature. A token locks
itself after a few wrong PINs, so a PIN that was refused is not tried again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from qujat.errors import ConfigurationError, KeyUnavailable, VerificationError
from qujat.signing import signeddata
from qujat.signing.chains import chain_of
from qujat.signing.signer import is_rsa, one_spelling, usable
from qujat.signing.trust import Trust

if TYPE_CHECKING:
    from pkcs11 import _pkcs11

_PROOF = b"Qujat: does this key belong to this certificate?"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key is: the library of the token's maker, the label of the token, the label of key and certificate."""

    module: Path
    token: str
    label: str


class _Open(NamedTuple):
    """A session in which the user is logged in, and his key in it."""

    session: Any
    key: Any


@dataclass(eq=False)
class TokenSigner:
    """A Signer whose key is in a token. For all threads of the process that opened it, one after the other."""

    place: Place
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    _pin: str = field(repr=False)
    _open: _Open | None = field(repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def sign(self, data: bytes) -> bytes:
        """A signature with SHA-256 over `data`. Raises KeyUnavailable if the token is not there."""
        from pkcs11.exceptions import PKCS11Error

        with self._lock:
            if self._open:
                try:
                    return self._sign(self._open, data)
                except PKCS11Error:  # pulled out, and perhaps put back since
                    _close(self._open.session)
                    self._open = None
            found = _opened(self.place, self._pin)
            signed = _asked(lambda: self._sign(found, data), self.place)
            self._open = found
            return signed

    def _sign(self, where: _Open, data: bytes) -> bytes:
        """ECDSA over a digest made here: not every token digests for ECDSA, SoftHSM 2.6 does not."""
        from pkcs11 import Mechanism

        if is_rsa(self.certificate):
            return bytes(where.key.sign(data, mechanism=Mechanism.SHA256_RSA_PKCS))
        raw = where.key.sign(sha256(data).digest(), mechanism=Mechanism.ECDSA)
        r, s = (int.from_bytes(half, "big") for half in (raw[: len(raw) // 2], raw[len(raw) // 2 :]))
        return encode_dss_signature(r, s)


def open_pkcs11(place: Place, pin: bytes, trust: Trust, certificate: x509.Certificate | None = None) -> TokenSigner:
    """The signer of a token; its certificate is the one beside the key (the same label), or the one given.

    Raises KeyUnavailable (no such token, key or certificate, a wrong PIN, a key of another certificate or kind, no
    chain to an anchor of `trust`), ConfigurationError (no such library, python-pkcs11 is not installed).
    """
    text = pin.decode("utf-8", "surrogateescape")
    found = _opened(place, text)
    own = certificate or _asked(lambda: _certificate(found.session, place), place)
    usable(own)
    signer = TokenSigner(place, own, chain_of(own, (), trust), text, found)
    _prove(signer)
    return signer


def load_certificate(path: Path) -> x509.Certificate:
    """The certificate of a token that holds none, from a file in PEM or DER. Raises ConfigurationError."""
    try:
        content = path.read_bytes()
        pem = b"-----BEGIN" in content
        return x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"expected the signer's certificate in {path}, came: {error}; mend [signer] certificate"
        ) from error


def _library(place: Place) -> _pkcs11.lib:
    try:
        import pkcs11
    except ImportError as error:
        raise ConfigurationError(
            'expected python-pkcs11 for [signer] kind = "pkcs11", came none; install it: pip install "qujat[pkcs11]"'
        ) from error
    from pkcs11.exceptions import PKCS11Error

    try:
        return pkcs11.lib(str(place.module))
    except PKCS11Error as error:
        if type(error) is not PKCS11Error:  # the library answers, but not its token
            raise _unavailable(place, error) from error
        raise ConfigurationError(
            f"expected the library of the token's maker in [signer] module, came {place.module}: {error}"
        ) from error


def _opened(place: Place, pin: str) -> _Open:
    """Log in and find the key. Raises KeyUnavailable, ConfigurationError."""
    library = _library(place)
    from pkcs11.exceptions import NoSuchKey, NoSuchToken, PKCS11Error

    final: tuple[type[Exception], ...] = (NoSuchToken, NoSuchKey, *_refusals())
    try:
        return _logged_in(library, place, pin)
    except final as error:
        raise _unavailable(place, error) from error
    except PKCS11Error:
        # Some libraries, SoftHSM's among them, know a token that was away only after a new start.
        _asked(library.reinitialize, place)
        return _asked(lambda: _logged_in(library, place, pin), place)


def _logged_in(library: _pkcs11.lib, place: Place, pin: str) -> _Open:
    from pkcs11 import ObjectClass
    from pkcs11.exceptions import UserAlreadyLoggedIn

    token = library.get_token(token_label=place.token)
    try:
        session = token.open(user_pin=pin)
    except UserAlreadyLoggedIn:  # another session of this process has, and that counts for all of them
        session = token.open()
    return _Open(session, session.get_key(ObjectClass.PRIVATE_KEY, label=place.label))


def _certificate(session: Any, place: Place) -> x509.Certificate:
    from pkcs11 import Attribute, ObjectClass

    wanted = {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.LABEL: place.label}
    found = [bytes(entry[Attribute.VALUE]) for entry in session.get_objects(wanted)]
    if len(found) != 1:
        raise KeyUnavailable(
            f"expected one certificate labelled {place.label!r} in the token {place.token!r}, came {len(found)};"
            " put it there beside its key, or name its file in [signer] certificate"
        )
    try:
        return x509.load_der_x509_certificate(found[0])
    except ValueError as error:
        raise KeyUnavailable(
            f"expected an X.509 certificate under {place.label!r} in the token, came {error}; put in the right one"
        ) from error


def _prove(signer: TokenSigner) -> None:
    """One signature at the start: a key of another certificate is found here and not in a document."""
    value = one_spelling(signer.sign(_PROOF), signer.certificate)
    try:
        signeddata.check(signer.certificate, signeddata.algorithm_of(signer.certificate), value, _PROOF)
    except VerificationError as error:
        raise KeyUnavailable(
            f"expected the key of the signer's certificate under {signer.place.label!r}, came another key;"
            " label key and certificate of one pair alike"
        ) from error


def _asked(question: Callable[[], T], place: Place) -> T:
    from pkcs11.exceptions import PKCS11Error

    try:
        return question()
    except PKCS11Error as error:
        raise _unavailable(place, error) from error


def _close(session: Any) -> None:
    from pkcs11.exceptions import PKCS11Error

    try:
        session.close()
    except PKCS11Error:  # it went with the token
        return


def _refusals() -> tuple[type[Exception], ...]:
    """What a token says to a PIN that it does not take."""
    from pkcs11 import exceptions as e

    return (e.PinIncorrect, e.PinInvalid, e.PinLenRange, e.PinExpired, e.PinLocked)


def _unavailable(place: Place, error: Exception) -> KeyUnavailable:
    """Tells apart what a person must do: put in the token, mend the PIN, look at the label."""
    from pkcs11.exceptions import NoSuchKey, PinLocked

    if isinstance(error, PinLocked):
        todo = "it has locked itself: have its administrator unlock it"
    elif isinstance(error, _refusals()):
        todo = (
            "mend the PIN in QUJAT_SIGNER_SECRET or [signer] secret_file before you try again, since a token locks"
            " itself after a few wrong PINs"
        )
    elif isinstance(error, NoSuchKey):
        todo = f"it holds no private key labelled {place.label!r}: mend [signer] key"
    else:
        todo = "put the token in and try again; if it is in, look at its label ([signer] token) and its reader"
    return KeyUnavailable(f"expected a signature by the token {place.token!r}, came {type(error).__name__}: {todo}")
