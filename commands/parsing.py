"""What the descriptions of commands share: how one is added, arguments that several have, values as they are typed."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

MOST_PROCESSES = 256


def add(commands: Any, common: argparse.ArgumentParser, name: str, run: str, words: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words, parents=[common])
    added.set_defaults(run=run)
    return added


def group(commands: Any, name: str, words: str) -> Any:
    return commands.add_parser(name, help=words, description=words).add_subparsers(metavar="WHAT", required=True)


def of_authority(*commands: argparse.ArgumentParser) -> None:
    for command in commands:
        command.add_argument("--authority", metavar="BIN", help="whose number it is, where several have given it")


def about_form(command: argparse.ArgumentParser) -> None:
    command.add_argument("form", metavar="FORM", help="a key or an annex id such as o20-a05")


def on_day(command: argparse.ArgumentParser) -> None:
    command.add_argument("--on", type=day, required=True, metavar="DAY", help="the day of the decision, YYYY-MM-DD")


def in_language(command: argparse.ArgumentParser) -> None:
    command.add_argument("--language", choices=("kk", "ru"), required=True)


def named_file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"expected NAME=FILE such as page.kk=signed.p7s, not {text!r}")
    return name, Path(path)


def count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_PROCESSES):
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MOST_PROCESSES}, not {text!r}")
    return int(text)


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, not {text!r}") from None


def moment(text: str) -> datetime:
    """A moment with its offset, or the end of a day in Kazakhstan."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or (found.tzinfo is None and len(text) > len("2031-01-01")):
        raise argparse.ArgumentTypeError(f"expected a day, or a moment with its offset, not {text!r}")
    if found.tzinfo is None:
        found = found.replace(hour=23, minute=59, second=59, tzinfo=timezone(timedelta(hours=5)))
    return found.astimezone(UTC)
