"""`openssl ts -verify` on every timestamp that speaks of a file: taken out by other libraries than ours."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from asn1crypto import cms
from lxml import etree
from pyhanko.pdf_utils.reader import PdfFileReader

_XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"


@dataclass(frozen=True)
class Stamped:
    """A timestamp token in DER, and the bytes that it is of."""

    what: str
    token: bytes
    content: bytes


def of_pdf(pdf: bytes) -> Iterator[Stamped]:
    """The signature's timestamp, and every DocTimeStamp over its ByteRange (ISO 32000-2 12.8.5)."""
    reader = PdfFileReader(BytesIO(pdf))
    for signature in reader.embedded_regular_signatures:
        yield from of_cms(signature.pkcs7_content)
    for stamp in reader.embedded_timestamp_signatures:
        start, first, second, last = (int(n) for n in stamp.byte_range)
        yield Stamped(
            "DocTimeStamp", _whole(stamp.pkcs7_content), pdf[start : start + first] + pdf[second : second + last]
        )


def of_cms(encoded: bytes) -> Iterator[Stamped]:
    """The timestamp of a signature, over its value (RFC 3161, appendix A)."""
    (signer,) = cms.ContentInfo.load(_whole(encoded))["content"]["signer_infos"]
    for attribute in signer["unsigned_attrs"]:
        if attribute["type"].native == "signature_time_stamp_token":
            (token,) = attribute["values"]
            yield Stamped("signature", token.dump(), signer["signature"].native)


def of_xml(xml: bytes) -> Iterator[Stamped]:
    """The SignatureTimeStamp, over SignatureValue as its own canonicalisation has it (EN 319 132-1 5.3)."""
    root = etree.fromstring(xml)
    (value,) = root.iter(f"{_DSIG}SignatureValue")
    (stamp,) = root.iter(f"{_XADES}SignatureTimeStamp")
    algorithm = stamp.find(f"{_DSIG}CanonicalizationMethod").get("Algorithm")
    canonical = etree.tostring(value, method="c14n", exclusive="exc-c14n" in algorithm, with_comments=False)
    token = stamp.findtext(f"{_XADES}EncapsulatedTimeStamp")
    yield Stamped("signature", base64.b64decode(token), canonical)


def verified(stamped: Stamped, root: Path, folder: Path) -> str:
    """What openssl says of it with this root alone: "Verification: OK", or why not."""
    (folder / "token").write_bytes(stamped.token)
    (folder / "content").write_bytes(stamped.content)
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "content", "-CAfile", str(root)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    said = done.stdout + done.stderr
    assert (done.returncode == 0) == ("Verification: OK" in said), said
    return "Verification: OK" if done.returncode == 0 else said


def _whole(padded: bytes) -> bytes:
    """The CMS at the head of /Contents, after which zeros fill the place."""
    return bytes(cms.ContentInfo.load(bytes(padded), strict=False).dump())
