"""Load, measured on one machine with stand-in keys: throughput, latencies, memory.

sh scripts/load batch [DECISIONS]     the same decisions with one process, then with two; memory over the time
sh scripts/load server [SECONDS]      issue, check, /d/ with 1 to 64 callers at once, then /d/ while others issue
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

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
    """Watch a process until the block ends; its memory at every tenth look: to count 600 MB takes 30 ms."""
    seen = Watch()
    stop = threading.Event()

    def sample() -> None:
        for look in count():
            if stop.wait(every):
                return
            used(pid, seen.processor)
            if look % 10 == 0:
                seen.memory.append(memory(pid))

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


Ask = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


@dataclass
class Met:
    """What one round of asking met: milliseconds of each answer that was one, how many were put off or strange.

    `seconds`: how long it lasted.
    """

    milliseconds: list[float] = field(default_factory=list)
    put_off: int = 0
    strange: int = 0
    seconds: float = 0.0

    def count(self, answer: httpx.Response, seconds: float) -> None:
        if answer.status_code in (429, 503) and "Retry-After" in answer.headers:
            self.put_off += 1
        elif answer.is_success:
            self.milliseconds.append(seconds * 1000)
        else:
            self.strange += 1

    def at(self, part: float) -> float:
        """A percentile, in milliseconds."""
        found = sorted(self.milliseconds)
        return found[min(len(found) - 1, int(len(found) * part))] if found else 0.0


async def ask_for(seconds: float, url: str, key: str, ask: Ask, at_once: int) -> Met:
    """So many callers, each asking again as soon as it is answered."""
    met, begun, numbers = Met(), time.monotonic(), count()
    until = begun + seconds

    async def caller() -> None:
        while time.monotonic() < until:
            started = time.monotonic()
            answer = await ask(http, next(numbers))
            met.count(answer, time.monotonic() - started)
            if answer.status_code in (429, 503):
                await asyncio.sleep(0.5)

    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=at_once)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=90, limits=limits) as http:
        await asyncio.gather(*(caller() for _ in range(at_once)))
    met.seconds = time.monotonic() - begun
    return met


def asks(document: dict[str, Any], page: bytes, run: str) -> dict[str, Ask]:
    """What is asked, by name. Every decision that is issued is a new one."""
    found = bases()
    token = document["mark"].partition("#")[0].rpartition("/")[2]

    def issue(http: httpx.AsyncClient, n: int) -> Awaitable[httpx.Response]:
        return http.post("/v1/documents", json=found[n % len(found)] | {"id": f"{run}-{time.monotonic_ns()}"})

    def check(http: httpx.AsyncClient, n: int) -> Awaitable[httpx.Response]:
        return http.post("/v1/check", files={"file": ("page.pdf", page, "application/pdf")})

    def look(http: httpx.AsyncClient, n: int) -> Awaitable[httpx.Response]:
        return http.get(f"/d/{token}")

    return {"issue": issue, "check": check, "/d/": look}


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, str, int]]:
    """A server with stand-in keys: its address, a key, its process."""
    port = free_port()
    environment = {**make_home(folder), "QUJAT_SERVER__REQUESTS_PER_MINUTE": "1000000"}
    command = [QUJAT, "serve", "--demo", "--port", str(port)]
    with (folder / "said").open("w+") as said, (folder / "log").open("w") as log:
        running = subprocess.Popen(command, env=environment, stdout=said, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(url)
            key = next(line.split()[1] for line in (folder / "said").read_text().splitlines() if line.startswith("key"))
            yield url, key, running.pid
        finally:
            running.terminate()
            running.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_until_ready(url: str) -> None:
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        time.sleep(0.2)
    raise SystemExit("the server does not get ready")


def server(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="qujat-load-") as name, serving(Path(name)) as (url, key, pid):
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=90) as http:
            document = http.post("/v1/documents", json=bases()[0] | {"id": "first"}).raise_for_status().json()
            address = f"/v1/documents/{document['number']}"
            page = http.get(address, headers={"Accept": "application/pdf"}).raise_for_status().content
        print("what      at once  a second      p50      p95      p99 ms  put off  strange   MB")
        for what, ask in asks(document, page, str(pid)).items():
            for at_once in (1, 2, 8, 64):
                tell(what, at_once, asyncio.run(ask_for(options.seconds, url, key, ask, at_once)), pid)
        for at_once in (1, 8):
            both = look_beside(options.seconds, url, key, asks(document, page, f"{pid}-{at_once}"), at_once)
            beside, met = asyncio.run(both)
            tell("/d/ ...", 1, met, pid)
            tell("..issue", at_once, beside, pid)


async def look_beside(seconds: float, url: str, key: str, ask: dict[str, Ask], at_once: int) -> tuple[Met, Met]:
    """So many who issue, and at the same time one who looks at a page."""
    issuing = ask_for(seconds, url, key, ask["issue"], at_once)
    return await asyncio.gather(issuing, ask_for(seconds, url, key, ask["/d/"], 1))


def tell(what: str, at_once: int, met: Met, pid: int) -> None:
    times = " ".join(f"{met.at(part):8.0f}" for part in (0.5, 0.95, 0.99))
    rate, held = len(met.milliseconds) / met.seconds, memory(pid)
    print(f"{what:<8} {at_once:8} {rate:9.1f} {times}    {met.put_off:8} {met.strange:8} {held:5.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    batches = commands.add_parser("batch")
    batches.add_argument("decisions", type=int, nargs="?", default=200)
    batches.set_defaults(run=batch)
    service = commands.add_parser("server")
    service.add_argument("seconds", type=float, nargs="?", default=10.0)
    service.set_defaults(run=server)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
