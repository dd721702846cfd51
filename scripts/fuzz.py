"""Fuzz one target of tests/fuzzing.py with atheris, guided by coverage: python scripts/fuzz.py TARGET SECONDS

Says how many inputs were run and how much code they reached. An input that breaks the target is kept in
var/fuzz/TARGET/crash-…, and the exit code is 1. `--list` prints the targets. Run it through `scripts/fuzz`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_REACHED = re.compile(r"cov: (\d+)")
_LARGEST = 65536


def main(arguments: list[str]) -> int:
    if arguments == ["--list"]:
        from fuzzing import TARGETS

        print("\n".join(TARGETS))
        return 0
    if arguments[:1] == ["--inside"]:
        inside(arguments[1], arguments[2:])
        return 0
    return outside(arguments[0], int(arguments[1]))


def outside(name: str, seconds: int) -> int:
    """Run a target in a process of its own, since libFuzzer ends the one that it is in; say what came of it."""
    folder = ROOT / "var" / "fuzz" / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={_LARGEST}", "-timeout=20", "-rss_limit_mb=2048"]
    command = [sys.executable, __file__, "--inside", name, *options, "-print_final_stats=1"]
    command += [f"-artifact_prefix={folder}/", str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    runs, reached = _RUNS.search(done.stderr), _REACHED.findall(done.stderr)
    outcome = "nothing found" if done.returncode == 0 else "FOUND SOMETHING"
    print(f"{name:<20}{runs[1] if runs else '?':>9} runs, {reached[-1] if reached else '?':>5} places  {outcome}")
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-1000:])
    return done.returncode


def inside(name: str, options: list[str]) -> None:
    """The target itself, with our modules instrumented."""
    import atheris

    with atheris.instrument_imports(include=["qujat", "pyhanko", "signxml", "asn1crypto", "cbor2"]):
        from fuzzing import TARGETS, WORDS

    target = TARGETS[name]
    for number, seed in enumerate(target.seeds()):
        target.run(seed)
        (Path(options[-1]) / f"seed-{number}").write_bytes(seed)
    words = Path(options[-1]).parent / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS), encoding="ascii")
    options = [f"-dict={words}", *options]
    atheris.Setup([sys.argv[0], *options], target.run)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
