"""qujat batch"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qujat import settings as configuration
from qujat.__main__ import INTERRUPTED
from qujat.commands import print_json
from qujat.errors import ConfigurationError

if TYPE_CHECKING:
    from qujat.pool import Opening
    from qujat.results import Progress, Results, Source
    from qujat.settings import Settings


def batch(options: Namespace) -> int:
    """qujat batch FILE.jsonl -o DIR: exit code 0 if all were issued, 2 if some were refused, 130 if interrupted"""
    from qujat.results import taken_up

    how = opening(configuration.read(options.config), options.output / "files" if options.files else None)
    with taken_up(options.output, _source(options.decisions)) as results:
        try:
            with _interruptible():
                _go_on(options.decisions, results, how, options.processes)
        except KeyboardInterrupt:
            _say(options, results, "interrupted")
            return INTERRUPTED
        _say(options, results, "finished")
        return 2 if results.progress.refused else 0


def opening(settings: Settings, files: Path | None = None) -> Opening:
    """Ask for what only a terminal can give, and find out here, once, whether the office opens."""
    from qujat.office import open_office, passphrase, passphrase_given
    from qujat.pool import Opening

    secret = "" if passphrase_given(settings) is not None else passphrase(settings).decode()
    if secret:
        os.environ["QUJAT_PASSPHRASE"] = secret
    open_office(settings, signing=True)
    return Opening(settings, secret, files)


def _source(path: Path) -> Source:
    from qujat.results import source

    try:
        return source(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: expected decisions as JSON Lines: {error.strerror}") from error


def _go_on(path: Path, results: Results, how: Opening, processes: int) -> None:
    from tqdm import tqdm

    from qujat.batch import lines
    from qujat.pool import rows

    progress, shown = results.progress, sys.stderr.isatty()
    with (
        path.open("rb") as file,
        tqdm(total=progress.decisions, initial=progress.done, unit="", disable=not shown) as bar,
        closing(rows(lines(file, after=progress.done), how, processes)) as done,
    ):
        for row in done:
            results.add(row)
            bar.set_postfix(refused=progress.refused, refresh=False)
            bar.update()


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM is as Ctrl-C: what is being worked on ends, and its place is kept."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(options: Namespace, results: Results, state: str) -> None:
    progress: Progress = results.progress
    if options.json:
        print_json(
            {
                "state": state,
                "decisions": progress.decisions,
                "issued": progress.issued,
                "refused": progress.refused,
                "results": str(results.path),
            }
        )
        return
    print(f"{progress.done} of {progress.decisions} decisions: {progress.issued} issued, {progress.refused} refused")
    print(f"  {results.path}")
    if state == "interrupted":
        print("  interrupted; run the same command again to go on")
