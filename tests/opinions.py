"""Second opinions on a signed PDF that are asked in this process."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from qujat.signing.trust import Trust


def by_pyhanko(pdf: bytes, trust: Trust) -> Any:
    """pyHanko's status of the one signature in `pdf`, timestamps over evidence apart, with our anchors and lists of
    revoked certificates."""

    def context() -> ValidationContext:
        return ValidationContext(
            trust_roots=[asn1_x509.Certificate.load(c.public_bytes(Encoding.DER)) for c in trust.anchors],
            crls=[asn1_crl.CertificateList.load(c.public_bytes(Encoding.DER)) for c in trust.crls],
            allow_fetching=False,
            revocation_mode="require",
        )

    (embedded,) = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
    return validate_pdf_signature(embedded, context(), ts_validation_context=context())
