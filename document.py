"""The data of a document: what is digested into the mark, attached to every page, signed as XML and kept for ever.

One form of it is a plain object (for canonical JSON), the other an XML that people and archives can read; each turns
into the other without loss. Text is text; whole numbers, truth values and lists carry a `type`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree

from qujat.catalogue import Catalogue, Wording
from qujat.decision import Decision
from qujat.errors import DocumentAltered, MarkInvalid
from qujat.fields import FieldSpec, ground_lists
from qujat.languages import Language
from qujat.mark import parse_token, subject_mask, token_text
from qujat.phrases import Phrase, phrase_on
from qujat.terms import completed

NAMESPACE = "urn:qujat:document:1"
ATTACHED = "decision.xml"
VERSION = 1

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sealed:
    """The data with the two secrets that bind them to the mark: the token and the salt of the digest."""

    data: Data
    token: bytes
    salt: bytes


def assemble(
    decision: Decision,
    wordings: Mapping[Language, Wording],
    catalogue: Catalogue,
    number: str,
    *,
    stand_in: bool,
    phrases: Sequence[Phrase] = (),
) -> dict[str, Any]:
    """The data of the document that this decision becomes under `number`. Fields not given are left out.

    `phrases` are those that the deployment has configured beside the ones on file.
    """
    form = catalogue.form(decision.form)
    before = {"prepared_by": decision.prepared_by.model_dump()} if decision.prepared_by else {}
    return {
        "version": VERSION,
        "id": decision.id,
        "form": form.annex,
        "key": form.key,
        "kind": form.kind,
        "number": number,
        "day": decision.day.isoformat(),
        "languages": list(decision.languages),
        "authority": decision.authority.model_dump(),
        "official": decision.official.model_dump(),
        **before,
        "editions": {
            language: {"edition": w.edition.id, "text": w.text.id, "wording": w.status}
            for language, w in wordings.items()
        },
        "grounds": _grounds_in_force(wordings, catalogue, decision.day),
        "fields": completed(fields_of(wordings), without_nulls(decision.fields), decision.day),
        "stand_in": stand_in,
        **({} if stand_in else _phrase(decision, phrases)),
    }


def _phrase(decision: Decision, configured: Sequence[Phrase]) -> dict[str, Any]:
    """What the document says of being electronic: not for a stand-in, which is none."""
    said = {language: phrase_on(decision.day, language, configured=configured) for language in decision.languages}
    return {"phrase": said} if all(said.values()) else {}


def fields_of(wordings: Mapping[Language, Wording]) -> dict[str, FieldSpec]:
    """The fields that a decision must give: those of the wording in each of its languages."""
    return {name: spec for wording in wordings.values() for name, spec in wording.fields.items()}


def edition_of(data: Data) -> str:
    """The edition(s) of a document as the mark says them: one, or one a language."""
    editions = [data["editions"][language]["edition"] for language in data["languages"]]
    return "/".join(dict.fromkeys(editions))


def subject_of(data: Data, catalogue: Catalogue) -> str:
    """The masked name of the person whom the document is about; empty if it is about nobody."""
    name = catalogue.form(data["form"]).file.subject
    value = data["fields"].get(name) if name else None
    if isinstance(value, list):
        value = value[0]["full_name"] if value else None
    return subject_mask(value) if value else ""


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [without_nulls(entry) for entry in value]
    return value


def _grounds_in_force(wordings: Mapping[Language, Wording], catalogue: Catalogue, day: date) -> dict[str, str]:
    lists = ground_lists(fields_of(wordings))
    return {name: catalogue.grounds_on(name, day)[1].id for name in sorted(lists)}


def to_xml(sealed: Sealed) -> bytes:
    """The XML of the data: UTF-8, indented for people, the same bytes for the same data."""
    root = etree.Element(f"{{{NAMESPACE}}}document", nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    root.set("token", token_text(sealed.token))
    root.set("salt", sealed.salt.hex())
    _write(root, dict(sealed.data))
    etree.indent(root, space=" ")
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _write(element: etree._Element, value: Any) -> None:
    match value:
        case dict():
            element.set("type", "object")
            for key, entry in value.items():
                _write(etree.SubElement(element, f"{{{NAMESPACE}}}{key}"), entry)
        case list():
            element.set("type", "list")
            for entry in value:
                _write(etree.SubElement(element, f"{{{NAMESPACE}}}item"), entry)
        case bool():
            element.set("type", "boolean")
            element.text = "true" if value else "false"
        case int():
            element.set("type", "integer")
            element.text = str(value)
        case _:
            element.text = str(value)


def from_xml(xml: bytes) -> Sealed:
    """The data from its XML. Raises DocumentAltered if it is not exactly what `to_xml` writes."""
    root = _parse(xml)
    if root.tag != f"{{{NAMESPACE}}}document":
        raise DocumentAltered("the data are not those of a document of ours: expected the root element document")
    try:
        data = _read(root)
        return Sealed(data, parse_token(root.get("token", "")), bytes.fromhex(root.get("salt", "")))
    except (ValueError, TypeError, KeyError, MarkInvalid) as error:
        raise DocumentAltered("the data cannot be read back: they are not what was written") from error


def _parse(xml: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=False)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise DocumentAltered("the data are not well-formed XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise DocumentAltered("the data hold a DTD; ours never do")
    return root


def _read(element: etree._Element) -> Any:
    children = [child for child in element if isinstance(child.tag, str)]
    match element.get("type"):
        case "object":
            return {etree.QName(child).localname: _read(child) for child in children}
        case "list":
            return [_read(child) for child in children]
        case "boolean":
            return {"true": True, "false": False}[element.text or ""]
        case "integer":
            return int(element.text or "")
        case None:
            return element.text or ""
        case other:
            raise ValueError(f"unknown type {other}")
