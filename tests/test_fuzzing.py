"""Our own files with something changed, through every parser that faces strangers. The same changes at every run."""

from __future__ import annotations

import fuzzing
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from qujat import document
from qujat.errors import DocumentAltered

EXAMPLES = {"foreign-pdf-file": 60, "foreign-xml-file": 80, "foreign-cms-file": 150, "qr-page": 40, "xml-sealed": 60}


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A seed with one to four changes: a bit, a byte, a piece lost, doubled, moved, of another seed, a word."""
    whole = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(whole) - 1, 0)))
        size = draw(st.integers(1, 40))
        kind = draw(st.sampled_from(["bit", "byte", "cut", "lose", "double", "move", "splice", "word", "end"]))
        whole = _change(draw, kind, whole, at, size, seeds)
    return whole


def _change(draw: st.DrawFn, kind: str, whole: bytes, at: int, size: int, seeds: list[bytes]) -> bytes:
    head, piece, tail = whole[:at], whole[at : at + size], whole[at + size :]
    if kind == "bit":
        return head + bytes([(whole[at] if whole else 0) ^ 1 << draw(st.integers(0, 7))]) + whole[at + 1 :]
    if kind == "byte":
        return head + draw(st.binary(min_size=1, max_size=1)) + whole[at + 1 :]
    if kind == "splice":
        other = draw(st.sampled_from(seeds))
        return head + other[draw(st.integers(0, len(other))) :]
    if kind == "word":
        return head + draw(st.sampled_from(fuzzing.WORDS)) + draw(st.sampled_from([piece, b""])) + tail
    if kind == "move":
        there = draw(st.integers(0, len(tail)))
        return head + tail[:there] + piece + tail[there:]
    return {"cut": head, "lose": head + tail, "double": head + piece + piece + tail, "end": whole + piece}[kind]


@pytest.mark.parametrize("name", fuzzing.TARGETS)
def test_a_target_accepts_its_seeds_unchanged(name: str) -> None:
    """A target that refused everything would prove nothing."""
    for seed in fuzzing.TARGETS[name].seeds():
        fuzzing.TARGETS[name].run(seed)


@pytest.mark.parametrize("name", fuzzing.TARGETS)
def test_whatever_comes_is_refused_in_good_order_or_means_the_same(name: str) -> None:
    fuzzed = fuzzing.TARGETS[name]

    @settings(
        max_examples=EXAMPLES.get(name, 200),
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(changed(fuzzed.seeds()))
    def run(data: bytes) -> None:
        fuzzed.run(data)

    run()


@pytest.mark.parametrize("name", fuzzing.TARGETS)
def test_junk_is_refused_in_good_order(name: str) -> None:
    @settings(max_examples=40, derandomize=True, deadline=None, database=None, phases=(Phase.generate,))
    @given(st.binary(max_size=200))
    def run(data: bytes) -> None:
        fuzzing.TARGETS[name].run(data)

    run()


# ---- what fuzzing found


def test_data_with_a_token_that_is_none_are_altered_data() -> None:
    spoilt = fuzzing.own_data().replace(b'token="aaaaaaaaaaaaaaaaaaaa"', b'token="aaaaaaaaaaaaaaaaaaa"')
    assert spoilt != fuzzing.own_data()
    with pytest.raises(DocumentAltered):
        document.from_xml(spoilt)
