"""Load, measured on one machine with stand-in keys: throughput, latencies, memory.

sh scripts/load batch [DECISIONS]     the same decisions with one process, then with two; memory over the time
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DECISIONS = ROOT / "fixtures" / "decisions"
QUJAT = Path(sys.executable).parent / "qujat"
FORMS = ("o20-a05", "o20-a07", "o234-a05")  # forms of different length, all signed by the head alone


def bases() -> list[dict[str, Any]]:
    paths = [DECISIONS / f"{annex}.json" for annex in FORMS]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def decisions(count: int) -> Iterator[dict[str, Any]]:
    """So many decisions of invented people, each with an id of its own."""
    found = bases()
    for n in range(count):
        yield found[n % len(found)] | {"id": f"load-{n}"}


def make_home(folder: Path) -> dict[str, str]:
    """An office with stand-in keys; gives the environment of commands that work in it."""
    environment = {**os.environ, "QUJAT_HOME": str(folder / "var")}
    environment.pop("QUJAT_CONFIG", None)
    subprocess.run([QUJAT, "keys", "init", "--json"], env=environment, check=True, stdout=subprocess.DEVNULL)
    return environment


def tree(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(p for child in children for p in tree(int(child)))]


def memory(pid: int) -> float:
    """What a process and its children hold, in MB; shared pages counted once (PSS)."""
    total = 0
    for each in tree(pid):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def used(pid: int, by: dict[int, float]) -> None:
    """Note the processor time that a process and its children have used so far, in seconds, by process."""
    for each in tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        by[each] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Watch:
    """What was seen of a process and its children: samples of memory (MB), processor time by process (seconds)."""

    memory: list[float] = field(default_factory=list)
    processor: dict[int, float] = field(default_factory=dict)


@contextmanager
def watched(pid: int, every: float = 0.5) -> Iterator[Watch]:
    """Watch a process until the block ends."""
    seen = Watch()
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(every):
            seen.memory.append(memory(pid))
            used(pid, seen.processor)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def quarters(samples: list[float]) -> str:
    """The median of each quarter of the samples: a leak rises from one to the next."""
    size = max(1, len(samples) // 4)
    parts = [samples[i : i + size] for i in range(0, size * 4, size)]
    return " ".join(f"{statistics.median(part):7.0f}" for part in parts if part)


def run_batch(folder: Path, source: Path, processes: int) -> float:
    """Decisions a second."""
    environment = make_home(folder)
    command = [QUJAT, "batch", source, "-o", folder / "out", "--processes", str(processes), "--json"]
    started = time.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as running, watched(running.pid) as seen:
        said = json.loads(running.communicate()[0])
    seconds = time.monotonic() - started
    rate = said["issued"] / seconds
    each = sum(seen.processor.values()) / said["issued"]
    print(
        f"{processes} process{'es' if processes > 1 else '  '}  {said['issued']} issued, {said['refused']} refused"
        f" in {seconds:6.1f} s: {rate:5.2f} a second, {each:.3f} s of processor time each;\n"
        f"             MB by quarters of the time: {quarters(seen.memory)}, most {max(seen.memory, default=0):.0f}",
        flush=True,
    )
    return rate


def batch(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="qujat-load-") as name:
        source = Path(name) / "decisions.jsonl"
        with source.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(sent, ensure_ascii=False) + "\n" for sent in decisions(options.decisions))
        one, two = (run_batch(Path(name) / str(n), source, n) for n in (1, 2))
        print(f"two processes do {two / one:.2f} times as much as one")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    batches = commands.add_parser("batch")
    batches.add_argument("decisions", type=int, nargs="?", default=200)
    batches.set_defaults(run=batch)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
