"""An authority's own Word templates: found by their names, examined against the form.

A folder ([word] overrides in the configuration) holds `<annex>.<edition>.<language>.docx` for one edition, or
`<annex>.<language>.docx` for all of them. `lint` says which fields such a file leaves out and which it names in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from qujat.catalogue import Form
from qujat.errors import ConfigurationError, FormError
from qujat.fields import FieldSpec
from qujat.languages import Language
from qujat.slots import DaySlot, Slot
from qujat.views import Person, fields_view
from qujat.wordfilling import environment, opened, tags


def find(folder: Path | None, annex: str, edition: str, language: Language) -> bytes | None:
    """The authority's own template, or None. Raises ConfigurationError if the folder is not there."""
    if folder is None:
        return None
    if not folder.is_dir():
        raise ConfigurationError(f"[word] overrides: expected a folder, and {folder} is none")
    names = (f"{annex}.{edition}.{language}.docx", f"{annex}.{language}.docx")
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    return found.read_bytes() if found else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One field that is missing in a Word file, or that the form does not know: `name` as a tag would have it."""

    kind: Literal["missing", "unknown"]
    name: str


def lint(docx: bytes, form: Form, edition: str = "") -> list[Finding]:
    """What is wrong with a Word template of `form`: fields of the edition (the last one held, if none is named) that
    it never mentions, and names that no document of the form has.

    Raises FormError if it is no .docx, or its tags cannot be read.
    """
    specs = form.fields(form.edition(edition).id if edition else _last_held(form))
    seen = _Seen({"f": _Known("f", _samples(specs)), **_AROUND})
    for xml in tags(opened(docx)):
        try:
            seen.read(environment().parse(xml), {})
        except TemplateSyntaxError as error:
            raise FormError(f"a tag of the Word template cannot be read: {error.message}") from error
    missing = [name for name in _names(specs) if name not in seen.used]
    return [Finding("missing", name) for name in missing] + [Finding("unknown", name) for name in seen.unknown]


def _last_held(form: Form) -> str:
    held = [edition for edition in form.editions if set(edition.wording.values()) != {"not-held"}]
    if not held:
        raise FormError(f"{form.annex}: no wording of this form is held, so it has no fields to look for")
    return held[-1].id


def _names(specs: Mapping[str, FieldSpec]) -> Iterator[str]:
    """What a template has to ask for: every field that stands on the page."""
    for name, spec in specs.items():
        if spec.printed:
            yield f"f.{name}"
            yield from (f"f.{name}.{column}" for column, inner in spec.columns.items() if inner.printed)


def _samples(specs: Mapping[str, FieldSpec]) -> dict[str, Any]:
    """Views of all fields, with at least one row, entry and ground."""
    empty = fields_view(specs, None, "kk", {spec.list_key: () for spec in specs.values()})
    for name, spec in specs.items():
        if spec.type == "grounds":
            empty |= fields_view({name: spec}, {name: [1]}, "kk", {spec.list_key: ("…",)})
        elif spec.type == "rows":
            empty[name] = [_samples(spec.columns)]
        elif spec.type == "list":
            empty[name] = [Slot(None)]
    return empty


@dataclass(frozen=True, slots=True)
class _Known:
    """Something that a template may name: where it stands in the form, and an example of it."""

    path: str
    sample: Any


_ANY = _Known("", None)
_AROUND = {
    "number": _Known("number", Slot(None)),
    "day": _Known("day", DaySlot(None, "kk", given=False)),
    "authority": _Known("authority", Slot(None)),
    "official": _Known("official", Person(Slot(None), Slot(None))),
    "title": _ANY,
    "language": _ANY,
    "created": _ANY,
    "copy": _ANY,
    "foot": _ANY,
}


@dataclass
class _Seen:
    """A walk through the tags of a template."""

    roots: Mapping[str, _Known]
    used: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)

    def read(self, node: nodes.Node, names: dict[str, _Known]) -> None:
        """Everything that a tag names, in order; `names` are those that the template itself has given."""
        match node:
            case nodes.For(target=nodes.Name(name=name), iter=items):
                inner = {**names, name: _entry_of(self._resolved(items, names)), "loop": _ANY}
                self._read_all([*node.body, *node.else_, node.test], inner)
            case nodes.Assign(target=target, node=value):
                self.read(value, names)
                names.update({name.name: _ANY for name in target.find_all(nodes.Name)})
                if isinstance(target, nodes.Name):
                    names[target.name] = _ANY
            case nodes.AssignBlock(target=nodes.Name(name=name), body=body):
                self._read_all(body, names)
                names[name] = _ANY
            case nodes.Call(node=nodes.Getattr(node=asked, attr="is_"), args=[nodes.Const(value=code)]):
                self._choice(self._resolved(asked, names), code)
            case nodes.Name() | nodes.Getattr():
                self._resolved(node, names)
            case _:
                self._read_all(list(node.iter_child_nodes()), names)

    def _read_all(self, found: list[Any], names: dict[str, _Known]) -> None:
        for node in found:
            if node is not None:
                self.read(node, names)

    def _resolved(self, node: nodes.Node, names: dict[str, _Known]) -> _Known:
        """What a name stands for; a name that nothing stands for is noted."""
        match node:
            case nodes.Name(name=name):
                if name not in names and name not in self.roots and name not in environment().globals:
                    return self._noted(name)
                return names.get(name) or self.roots.get(name, _ANY)
            case nodes.Getattr(node=inner, attr=attr):
                return self._member(self._resolved(inner, names), attr)
            case _:
                self._read_all(list(node.iter_child_nodes()), names)
                return _ANY

    def _member(self, known: _Known, attr: str) -> _Known:
        if known.sample is None:
            return _ANY
        if isinstance(known.sample, Mapping):
            path = f"{known.path}.{attr}"
            self.used.add(path)
            return _Known(path, known.sample[attr]) if attr in known.sample else self._noted(path)
        if not hasattr(known.sample, attr):
            return self._noted(f"{known.path}.{attr}")
        return _Known(known.path, getattr(known.sample, attr))

    def _choice(self, known: _Known, code: str) -> None:
        """`f.status.is_("new")`: one of the choices of the field."""
        if code not in getattr(known.sample, "words_of", {code}):
            self._noted(f'{known.path}.is_("{code}")')

    def _noted(self, name: str) -> _Known:
        if name not in self.unknown:
            self.unknown.append(name)
        return _ANY


def _entry_of(known: _Known) -> _Known:
    """What a loop gives one of."""
    return _Known(known.path, next(iter(known.sample), None)) if isinstance(known.sample, Iterable) else _ANY
