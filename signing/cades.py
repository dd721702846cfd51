"""The CMS of PAdES signatures, made by pyHanko (ETSI EN 319 142-1 level B-B) with the key of a `Signer`.

pyHanko assembles the CMS; the key is parsed once and never leaves its `Signer`. `signeddata` reads what comes out.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from asn1crypto.algos import SignedDigestAlgorithm
from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.signers.pdf_cms import Signer as PyHankoSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from qujat.signing import signeddata
from qujat.signing.signer import Signer, signature_value

if TYPE_CHECKING:
    from collections.abc import Hashable


class _Adapter(PyHankoSigner):
    """pyHanko's view of our signer."""

    def __init__(self, signer: Signer) -> None:
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple([_certificate(c) for c in signer.chain])
        super().__init__(
            signing_cert=_certificate(signer.certificate),
            cert_registry=store,
            signature_mechanism=SignedDigestAlgorithm.load(signeddata.algorithm_of(signer.certificate)),
        )
        self._key = signer

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        del digest_algorithm, dry_run  # SHA-256, and no trial runs: see `_made`
        return signature_value(self._key, data)


def sign(digest: bytes, signer: Signer) -> bytes:
    """The CMS of a PAdES signature, in DER, over the SHA-256 of a PDF's byte range (EN 319 142-1 6.3).

    Without a signing time, which PDF has in /M. Raises what `signer.sign` raises.
    """
    return _loop().run_until_complete(_made(_adapter(cast("Hashable", signer)), digest))


async def _made(adapter: _Adapter, digest: bytes) -> bytes:
    # Bytes, not the object: asyncio logs the repr of what a task returns, which takes 0.2 s for a CMS.
    return bytes((await adapter.async_sign(digest, "sha256", use_pades=True)).dump())


_threads = threading.local()


def _loop() -> asyncio.AbstractEventLoop:
    """An event loop of this thread's own: pyHanko is asynchronous throughout, and a new loop a signature costs more."""
    loop: asyncio.AbstractEventLoop | None = getattr(_threads, "loop", None)
    if loop is None:
        loop = _threads.loop = asyncio.new_event_loop()
        weakref.finalize(threading.current_thread(), loop.close)
    return loop


@lru_cache(maxsize=16)
def _adapter(signer: Any) -> _Adapter:
    return _Adapter(signer)


def _certificate(certificate: Any) -> Certificate:
    return Certificate.load(certificate.public_bytes(Encoding.DER))
