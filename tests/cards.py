"""Cards for tests, right ones and wrong ones: a PDF with any attached files, and signatures at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import offices
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from qujat import rendering
from qujat.card import values
from qujat.office import Office
from qujat.rendering import Attachment, Sheet
from qujat.signing import cms, keys
from qujat.signing.evidence import Evidence, evidence
from qujat.signing.responder import StandInSource
from qujat.signing.timestamp import StandInAuthority

ORIGINAL = "Тапсырма: ақ қағаз.".encode()
MINUTE = timedelta(minutes=1)


def pdf(files: Sequence[tuple[str, bytes]], created: datetime) -> bytes:
    """A PDF of one empty page with these files attached in this order."""
    attached = [Attachment(name, content, name) for name, content in files]
    head = '<head><title>t</title><meta name="dcterms.created" content="2026-01-01T00:00:00Z"/></head>'
    root = rendering.tree(f'<html lang="kk">{head}<body data-pages="1"><p>t</p></body></html>')
    from qujat import engine

    sheet = Sheet("", {}, created, attachments=attached)
    return engine.write(engine.lay_out(root, sheet), sheet)


def card(files: Sequence[tuple[str, bytes]], office: Office) -> bytes:
    return pdf(files, office.clock())


def signed(office: Office, *, after: timedelta = timedelta(), original: bytes = ORIGINAL) -> bytes:
    """A detached signature with a timestamp, so long after the office's time. No revocation values yet."""
    assert isinstance(office.timestamper, StandInAuthority)
    at = office.clock() + after
    return cms.sign_detached(
        original, office.key_ring().signer, at=at, timestamper=replace(office.timestamper, clock=lambda: at)
    )


def answer(office: Office, *, after: timedelta = timedelta()) -> Evidence:
    """The stand-in's OCSP answer about the head, given so long after the office's time."""
    assert isinstance(office.revocation, StandInSource)
    assert office.revocation.responder
    at = office.clock() + after
    source = replace(office.revocation, responder=replace(office.revocation.responder, clock=lambda: at))
    (issuer,) = office.trust.intermediates
    return source.ask(office.key_ring().signer.certificate, issuer)


def fit(office: Office, *, after: timedelta = timedelta(), original: bytes = ORIGINAL) -> bytes:
    """A signature as a card wants it."""
    return values.added(signed(office, after=after, original=original), answer(office, after=after))


def lists(pki: offices.Pki, first: datetime, last: datetime, *, number: int = 1, over: int | None = None) -> Evidence:
    """An empty list of the issuing authority with this window; `over` makes it a delta over that number."""
    key = keys.load_key(pki.folder / "issuing.key.pem", pki.passphrase)
    return evidence(crls=[_list(pki, key, first, last, number, over)])


def _list(
    pki: offices.Pki, key: ec.EllipticCurvePrivateKey, first: datetime, last: datetime, number: int, over: int | None
) -> bytes:
    issuer = x509.load_pem_x509_certificate((pki.folder / "issuing.pem").read_bytes())
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(first)
        .next_update(last)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    if over is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(over), critical=True)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)
