"""Signatures in a file of their own, which the register keeps beside the data that they sign.

Two of them: that of the head over data that he signed elsewhere, and that of an official who prepared the decision.
Both are plain (docs/decisions/0010-signed-elsewhere.md): what data without a signature of their own are signed with.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from qujat import document
from qujat.document import Sealed
from qujat.errors import NotSigned
from qujat.office import Office
from qujat.register import Document, Role

if TYPE_CHECKING:
    from qujat.signing.proof import Proof, Signed
    from qujat.signing.xades import ReadXml


def signed_data(xml: bytes, office: Office, near: bytes | None = None) -> ReadXml:
    """What was signed in `xml`: by a signature in it, or by the one that the register keeps of these bytes, or by one
    that came with it (`near`).

    Raises what `xades.read` and `cms.read` raise, StoreError.
    """
    from qujat.signing import cms, xades

    try:
        return xades.read(xml)
    except NotSigned:
        found = office.register.by_file(sha256(xml).hexdigest())
        kept = (_kept(found, "cms", office) if found else None) or near
        if kept is None:
            raise
    return xades.ReadXml(xml, cms.read(kept, xml, plain=True))


def is_bare(xml: bytes) -> bool:
    """True if data have no signature of their own, so that those beside them are plain. Raises what `xades.read`
    raises."""
    from qujat.signing import xades

    try:
        xades.read(xml)
    except NotSigned:
        return True
    return False


def data_in(xml: bytes) -> Sealed:
    """The data in XML with or without a signature of its own. Raises what `xades.read` raises."""
    from qujat.signing import xades

    return document.from_xml(xml if is_bare(xml) else xades.read(xml).data)


def detached(content: bytes, xml: bytes) -> Signed:
    """A signature of `xml` in a file of its own, of the kind that these data have. Raises what `cms.read` raises."""
    from qujat.signing import cms

    return cms.read(content, xml, plain=is_bare(xml))


def prepared(found: Document, sealed: Sealed, office: Office, at: datetime) -> Proof:
    """The proof that the official who is said to have prepared it signed the data.

    Raises NotSigned, what `cms.verify_detached` raises, SignerNotEntitled, StoreError.
    """
    from qujat.signing import cms, policy

    kept = _kept(found, "approval", office)
    if kept is None:
        raise NotSigned("expected the signature of the official who prepared the document, came none")
    signed = cms.verify_detached(
        kept,
        document.to_xml(sealed),
        office.trust,
        at=at,
        plain=True,
        policy=office.evidence,
        recorded=office.register.recorded_at,
    )
    data = sealed.data
    policy.employed(signed.certificate, bin=data["authority"]["bin"], iin=data["prepared_by"]["iin"])
    return signed.proof


def _kept(found: Document, role: Role, office: Office) -> bytes | None:
    return next((office.blobs.get(file.sha256) for file in found.files if file.role == role), None)
