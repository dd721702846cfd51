"""qujat word, qujat forms lint"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from qujat import settings as configuration
from qujat.commands import print_json, write
from qujat.errors import ConfigurationError, FieldErrors, UnknownDocument

if TYPE_CHECKING:
    from qujat.catalogue import Catalogue
    from qujat.languages import Language
    from qujat.pages import Data
    from qujat.settings import Settings


def word(options: Namespace) -> int:
    """qujat word FORM --on DAY --language kk|ru | NUMBER | DECISION.json, -o FILE.docx (or .pdf, by LibreOffice)"""
    settings = configuration.read(options.config)
    content = _empty(options, settings) if options.on else _filled(options, settings)
    if options.output.suffix == ".pdf":
        from qujat import libreoffice

        content = libreoffice.pdf(content)
    write(options.output, content)
    if options.json:
        print_json({"file": str(options.output)})
    else:
        print(options.output)
    return 0


def _catalogue(settings: Settings) -> Catalogue:
    from qujat.catalogue import load

    return load(settings.published, settings.wording.not_held)


def _empty(options: Namespace, settings: Settings) -> bytes:
    """An empty form, or its template with the tags standing."""
    from qujat import word as files

    if options.language is None:
        raise ConfigurationError("expected --language kk or --language ru: an empty form is in one language")
    catalogue = _catalogue(settings)
    wording = catalogue.in_force(options.what, options.on, options.language)
    if options.template:
        return files.template(wording)
    return files.empty(catalogue, wording, settings.word_overrides)


def _filled(options: Namespace, settings: Settings) -> bytes:
    """A copy of an issued document, or a draft from a decision that is not issued."""
    from qujat import word as files

    if options.template:
        raise ConfigurationError("expected --on with --template: the template of a form is that of a day")
    source = Path(options.what)
    catalogue, data = _draft(source, settings) if source.suffix == ".json" else _issued(options)
    return files.word(catalogue, data, _language(options, data), settings.word_overrides)


def _language(options: Namespace, data: Data) -> Language:
    """The language asked for, or the only one there is."""
    held: list[Language] = list(data["languages"])
    if options.language in held:
        return held[held.index(options.language)]
    if options.language is None and len(held) == 1:
        return held[0]
    raise ConfigurationError(f"expected --language {' or '.join(held)}: the document is in {' and '.join(held)}")


def _issued(options: Namespace) -> tuple[Catalogue, Data]:
    from qujat.commands.documents import office

    desk = office(options)
    found = desk.register.by_number(options.what, options.authority)
    if not found.issued:
        raise UnknownDocument(
            f"document {options.what} is reserved but not issued; send its decision again to finish it"
        )
    return desk.forms, found.data


def _draft(path: Path, settings: Settings) -> tuple[Catalogue, Data]:
    """The data of a decision as they would be issued, without a number. Raises FieldErrors with all that is wrong."""
    from qujat import document
    from qujat.decision import parse
    from qujat.issuing import wrong_in

    try:
        sent = parse(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: expected a decision in UTF-8 JSON: {error}") from error
    catalogue = _catalogue(settings)
    wordings = {language: catalogue.in_force(sent.form, sent.day, language) for language in sent.languages}
    if errors := wrong_in(sent, wordings, catalogue, settings.amounts.aek_day):
        raise FieldErrors(errors)
    return catalogue, document.assemble(sent, wordings, catalogue, sent.number or "", stand_in=False)


def lint(options: Namespace) -> int:
    """qujat forms lint FILE.docx --form FORM: exit code 3 if a field is missing or unknown"""
    from qujat import overrides

    settings = configuration.read(options.config)
    form = _catalogue(settings).form(options.form)
    try:
        content = options.file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{options.file} cannot be read: {error.strerror}") from error
    found = overrides.lint(content, form, options.edition or "")
    if options.json:
        print_json([{"kind": entry.kind, "name": entry.name} for entry in found])
    else:
        print(
            "\n".join(f"{entry.kind:<9}{entry.name}" for entry in found) or f"{options.file}: every field of the form"
        )
    return 3 if found else 0
