"""The command line. Imports nothing heavy: each command loads what it needs (`qujat --help` answers at once)."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

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
MOST_PROCESSES = 256
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
    _add(commands, common, "demo", "keys.demo", "issue, check and render again one document with stand-in keys")
    _forms(commands, common)
    _documents(commands, common)
    _batch(commands, common)
    _worker(commands, common)
    _elsewhere(commands, common)
    _word(commands, common)
    _gallery(commands, common)
    _card(commands, common)
    _evidence(commands, common)
    _keys(commands, common)
    _serve(commands, common)
    _stores(commands, common)
    _clients(commands, common)
    _clerks(commands, common)
    return top


def _add(commands: Any, common: argparse.ArgumentParser, name: str, run: str, words: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words, parents=[common])
    added.set_defaults(run=run)
    return added


def _group(commands: Any, name: str, words: str) -> Any:
    return commands.add_parser(name, help=words, description=words).add_subparsers(metavar="WHAT", required=True)


def _forms(commands: Any, common: argparse.ArgumentParser) -> None:
    forms = commands.add_parser("forms", help="forms, editions and wordings").add_subparsers(
        metavar="WHAT", required=True
    )
    listed = _add(
        forms, common, "list", "forms.forms_list", "every form, annex id, editions, dates, state of each wording"
    )
    listed.add_argument("--on", type=_day, metavar="DAY", help="only what is in force on that day")
    shown = _add(forms, common, "show", "forms.forms_show", "one form in full")
    _form(shown)
    shown.add_argument("--on", type=_day, metavar="DAY", help="the wordings in force on that day")
    resolved = _add(forms, common, "resolve", "forms.forms_resolve", "the one edition in force on a day in a language")
    _form(resolved)
    _on(resolved)
    _language(resolved)
    schema = _add(forms, common, "schema", "forms.forms_schema", "JSON Schema of the fields of a decision")
    _form(schema)
    _on(schema)
    lint = _add(forms, common, "lint", "word.lint", "which fields a Word template of one's own lacks or does not know")
    lint.add_argument("file", type=Path, metavar="FILE.docx")
    lint.add_argument("--form", required=True, metavar="FORM", help="a key or an annex id such as o20-a05")
    lint.add_argument("--edition", metavar="ID", help="an edition of the form; without it, the last one held")
    blank = _add(commands, common, "blank", "forms.blank", "an empty form for filling by hand")
    _form(blank)
    _on(blank)
    _language(blank)
    blank.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.pdf")


def _documents(commands: Any, common: argparse.ArgumentParser) -> None:
    issue = _add(commands, common, "issue", "documents.issue", "turn decisions into signed, registered documents")
    issue.add_argument("decisions", nargs="+", type=Path, metavar="DECISION.json", help="JSON, or JSON Lines (.jsonl)")
    issue.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    check = _add(
        commands, common, "check", "documents.check", "is a document genuine, in effect, of the right edition?"
    )
    check.add_argument(
        "what",
        metavar="FILE|NUMBER|MARK",
        help="a PDF, an XML, a CMS, a number, a code, the text of a mark; files of strangers are told from ours",
    )
    check.add_argument("--data", type=Path, metavar="FILE", help="the file that a detached CMS signed")
    check.add_argument("--at", type=_moment, metavar="MOMENT", help="as of a day, or of 2031-01-01T12:00:00+05:00")
    rerender = _add(commands, common, "rerender", "documents.rerender", "render a document again and compare")
    rerender.add_argument("number", metavar="NUMBER")
    rerender.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    rerender.add_argument("--mark-copy", action="store_true", help="print «көшірме / копия» on it")
    annul = _add(commands, common, "annul", "documents.annul", "enter that a document is no longer in effect")
    annul.add_argument("number", metavar="NUMBER")
    annul.add_argument("--reason", required=True, metavar="TEXT")
    annul.add_argument("--superseded-by", default="", metavar="NUMBER", help="the document that took its place")
    _authority(check, rerender, annul)


def _batch(commands: Any, common: argparse.ArgumentParser) -> None:
    batch = _add(commands, common, "batch", "batch.batch", "issue many decisions; stopped, it goes on where it was")
    batch.add_argument("decisions", type=Path, metavar="FILE.jsonl", help="one decision a line")
    batch.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where results.jsonl is kept")
    batch.add_argument(
        "--processes", type=_count, default=os.cpu_count() or 1, metavar="N", help="default: a core each"
    )
    batch.add_argument("--files", action="store_true", help="also write the files of every document, into DIR/files")


def _worker(commands: Any, common: argparse.ArgumentParser) -> None:
    worker = _add(
        commands, common, "worker", "worker.worker", "do batches, tell webhooks, renew evidence, until stopped"
    )
    worker.add_argument(
        "--processes", type=_count, default=os.cpu_count() or 1, metavar="N", help="default: a core each"
    )
    worker.add_argument("--while", dest="parent", type=int, metavar="PID", help="end when this parent has ended")
    hooks = _group(commands, "webhooks", "who is told when a document is issued, annulled, superseded, renewed")
    added = _add(hooks, common, "add", "worker.webhooks_add", "tell an address; its secret is shown this once")
    added.add_argument("url", metavar="URL")
    added.add_argument("--authority", required=True, metavar="BIN", help="whose documents")
    added.add_argument(
        "--events", nargs="+", choices=("issued", "annulled", "superseded", "renewed"), help="default: all of them"
    )
    _add(hooks, common, "list", "worker.webhooks_list", "webhooks, how many events they were told, what was given up")
    removed = _add(hooks, common, "remove", "worker.webhooks_remove", "tell it nothing more")
    removed.add_argument("id", metavar="ID")
    _add(hooks, common, "retry", "worker.webhooks_retry", "try again what was given up")


def _elsewhere(commands: Any, common: argparse.ArgumentParser) -> None:
    prepare = _add(
        commands, common, "prepare", "elsewhere.prepare", "write what is to be signed elsewhere, and a ticket for it"
    )
    prepare.add_argument("decision", type=Path, metavar="DECISION.json")
    prepare.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    complete = _add(
        commands,
        common,
        "complete",
        "elsewhere.complete",
        "put signatures made elsewhere into their document, issue it",
    )
    complete.add_argument("ticket", metavar="TICKET|ticket.json")
    complete.add_argument(
        "--signature",
        type=_named_file,
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a CMS in DER, PEM or Base64, such as page.kk=signed.p7s; once for each file of the ticket",
    )
    complete.add_argument("--signatures", type=Path, metavar="DIR", help="a folder with page.kk.p7s, data.p7s, …")
    complete.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")


def _word(commands: Any, common: argparse.ArgumentParser) -> None:
    word = _add(commands, common, "word", "word.word", "an editable copy as a Word file: never the signed thing")
    word.add_argument("what", metavar="FORM|NUMBER|DECISION.json", help="a form with --on, a document, a decision")
    word.add_argument("--on", type=_day, metavar="DAY", help="an empty form, as in force on that day")
    word.add_argument("--language", choices=("kk", "ru"))
    _authority(word)
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
    gallery = _add(
        commands, common, "gallery", "gallery.gallery", "every form, edition and language to look at, blank and filled"
    )
    gallery.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="a new or an empty folder")
    gallery.add_argument("--form", action="append", metavar="FORM", help="only this form; may be given again")
    gallery.add_argument("--language", choices=("kk", "ru"), help="only this language")
    gallery.add_argument("--no-pictures", action="store_true", help="PDFs and HTML only")


def _card(commands: Any, common: argparse.ArgumentParser) -> None:
    card = _group(commands, "card", "archive cards («Карточка электронного документа»)")
    built = _add(card, common, "build", "card.build", "the card of a document: its XML, its signatures, pages of facts")
    built.add_argument("number", metavar="NUMBER")
    built.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    _authority(built)
    checked = _add(card, common, "check", "card.check", "are all signatures of a card right? Whoever made it")
    checked.add_argument("file", type=Path, metavar="FILE.pdf")
    checked.add_argument("--at", type=_moment, metavar="MOMENT", help="as of a day, or of 2031-01-01T12:00:00+05:00")


def _evidence(commands: Any, common: argparse.ArgumentParser) -> None:
    evidence = commands.add_parser("evidence", help="how long documents prove themselves").add_subparsers(
        metavar="WHAT", required=True
    )
    listed = _add(
        evidence, common, "status", "evidence.status", "documents whose evidence lapses soon, or has, and what runs out"
    )
    renewed = _add(
        evidence, common, "renew", "evidence.renew", "stamp documents again; the old files stay beside the new ones"
    )
    renewed.add_argument("numbers", nargs="*", metavar="NUMBER")
    _authority(renewed)
    renewed.add_argument("--due", action="store_true", help="all that `status` lists")
    for command in (listed, renewed):
        command.add_argument("--months", type=int, default=12, metavar="N", help="how far ahead to look (default: 12)")


def _keys(commands: Any, common: argparse.ArgumentParser) -> None:
    keys = commands.add_parser("keys", help="the stand-in keys of this installation").add_subparsers(
        metavar="WHAT", required=True
    )
    init = _add(keys, common, "init", "keys.keys_init", "make stand-in keys: a demonstration, not an EDS")
    _head(init)
    rotate = _add(keys, common, "rotate", "keys.keys_rotate", "a new key for an old one; what that signed stays valid")
    rotate.add_argument("what", choices=("mark", "register", "head", "tsa", "passphrase"))
    rotate.add_argument("--compromised", action="store_true", help="the old key (mark, register) has leaked")
    _head(rotate)
    _add(keys, common, "show", "keys.keys_show", "who signs here, until when, and on whose trust")
    _add(
        keys, common, "publish", "keys.keys_publish", "new lists of revoked certificates of the stand-in's authorities"
    )
    serve = _add(keys, common, "serve", "keys.keys_serve", "serve timestamps, OCSP and lists on this machine")
    serve.add_argument("--port", type=int, default=8318, help="default: 8318, the one that the certificates name")


def _serve(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = _add(commands, common, "serve", "serve.serve", "the server: the API of decision systems and the web pages")
    serve.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, for a proxy in front of it")
    serve.add_argument("--port", type=int, default=8000, help="default: 8000")
    serve.add_argument("--workers", type=int, metavar="N", help="worker processes; default: [server] workers")
    serve.add_argument("--demo", action="store_true", help="issue a demo document first, and make a client")


def _clients(commands: Any, common: argparse.ArgumentParser) -> None:
    clients = _group(commands, "clients", "who may use the API")
    added = _add(clients, common, "add", "clients.add", "a new client; its key is shown once")
    added.add_argument("name", metavar="NAME", help="of the decision system: letters, digits, . _ -")
    added.add_argument("--authority", action="append", required=True, metavar="BIN", help="for which it acts; again")
    added.add_argument("--forms", default="*", metavar="ANNEX,…", help="annex ids such as o20-a05; default: all")
    added.add_argument("--scope", default="issue,read,check", metavar="SCOPE,…", help="of issue,read,check,annul")
    _add(clients, common, "list", "clients.listed", "every client, and what it may do")
    revoked = _add(clients, common, "revoke", "clients.revoke", "its key opens nothing any more")
    revoked.add_argument("name", metavar="NAME")
    trail = _add(clients, common, "trail", "clients.trail", "who did what, and how it ended")
    trail.add_argument("name", nargs="?", default="", metavar="NAME")
    trail.add_argument("--last", type=int, default=100, metavar="N", help="default: 100")


def _clerks(commands: Any, common: argparse.ArgumentParser) -> None:
    clerks = _group(commands, "clerks", "who may come into the office of the clerks, /office")
    added = _add(clerks, common, "add", "clerks.add", "a new clerk; his password is asked for")
    added.add_argument("name", metavar="NAME", help="letters, digits, . _ -")
    added.add_argument("--authority", required=True, metavar="BIN", help="for which he acts")
    added.add_argument("--forms", default="*", metavar="ANNEX,…", help="annex ids such as o20-a05; default: all")
    added.add_argument("--password-file", type=Path, metavar="FILE", help="or the environment: QUJAT_CLERK_PASSWORD")
    _add(clerks, common, "list", "clerks.listed", "every clerk, and what is his")
    removed = _add(clerks, common, "remove", "clerks.remove", "he is out, and cannot come in any more")
    removed.add_argument("name", metavar="NAME")
    trail = _add(clerks, common, "trail", "clerks.trail", "who did what, and how it ended")
    trail.add_argument("--last", type=int, default=100, metavar="N", help="default: 100")


def _stores(commands: Any, common: argparse.ArgumentParser) -> None:
    register = _group(commands, "register", "the register and its documents: schema, backup, check, seal")
    _add(register, common, "upgrade", "register.upgrade", "bring the register to the schema of this version")
    copied = _add(register, common, "backup", "register.backup", "copy a register in SQLite, then the documents")
    copied.add_argument("folder", type=Path, metavar="DIR", help="a new folder, or that of the backup before")
    _add(register, common, "check", "register.check", "is every file of every document there, as it was stored?")
    _add(register, common, "seal", "register.seal", "sign what the register holds now; run it every day")
    _add(register, common, "audit", "register.audit", "does it still hold what was sealed? Was anything changed?")
    config = _group(commands, "config", "the configuration of this deployment")
    _add(config, common, "check", "config.check", "try each part of the deployment, and say what to do about it")


def _head(command: argparse.ArgumentParser) -> None:
    for name, words in (
        ("--iin", "IIN of the head"),
        ("--name", "full name of the head"),
        ("--bin", "BIN of the authority"),
        ("--organisation", "name of the authority"),
    ):
        command.add_argument(name, help=words)


def _authority(*commands: argparse.ArgumentParser) -> None:
    for command in commands:
        command.add_argument("--authority", metavar="BIN", help="whose number it is, where several have given it")


def _form(command: argparse.ArgumentParser) -> None:
    command.add_argument("form", metavar="FORM", help="a key or an annex id such as o20-a05")


def _on(command: argparse.ArgumentParser) -> None:
    command.add_argument("--on", type=_day, required=True, metavar="DAY", help="the day of the decision, YYYY-MM-DD")


def _language(command: argparse.ArgumentParser) -> None:
    command.add_argument("--language", choices=("kk", "ru"), required=True)


def _named_file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"expected NAME=FILE such as page.kk=signed.p7s, not {text!r}")
    return name, Path(path)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_PROCESSES):
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MOST_PROCESSES}, not {text!r}")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, not {text!r}") from None


def _moment(text: str) -> datetime:
    """A moment with its offset, or the end of a day in Kazakhstan."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or (moment.tzinfo is None and len(text) > len("2031-01-01")):
        raise argparse.ArgumentTypeError(f"expected a day, or a moment with its offset, not {text!r}")
    if moment.tzinfo is None:
        moment = moment.replace(hour=23, minute=59, second=59, tzinfo=timezone(timedelta(hours=5)))
    return moment.astimezone(UTC)


if __name__ == "__main__":
    sys.exit(main())
