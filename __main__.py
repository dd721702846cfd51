"""The command line. Imports nothing heavy: each command loads what it needs (`qujat --help` answers at once)."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qujat.commands import deployment
from qujat.commands.parsing import (
    about_form,
    add,
    count,
    day,
    group,
    in_language,
    moment,
    named_file,
    of_authority,
    on_day,
)

EPILOG = """exit codes:
  0  fine
  2  the decision, the question or the configuration is wrong
  3  a form of ours is wrong
  4  signing failed
  5  the check says invalid
  6  store trouble
  7  the check says indeterminate
130  interrupted

The configuration is one TOML file, named by --config or QUJAT_CONFIG; without one everything is kept in ./var.
"""
INTERRUPTED = 130
CHECKED = {"valid": 0, "invalid": 5, "indeterminate": 7}


def exit_codes() -> list[tuple[type[Exception], int]]:
    """The one table from errors to exit codes; the first class that fits."""
    from qujat import errors as e

    return [
        (e.Indeterminate, 7),
        (e.VerificationError, 5),
        (e.FormError, 3),
        (e.SigningError, 4),
        (e.StoreError, 6),
        (e.QujatError, 2),
    ]


def exit_code(error: Exception) -> int:
    return next(code for kind, code in exit_codes() if isinstance(error, kind))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    options = parser().parse_args(arguments)
    from qujat.errors import QujatError

    try:
        return int(_command(options.run)(options))
    except QujatError as error:
        _report(error, as_json=options.json)
        return exit_code(error)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    module, _, function = name.partition(".")
    command: Callable[[argparse.Namespace], int] = getattr(
        importlib.import_module(f"qujat.commands.{module}"), function
    )
    return command


def _report(error: Any, *, as_json: bool) -> None:
    if as_json:
        from qujat.commands import error_json

        print(json.dumps({"error": error_json(error)}, ensure_ascii=False, indent=1))
    else:
        print(f"qujat: {error.code}: {error.message}", file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    """Every command and option; nothing here knows what a command does."""
    top = argparse.ArgumentParser(
        prog="qujat",
        description="Decisions of the migration services as documents that people can hold, trust and check.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help="the configuration (TOML); or QUJAT_CONFIG")
    common.add_argument("--json", action="store_true", help="answer in JSON")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    add(commands, common, "demo", "keys.demo", "issue, check and render again one document with stand-in keys")
    _forms(commands, common)
    _documents(commands, common)
    _batch(commands, common)
    _elsewhere(commands, common)
    _word(commands, common)
    _gallery(commands, common)
    _card(commands, common)
    _evidence(commands, common)
    deployment.describe(commands, common)
    return top


def _forms(commands: Any, common: argparse.ArgumentParser) -> None:
    forms = commands.add_parser("forms", help="forms, editions and wordings").add_subparsers(
        metavar="WHAT", required=True
    )
    listed = add(
        forms, common, "list", "forms.forms_list", "every form, annex id, editions, dates, state of each wording"
    )
    listed.add_argument("--on", type=day, metavar="DAY", help="only what is in force on that day")
    shown = add(forms, common, "show", "forms.forms_show", "one form in full")
    about_form(shown)
    shown.add_argument("--on", type=day, metavar="DAY", help="the wordings in force on that day")
    resolved = add(forms, common, "resolve", "forms.forms_resolve", "the one edition in force on a day in a language")
    about_form(resolved)
    on_day(resolved)
    in_language(resolved)
    schema = add(forms, common, "schema", "forms.forms_schema", "JSON Schema of the fields of a decision")
    about_form(schema)
    on_day(schema)
    lint = add(forms, common, "lint", "word.lint", "which fields a Word template of one's own lacks or does not know")
    lint.add_argument("file", type=Path, metavar="FILE.docx")
    lint.add_argument("--form", required=True, metavar="FORM", help="a key or an annex id such as o20-a05")
    lint.add_argument("--edition", metavar="ID", help="an edition of the form; without it, the last one held")
    blank = add(commands, common, "blank", "forms.blank", "an empty form for filling by hand")
    about_form(blank)
    on_day(blank)
    in_language(blank)
    blank.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.pdf")


def _documents(commands: Any, common: argparse.ArgumentParser) -> None:
    issue = add(commands, common, "issue", "documents.issue", "turn decisions into signed, registered documents")
    issue.add_argument("decisions", nargs="+", type=Path, metavar="DECISION.json", help="JSON, or JSON Lines (.jsonl)")
    issue.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    check = add(commands, common, "check", "documents.check", "is a document genuine, in effect, of the right edition?")
    check.add_argument(
        "what",
        metavar="FILE|NUMBER|MARK",
        help="a PDF, an XML, a CMS, a number, a code, the text of a mark; files of strangers are told from ours",
    )
    check.add_argument("--data", type=Path, metavar="FILE", help="the file that a detached CMS signed")
    check.add_argument("--at", type=moment, metavar="MOMENT", help="as of a day, or of 2031-01-01T12:00:00+05:00")
    rerender = add(commands, common, "rerender", "documents.rerender", "render a document again and compare")
    rerender.add_argument("number", metavar="NUMBER")
    rerender.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    rerender.add_argument("--mark-copy", action="store_true", help="print «көшірме / копия» on it")
    annul = add(commands, common, "annul", "documents.annul", "enter that a document is no longer in effect")
    annul.add_argument("number", metavar="NUMBER")
    annul.add_argument("--reason", required=True, metavar="TEXT")
    annul.add_argument("--superseded-by", default="", metavar="NUMBER", help="the document that took its place")
    of_authority(check, rerender, annul)


def _batch(commands: Any, common: argparse.ArgumentParser) -> None:
    batch = add(commands, common, "batch", "batch.batch", "issue many decisions; stopped, it goes on where it was")
    batch.add_argument("decisions", type=Path, metavar="FILE.jsonl", help="one decision a line")
    batch.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where results.jsonl is kept")
    batch.add_argument("--processes", type=count, default=os.cpu_count() or 1, metavar="N", help="default: a core each")
    batch.add_argument("--files", action="store_true", help="also write the files of every document, into DIR/files")


def _elsewhere(commands: Any, common: argparse.ArgumentParser) -> None:
    prepare = add(
        commands, common, "prepare", "elsewhere.prepare", "write what is to be signed elsewhere, and a ticket for it"
    )
    prepare.add_argument("decision", type=Path, metavar="DECISION.json")
    prepare.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    complete = add(
        commands,
        common,
        "complete",
        "elsewhere.complete",
        "put signatures made elsewhere into their document, issue it",
    )
    complete.add_argument("ticket", metavar="TICKET|ticket.json")
    complete.add_argument(
        "--signature",
        type=named_file,
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a CMS in DER, PEM or Base64, such as page.kk=signed.p7s; once for each file of the ticket",
    )
    complete.add_argument("--signatures", type=Path, metavar="DIR", help="a folder with page.kk.p7s, data.p7s, …")
    complete.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")


def _word(commands: Any, common: argparse.ArgumentParser) -> None:
    word = add(commands, common, "word", "word.word", "an editable copy as a Word file: never the signed thing")
    word.add_argument("what", metavar="FORM|NUMBER|DECISION.json", help="a form with --on, a document, a decision")
    word.add_argument("--on", type=day, metavar="DAY", help="an empty form, as in force on that day")
    word.add_argument("--language", choices=("kk", "ru"))
    of_authority(word)
    word.add_argument("--template", action="store_true", help="with --on: the docxtpl template itself, with its tags")
    word.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FILE.docx",
        help="or FILE.pdf, where LibreOffice is installed",
    )


def _gallery(commands: Any, common: argparse.ArgumentParser) -> None:
    gallery = add(
        commands, common, "gallery", "gallery.gallery", "every form, edition and language to look at, blank and filled"
    )
    gallery.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="a new or an empty folder")
    gallery.add_argument("--form", action="append", metavar="FORM", help="only this form; may be given again")
    gallery.add_argument("--language", choices=("kk", "ru"), help="only this language")
    gallery.add_argument("--no-pictures", action="store_true", help="PDFs and HTML only")


def _card(commands: Any, common: argparse.ArgumentParser) -> None:
    card = group(commands, "card", "archive cards («Карточка электронного документа»)")
    built = add(card, common, "build", "card.build", "the card of a document: its XML, its signatures, pages of facts")
    built.add_argument("number", metavar="NUMBER")
    built.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    of_authority(built)
    checked = add(card, common, "check", "card.check", "are all signatures of a card right? Whoever made it")
    checked.add_argument("file", type=Path, metavar="FILE.pdf")
    checked.add_argument("--at", type=moment, metavar="MOMENT", help="as of a day, or of 2031-01-01T12:00:00+05:00")


def _evidence(commands: Any, common: argparse.ArgumentParser) -> None:
    evidence = commands.add_parser("evidence", help="how long documents prove themselves").add_subparsers(
        metavar="WHAT", required=True
    )
    listed = add(
        evidence, common, "status", "evidence.status", "documents whose evidence lapses soon, or has, and what runs out"
    )
    renewed = add(
        evidence, common, "renew", "evidence.renew", "stamp documents again; the old files stay beside the new ones"
    )
    listed.add_argument("--anew", action="store_true", help="read every file, also those found to last before")
    renewed.add_argument("numbers", nargs="*", metavar="NUMBER")
    of_authority(renewed)
    renewed.add_argument("--due", action="store_true", help="all that `status` lists")
    for command in (listed, renewed):
        command.add_argument("--months", type=int, default=12, metavar="N", help="how far ahead to look (default: 12)")


if __name__ == "__main__":
    sys.exit(main())
