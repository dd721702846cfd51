"""What the pages of a card say: facts about the files and the signatures, in Kazakh and Russian.

Not a rendering of the original: the format forbids to dress up XML as something else (ddcard-spec, «Визуализация
электронного документа»).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography import x509
from cryptography.x509.oid import NameOID

from qujat import qr
from qujat.card import qrset
from qujat.card.container import Attached
from qujat.errors import UnknownForm
from qujat.office import Office
from qujat.pages import ALMATY
from qujat.register import Document
from qujat.rendering import Attachment, Sheet
from qujat.signing.trust import STAND_IN_POLICY
from qujat.words import day_in_figures

if TYPE_CHECKING:
    from qujat.card.building import Signature
    from qujat.card.confirmation import Confirmation

TEMPLATE: Final = "card/v1/card.html.j2"
CODES_A_PAGE: Final = 6
CMS_TYPE: Final = "application/pkcs7-signature"


class Both(NamedTuple):
    """The same words in both languages."""

    kk: str
    ru: str

    def __str__(self) -> str:
        return f"{self.kk} / {self.ru}"


_ORIGINAL = Both("Электрондық құжаттың түпнұсқасы", "Подлинник электронного документа")
_SIGNED_BY = Both("Электрондық цифрлық қолтаңба", "Электронная цифровая подпись")
_USAGES = {
    "digital_signature": Both("цифрлық қолтаңба", "цифровая подпись"),
    "content_commitment": Both("қол қоюдан бас тартпау", "неотрекаемость"),
    "key_encipherment": Both("кілттерді шифрлау", "шифрование ключей"),
    "data_encipherment": Both("деректерді шифрлау", "шифрование данных"),
    "key_agreement": Both("кілттерді келісу", "согласование ключей"),
    "key_cert_sign": Both("сертификаттарға қол қою", "подписание сертификатов"),
    "crl_sign": Both("кері қайтарылған сертификаттар тізіміне қол қою", "подписание списков отозванных сертификатов"),
}
# The NCA's own object identifiers (1.2.398.3.3.4.1), and those of RFC 5280 4.2.1.12.
_PURPOSES = {
    "1.3.6.1.5.5.7.3.4": Both("қорғалған электрондық пошта", "защищённая электронная почта"),
    "1.2.398.3.3.4.1.1": Both("жеке тұлға", "физическое лицо"),
    "1.2.398.3.3.4.1.2": Both("заңды тұлға", "юридическое лицо"),
    "1.2.398.3.3.4.1.2.1": Both("ұйымның бірінші басшысы", "первый руководитель организации"),
    "1.2.398.3.3.4.1.2.2": Both("қол қою құқығы бар тұлға", "лицо, наделённое правом подписи"),
    "1.2.398.3.3.4.1.2.5": Both("ұйым қызметкері", "сотрудник организации"),
}
_POLICIES = {STAND_IN_POLICY.dotted_string: Both("ДЕМО – ЭЦҚ емес", "ДЕМО – не ЭЦП")}


def sheet(
    original: Attached, signatures: Sequence[Signature], found: Document, recorded: datetime, office: Office
) -> Sheet:
    """The sheet of a card: `recorded` is the moment of which it speaks."""
    codes = {one.sign_id: qrset.texts(one.sign_id, one.file.content) for one in signatures}
    files = [_row(1, original, _ORIGINAL, "")]
    files += [_row(n, one.file, _SIGNED_BY, _holder(one)["name"]) for n, one in enumerate(signatures, 2)]
    words = {
        "created": recorded.astimezone(UTC).isoformat(),
        "at": _moment(recorded),
        "title": _title(found, office),
        "number": found.number,
        "day": day_in_figures(date.fromisoformat(found.data["day"])),
        "system": f"Qujat, {office.address}",
        "stand_in": office.trust.stand_in,
        "files": files,
        "signatures": [_signature(one, codes[one.sign_id]) for one in signatures],
    }
    images = {
        _url(sign_id, index): qr.draw_in(text, qrset.VERSION).png
        for sign_id, texts in codes.items()
        for index, text in enumerate(texts, 1)
    }
    return Sheet(TEMPLATE, words, recorded, attachments=_attachments(original, signatures), images=images)


def _attachments(original: Attached, signatures: Sequence[Signature]) -> list[Attachment]:
    first = Attachment(original.name, original.content, str(_ORIGINAL), "Source", "application/xml")
    said = [f"{_SIGNED_BY}, {_holder(one)['name']}" for one in signatures]
    return [first] + [
        Attachment(one.file.name, one.file.content, description, "Supplement", CMS_TYPE)
        for one, description in zip(signatures, said, strict=True)
    ]


def _title(found: Document, office: Office) -> Both:
    try:
        title = office.forms.form(found.data["form"]).title
    except UnknownForm:
        return Both(found.data["form"], found.data["form"])
    return Both(title["kk"], title["ru"])


def _row(number: int, file: Attached, what: Both, who: str) -> Mapping[str, Any]:
    return {
        "number": number,
        "name": file.name,
        "what": what,
        "who": who,
        "bytes": len(file.content),
        "sha256": sha256(file.content).hexdigest(),
    }


def _signature(one: Signature, codes: Sequence[str]) -> Mapping[str, Any]:
    certificate, stamp = one.read.certificate, one.read.stamp
    total = len(codes)
    drawn = [{"url": _url(one.sign_id, i), "index": i, "total": total} for i in range(1, total + 1)]
    return {
        "id": one.sign_id,
        "file": one.file.name,
        "at": _moment(stamp.time),
        "holder": _holder(one),
        "certificate": _certificate(certificate),
        "from": _moment(certificate.not_valid_before_utc),
        "until": _moment(certificate.not_valid_after_utc),
        "policies": _policies(certificate),
        "usages": _usages(certificate),
        "purposes": _purposes(certificate),
        "stamp": _certificate(stamp.certificate),
        "confirmation": _confirmation(one.proven.confirmation, one.proven.proof.path[1]),
        "pages": [drawn[start : start + CODES_A_PAGE] for start in range(0, total, CODES_A_PAGE)],
    }


def _holder(one: Signature) -> Mapping[str, str]:
    """Who signed, as the subject of the certificate says; an empty text for what it does not say."""
    subject = one.read.certificate.subject

    def said(kind: x509.ObjectIdentifier, prefix: str = "") -> str:
        values = [str(attribute.value) for attribute in subject.get_attributes_for_oid(kind)]
        return next((value.removeprefix(prefix) for value in values if value.startswith(prefix)), "")

    return {
        "name": said(NameOID.COMMON_NAME),
        "iin": said(NameOID.SERIAL_NUMBER, "IIN"),
        "organisation": said(NameOID.ORGANIZATION_NAME),
        "bin": said(NameOID.ORGANIZATIONAL_UNIT_NAME, "BIN"),
    }


def _certificate(certificate: x509.Certificate) -> Mapping[str, str]:
    return {
        "serial": f"{certificate.serial_number:x}",
        "subject": _spelled(certificate.subject),
        "issuer": _spelled(certificate.issuer),
    }


def _spelled(name: x509.Name) -> str:
    """A name as RFC 4514 writes it, with room to break lines, and a word for the identifier in which the IIN stands."""
    parts = (rdn.rfc4514_string({NameOID.SERIAL_NUMBER: "SERIALNUMBER"}) for rdn in reversed(name.rdns))
    return ", ".join(parts)


def _policies(certificate: x509.Certificate) -> list[str]:
    found = [e.value for e in certificate.extensions if isinstance(e.value, x509.CertificatePolicies)]
    return [_named(policy.policy_identifier.dotted_string, _POLICIES) for value in found for policy in value]


def _purposes(certificate: x509.Certificate) -> list[str]:
    found = [e.value for e in certificate.extensions if isinstance(e.value, x509.ExtendedKeyUsage)]
    return [_named(purpose.dotted_string, _PURPOSES) for value in found for purpose in value]


def _usages(certificate: x509.Certificate) -> list[str]:
    found = [e.value for e in certificate.extensions if isinstance(e.value, x509.KeyUsage)]
    return [str(words) for value in found for name, words in _USAGES.items() if getattr(value, name)]


def _named(identifier: str, names: Mapping[str, Both]) -> str:
    return f"{names[identifier]} ({identifier})" if identifier in names else identifier


def _confirmation(found: Confirmation, issuer: x509.Certificate) -> Mapping[str, Any]:
    """What confirms the certificate: an OCSP answer with its responder, or one or two lists."""
    if found.answer is not None:
        (single,) = found.answer.responses
        by = next(iter(found.answer.certificates), issuer)
        return {"ocsp": {"at": _moment(single.this_update_utc), "status": single.certificate_status.name.lower()}} | {
            "by": _certificate(by)
        }
    lists = [crl for crl in (found.base, found.delta) if crl is not None]
    windows = [(_moment(c.last_update_utc), _moment(c.next_update_utc or c.last_update_utc)) for c in lists]
    return {"ocsp": None, "lists": windows, "by": _certificate(issuer)}


def _url(sign_id: int, index: int) -> str:
    return f"card:{sign_id}-{index}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(ALMATY):%d.%m.%Y %H:%M:%S} UTC+5"
