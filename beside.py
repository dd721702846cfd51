"""Signatures in a file of their own, which the register keeps beside the data that they sign.

Two of them: that of the head over data that he signed elsewhere, and that of an official who prepared the decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from qujat import document
from qujat.document import Sealed
from qujat.errors import Indeterminate, NotSigned, SignerNotEntitled, VerificationError
from qujat.office import Office
from qujat.register import Document, Role
from qujat.verdicts import Check

if TYPE_CHECKING:
    from qujat.signing.xades import SignedXml


def signed_data(xml: bytes, office: Office, *, at: datetime | None) -> SignedXml:
    """What was signed in `xml` and by whom: by a signature in it, or by the one that the register keeps of these bytes.

    Raises what `xades.verify` and `cms.verify_detached` raise, StoreError.
    """
    from qujat.signing import cms, xades

    try:
        return xades.verify(xml, office.trust, at=at)
    except NotSigned:
        found = office.register.by_file(sha256(xml).hexdigest())
        kept = _kept(found, "cms", office) if found else None
        if kept is None:
            raise
    signed = cms.verify_detached(kept, xml, office.trust, at=at, plain=True)
    return xades.SignedXml(xml, signed.certificate, signed.chain, signed.signed_at)


def preparer(sealed: Sealed, office: Office) -> Iterator[Check]:
    """Did the official who is said to have prepared it sign the data? Nothing where nobody is said to. StoreError."""
    if "prepared_by" not in sealed.data:
        return
    found = office.register.by_token(sealed.token)
    if found is None or not found.issued:
        yield Check("preparer", "indeterminate", "not-issued" if found else "not-registered")
        return
    try:
        _check_preparer(found, sealed, office)
    except VerificationError as error:
        yield Check("preparer", "indeterminate" if isinstance(error, Indeterminate) else "invalid", error.code)
    except SignerNotEntitled as error:
        yield Check("preparer", "invalid", error.code, error.message)
    else:
        yield Check("preparer", "valid", "ok")


def _check_preparer(found: Document, sealed: Sealed, office: Office) -> None:
    from qujat.signing import cms, policy

    kept = _kept(found, "approval", office)
    if kept is None:
        raise NotSigned("expected the signature of the official who prepared the document, came none")
    recorded = office.register.recorded_at(sha256(kept).hexdigest())
    signed = cms.verify_detached(kept, document.to_xml(sealed), office.trust, at=recorded, plain=True)
    data = sealed.data
    policy.employed(signed.certificate, bin=data["authority"]["bin"], iin=data["prepared_by"]["iin"])


def _kept(found: Document, role: Role, office: Office) -> bytes | None:
    return next((office.blobs.get(file.sha256) for file in found.files if file.role == role), None)
