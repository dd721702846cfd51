"""The unsigned attribute revocation-values (RFC 5126 6.3.4), where the card wants OCSP answers and lists to stand.

We keep evidence in SignedData.crls, where OpenSSL and DSS look. For a card a copy of what speaks of the signer is added
as the attribute; taking it out again gives back the bytes that the register keeps.
"""

from __future__ import annotations

from collections.abc import Callable

from qujat.card import message as messages
from qujat.card.message import REVOCATION_VALUES, Message
from qujat.errors import DocumentAltered
from qujat.signing import archive, der
from qujat.signing.der import DerError, tlv
from qujat.signing.evidence import Evidence, evidence

_BASIC = der.oid("1.3.6.1.5.5.7.48.1.1")
_ENUMERATED = 0x0A
_CRLS, _OCSPS, _UNSIGNED = 0xA0, 0xA1, 0xA1


def found_in(message: Message) -> Evidence:
    """What the attribute holds. Raises DocumentAltered if it is not what RFC 5126 says."""
    crls: list[bytes] = []
    ocsps: list[bytes] = []
    try:
        for value in message.unsigned.get(REVOCATION_VALUES, ()):
            for part in der.one(value, der.SEQUENCE).children():
                values = [member.encoded for member in der.one(part.content, der.SEQUENCE).children()]
                if part.tag == _CRLS:
                    crls.extend(values)
                elif part.tag == _OCSPS:
                    ocsps.extend(_response(member) for member in values)
    except (ValueError, IndexError) as error:
        raise _not_values(str(error)) from error
    return evidence(crls=crls, ocsps=ocsps)


def beside(message: Message) -> Evidence:
    """What stands in SignedData.crls (RFC 5652 10.2.1, RFC 5940). Raises DocumentAltered."""
    try:
        answers = {member: archive.ocsp_of_choice(member) for member in message.revocations}
    except (ValueError, IndexError) as error:
        raise _not_values(str(error)) from error
    crls = [member for member, response in answers.items() if response is None]
    return evidence(crls=crls, ocsps=filter(None, answers.values()))


def added(cms: bytes, values: Evidence) -> bytes:
    """A CMS in DER with the attribute. Raises DocumentAltered if it cannot be read or has one already."""
    if REVOCATION_VALUES in messages.read(cms).unsigned:
        raise _not_values("the attribute is there already")
    parts = []
    if values.crls:
        parts.append(tlv(_CRLS, tlv(der.SEQUENCE, *values.crls)))
    if values.ocsps:
        parts.append(tlv(_OCSPS, tlv(der.SEQUENCE, *(_basic(response) for response in values.ocsps))))
    attribute = tlv(der.SEQUENCE, REVOCATION_VALUES, tlv(der.SET, tlv(der.SEQUENCE, *parts)))
    return _with_unsigned(cms, lambda members: sorted([*members, attribute]))


def removed(cms: bytes) -> bytes:
    """A CMS in DER without the attribute: the bytes that `added` was given. Raises DocumentAltered."""
    if REVOCATION_VALUES not in messages.read(cms).unsigned:
        return cms
    return _with_unsigned(cms, lambda members: [m for m in members if _kind(m) != REVOCATION_VALUES])


def _with_unsigned(cms: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    kind, wrapped = der.one(cms, der.SEQUENCE).children()
    *before, signers = der.one(wrapped.content, der.SEQUENCE).children()
    fields = der.one(signers.content, der.SEQUENCE).children()
    last = fields[-1]
    old = [member.encoded for member in last.children()] if last.tag == _UNSIGNED else []
    kept = fields[:-1] if last.tag == _UNSIGNED else fields
    new = change(old)
    info = tlv(der.SEQUENCE, *(f.encoded for f in kept), *([tlv(_UNSIGNED, *new)] if new else []))
    signed_data = tlv(der.SEQUENCE, *(f.encoded for f in before), tlv(der.SET, info))
    return tlv(der.SEQUENCE, kind.encoded, tlv(0xA0, signed_data))


def _kind(attribute: bytes) -> bytes:
    return der.one(attribute).children()[0].encoded


def _response(value: bytes) -> bytes:
    """An OCSPResponse from the BasicOCSPResponse that the attribute holds; some write the whole response there."""
    if der.one(value, der.SEQUENCE).children()[0].tag == _ENUMERATED:
        return value
    status, body = tlv(_ENUMERATED, b"\0"), tlv(der.SEQUENCE, _BASIC, der.octets(value))
    return tlv(der.SEQUENCE, status, tlv(0xA0, body))


def _basic(response: bytes) -> bytes:
    """The BasicOCSPResponse of an OCSPResponse (RFC 6960 4.2.1)."""
    _status, body = der.one(response, der.SEQUENCE).children()
    kind, basic = der.one(body.content, der.SEQUENCE).children()
    if kind.encoded != _BASIC:
        raise DerError("an OCSP response of another kind")
    return basic.content


def _not_values(what: str) -> DocumentAltered:
    return DocumentAltered(f"expected revocation values as in RFC 5126 6.3.4, came others: {what}; get the card again")
