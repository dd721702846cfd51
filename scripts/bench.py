"""Bare WeasyPrint on the very same HTML against the whole path (steps 1-8), and check; medians and ratios.

    sh scripts/bench [ROUNDS]

All jobs run in turn in every round (A B C D A B C D …), so a drift of the machine hits all alike. The naive job gets
the HTML of the page that the whole path draws, with the style sheet inlined by <link> and the QR as data: URI, and
calls HTML(string=…).write_pdf() and nothing else: no PDF/A, no attachment, no signature. Timestamps, OCSP answers and
lists come over HTTP from the stand-in on this machine.
"""

from __future__ import annotations

import base64
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from qujat import decision, issuing, pages, rendering, settings
from qujat.decision import Decision
from qujat.office import Office, now, open_office
from qujat.pipeline import check, issue
from qujat.signing.fetching import HttpSource
from qujat.signing.keys import Person, create_stand_in, services
from qujat.signing.services import Service, serve
from qujat.signing.timestamp import HttpAuthority

FIXTURE = Path(__file__).parent.parent / "fixtures" / "decisions" / "o20-a05.json"
LANGUAGE = "kk"


def bench_office(home: Path, address: str) -> Office:
    os.environ["QUJAT_PASSPHRASE"] = "bench"
    chosen = settings.Settings(home=home)
    sent = a_decision()
    person = Person(sent.official.iin, sent.official.full_name, sent.authority.bin, "bench")
    create_stand_in(chosen.key_folder, b"bench", person, now=now(), services=address)
    return open_office(chosen, signing=True)


def a_decision() -> Decision:
    return decision.parse(FIXTURE.read_text(encoding="utf-8")).model_copy(update={"languages": [LANGUAGE]})


def naive_html(office: Office) -> str:
    """The HTML of the page that the whole path draws, as somebody without us would feed it to WeasyPrint."""
    issued = issue(a_decision(), office).document
    mark = issuing.mark(issued, office)
    html = rendering.html(pages.page(office.forms, issued.data, LANGUAGE, mark.drawn))
    png = base64.b64encode(mark.drawn.png).decode()
    css = (rendering.TEMPLATES / "paper" / "v1" / "paper.css").as_uri()
    return html.replace("mark:png", f"data:image/png;base64,{png}").replace(
        "<head>", f'<head><link rel="stylesheet" href="{css}"/>'
    )


def measure(jobs: dict[str, Callable[[int], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each job; the first two rounds warm up and do not count."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 2):
        for name, job in jobs.items():
            start = time.perf_counter()
            job(turn)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken[2:]) for name, taken in times.items()}


def main() -> None:
    from weasyprint import HTML

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    running: dict[str, Service] = {}
    with ExitStack() as until_done:
        folder = Path(until_done.enter_context(tempfile.TemporaryDirectory()))
        url = until_done.enter_context(serve(running))
        office = bench_office(folder, url)
        running.update(services(folder / "keys", office.key_ring()))
        plain = replace(office, timestamper=None, revocation=None)
        stamped = replace(plain, timestamper=HttpAuthority(f"{url}tsa"))
        lasting = replace(stamped, revocation=HttpSource())
        html, sent = naive_html(plain), a_decision()
        signed = issue(sent.model_copy(update={"id": "b-b"}), plain).pdf(LANGUAGE)
        proven = issue(sent.model_copy(update={"id": "b-lta"}), lasting).pdf(LANGUAGE)
        medians = measure(
            {
                "naive": lambda turn: HTML(string=html).write_pdf(),
                "whole path, B-B": lambda turn: issue(sent.model_copy(update={"id": f"b{turn}"}), plain),
                "whole path, B-T": lambda turn: issue(sent.model_copy(update={"id": f"t{turn}"}), stamped),
                "whole path, B-LTA": lambda turn: issue(sent.model_copy(update={"id": f"l{turn}"}), lasting),
                "check, B-B": lambda turn: check(signed, plain),
                "check, B-LTA": lambda turn: check(proven, plain),
            },
            rounds,
        )
    report(medians, rounds)


def report(medians: dict[str, float], rounds: int) -> None:
    naive, whole = medians["naive"], medians["whole path, B-B"]
    print(f"{rounds} rounds, medians of one document in one language")
    for name, median in medians.items():
        print(f"  {name:<18}{median * 1000:8.1f} ms   {median / naive:5.2f} of naive")
    print(f"ratio B-T/naive {medians['whole path, B-T'] / naive:.2f}")
    print(f"ratio B-LTA/naive {medians['whole path, B-LTA'] / naive:.2f}")
    print(f"ratio B-LTA/B-T {medians['whole path, B-LTA'] / medians['whole path, B-T']:.2f}")
    print(f"ratio check/issue {medians['check, B-B'] / whole:.2f}")
    print(f"ratio whole-path/naive {whole / naive:.2f}")


if __name__ == "__main__":
    main()
