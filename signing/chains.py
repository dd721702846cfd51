"""The certificates that a signature carries beside the signer's: those between him and an anchor."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from qujat.errors import KeyUnavailable
from qujat.signing.trust import Trust

_LONGEST = 6


def chain_of(
    certificate: x509.Certificate, others: Iterable[x509.Certificate], trust: Trust
) -> tuple[x509.Certificate, ...]:
    """The intermediates above a signer's own certificate, nearest first, without the anchor.

    Looked for among `others` (what came with the key) and the intermediates of `trust`; when they were valid, and
    whether one was revoked, is for `Trust.path`. Raises KeyUnavailable where no chain leads to an anchor.
    """
    pool = (*others, *trust.intermediates)
    chain: tuple[x509.Certificate, ...] = ()
    while len(chain) < _LONGEST:
        last = chain[-1] if chain else certificate
        if any(_issued(last, anchor) for anchor in trust.anchors):
            return chain
        above = next((c for c in pool if c not in chain and _issued(last, c)), None)
        if above is None:
            break
        chain += (above,)
    raise KeyUnavailable(
        "expected a signer's certificate that leads to one of the anchors, came one that does not; put the root of its"
        " authority into the folder of [trust] anchors, and what stands between them into intermediates beside it"
    )


def _issued(certificate: x509.Certificate, above: x509.Certificate) -> bool:
    if certificate.issuer != above.subject:
        return False
    try:
        certificate.verify_directly_issued_by(above)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
