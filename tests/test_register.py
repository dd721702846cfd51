"""What any register must do. A further implementation joins `registers.OPENERS`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import registers
from qujat.entries import Numbering, Skip
from qujat.errors import DecisionChanged, NumberTaken, UnknownDocument
from qujat.register import Claim, Document, Register, Wanted
from registers import AT, DATA, OPENERS, OURS, PAGE, THEIRS, Opener, claim, data_of, draw, issued, reserve


@pytest.fixture(params=OPENERS)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def opened(name: str, tmp_path: Path) -> Callable[[], Register]:
    """Opens the register of the test, again at each call."""
    return lambda: OPENERS[name](tmp_path)


@pytest.fixture
def register(opened: Callable[[], Register]) -> Register:
    return opened()


def test_a_renewal_takes_the_place_of_a_file_and_the_old_one_stays(opened: Callable[[], Register]) -> None:
    document = issued(opened(), claim(), PAGE, DATA)
    newer, newest = (replace(PAGE, sha256=letter * 64) for letter in "de")
    for days, file in ((1, newer), (2, newest)):
        document = opened().renew(document, [file], AT + timedelta(days=days))
    again = opened().by_number(document.number)
    assert again.files == (newest, DATA)
    assert again.former == (PAGE, newer)
    assert (again.number, again.data, again.status) == (document.number, document.data, "active")


LONG, SOON = AT + timedelta(days=1000), AT + timedelta(days=10)


def lapsing(register: Register, rules: str = "ours", until: datetime = AT + timedelta(days=365)) -> list[str]:
    return [document.number for document in register.lapsing({"page", "cms"}, rules, until)]


def test_documents_lapse_until_all_their_files_are_noted_to_last_by_the_same_rules(register: Register) -> None:
    reserve(register, claim("not issued"))
    pages = [replace(PAGE, language=language, sha256=language * 32) for language in ("kk", "ru")]
    numbers = [issued(register, claim("d-2"), *pages, DATA).number, issued(register, claim("d-3")).number]
    assert lapsing(register) == numbers
    register.note_lapses("ours", {pages[0].sha256: LONG})
    assert lapsing(register) == numbers
    register.note_lapses("ours", {pages[1].sha256: LONG, "of-no-document": LONG})
    assert lapsing(register) == numbers[1:]
    assert lapsing(register, until=LONG) == lapsing(register, "others") == numbers


def test_what_was_noted_gives_way_to_what_is_noted_later(register: Register) -> None:
    document = issued(register, claim(), PAGE, DATA)
    for rules, lapses, listed in (("ours", SOON, True), ("ours", LONG, False), ("others", LONG, True)):
        register.note_lapses(rules, {PAGE.sha256: lapses})
        assert lapsing(register) == [document.number] * listed
    register.note_lapses("ours", {})
    assert lapsing(register, "others") == []


def test_of_a_renewed_file_the_newest_one_counts(register: Register) -> None:
    document = issued(register, claim(), PAGE, DATA)
    register.note_lapses("ours", {PAGE.sha256: LONG})
    for letter in "de":
        register.note_lapses("ours", {letter * 64: SOON})
        document = register.renew(document, [replace(PAGE, sha256=letter * 64)], AT)
        assert lapsing(register) == [document.number]
        register.note_lapses("ours", {letter * 64: LONG})
        assert lapsing(register) == []


def test_files_of_other_roles_lapse_for_nobody(register: Register) -> None:
    issued(register, claim(), DATA)
    assert lapsing(register) == []


def test_several_note_the_same_at_once_and_all_of_it_is_noted(register: Register) -> None:
    hashes = [issued(register, claim(f"d-{n}")).files[0].sha256 for n in range(20)]
    start = threading.Barrier(4)

    def work(worker: int) -> None:
        start.wait()
        for first in range(20):
            some = hashes[first:] if worker % 2 else hashes[: first + 1][::-1]
            register.note_lapses("ours", dict.fromkeys(some, LONG))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert lapsing(register) == []


def test_every_version_of_a_file_was_recorded_when_it_came(register: Register) -> None:
    document = issued(register, claim(), PAGE, DATA)
    register.renew(document, [replace(PAGE, sha256="d" * 64)], AT + timedelta(days=1))
    assert register.recorded_at(PAGE.sha256) == AT
    assert register.recorded_at("d" * 64) == AT + timedelta(days=1)
    assert register.recorded_at("e" * 64) is None


def test_a_renewal_of_what_is_no_longer_current_changes_nothing(register: Register) -> None:
    document = issued(register, claim(), PAGE, DATA)
    first = register.renew(document, [replace(PAGE, sha256="d" * 64)], AT)
    assert register.renew(document, [replace(PAGE, sha256="e" * 64)], AT) == first
    assert register.recorded_at("e" * 64) is None


def test_all_issued_documents_are_listed_once_and_reserved_ones_not(register: Register) -> None:
    first, second = issued(register, claim("d-1")), issued(register, claim("d-2"))
    reserve(register, claim("d-3"))
    register.annul(first.number, "reason", AT)
    assert [document.number for document in register.issued()] == [first.number, second.number]


def test_the_same_decision_twice_gives_the_same_document(register: Register) -> None:
    first = reserve(register, claim(), AT)
    assert reserve(register, claim(), AT + timedelta(days=1)) == first
    assert register.known(OURS, "d-1", claim().digest) == first
    recorded = register.record(first, [PAGE, DATA], AT)
    assert reserve(register, claim(), AT + timedelta(days=2)) == recorded
    assert replace(recorded, status="reserved", status_since=None, files=()) == first


def test_what_was_reserved_and_recorded_is_there_when_the_register_is_opened_again(
    opened: Callable[[], Register],
) -> None:
    reserved = reserve(opened(), claim())
    assert opened().by_number(reserved.number) == reserved
    recorded = opened().record(reserved, [PAGE, DATA], AT)
    assert opened().by_number(reserved.number) == recorded
    assert (recorded.files, recorded.status, recorded.status_since) == ((PAGE, DATA), "active", AT)


@pytest.mark.parametrize("make", [reserve, issued])
def test_a_decision_with_other_contents_under_the_same_id_is_refused_and_changes_nothing(
    register: Register, make: Callable[[Register, Claim], Document]
) -> None:
    before = make(register, claim())
    other = claim(contents="another day")
    for attempt in (lambda: reserve(register, other), lambda: register.known(OURS, "d-1", other.digest)):
        with pytest.raises(DecisionChanged, match=f"d-1 .*{before.number}") as refusal:
            attempt()
        assert refusal.value.code == "decision-changed"
    assert register.by_number(before.number) == before
    assert reserve(register, claim("d-2")).number == "2026-000002"


def test_the_id_of_a_decision_is_its_authoritys_own(register: Register) -> None:
    ours = reserve(register, claim(number="7"))
    theirs = reserve(register, claim(contents="another", authority=THEIRS, number="8"))
    assert (register.by_number("7"), register.by_number("8")) == (ours, theirs)


def test_numbers_run_without_gaps_in_each_authority_and_year(register: Register) -> None:
    claims = [
        claim(f"{authority}{year}{n}", authority=authority, year=year)
        for n in range(3)
        for authority in (OURS, THEIRS)
        for year in (2026, 2027)
    ]
    given = [reserve(register, c).number for c in claims]
    assert given == [f"{year}-{n:06}" for n in (1, 2, 3) for _ in (OURS, THEIRS) for year in (2026, 2027)]


def test_the_pattern_of_an_authority_is_filled_in(register: Register) -> None:
    assert reserve(register, claim(pattern="{bin}/{annex}/{year}/{seq}")).number == f"{OURS}/o20-a05/2026/1"


def test_a_given_number_is_kept_and_belongs_to_one_document_of_an_authority(register: Register) -> None:
    assert reserve(register, claim(number="№ 17-ө")).number == "№ 17-ө"
    with pytest.raises(NumberTaken, match="№ 17-ө"):
        reserve(register, claim("d-2", number="№ 17-ө"))
    assert register.known(OURS, "d-2", claim("d-2").digest) is None
    assert reserve(register, claim("d-2")).number == "2026-000001"


def test_numbers_that_are_left_out_go_to_nobody_and_it_is_kept_why(opened: Callable[[], Register]) -> None:
    assert reserve(opened(), claim("d-1")).number == "2026-000001"
    after = opened().skip(OURS, 2026, 40, "журнал на бумаге", AT)
    assert after == Numbering(OURS, 2026, 40, (Skip(2, 40, "журнал на бумаге", AT),))
    assert reserve(opened(), claim("d-2")).number == "2026-000041"
    others = [claim("d-3", year=2027), claim("d-4", authority=THEIRS)]
    assert [reserve(opened(), other).number for other in others] == ["2027-000001", "2026-000001"]
    assert reserve(opened(), claim("given", number="2026-000017")).number == "2026-000017"


@pytest.mark.parametrize("to", [1, 2, 3])
def test_what_was_given_is_not_left_out_again(register: Register, to: int) -> None:
    for n in range(3):
        reserve(register, claim(f"d-{n}"))
    assert register.skip(OURS, 2026, to, "again", AT) == Numbering(OURS, 2026, 3)
    assert reserve(register, claim("next")).number == "2026-000004"


def test_the_first_numbers_of_a_year_can_be_left_out(register: Register) -> None:
    for to, reason in ((5, "one"), (5, "the same"), (9, "two")):
        register.skip(OURS, 2026, to, reason, AT)
    register.skip(THEIRS, 2025, 1, "three", AT)
    skips = (Skip(1, 5, "one", AT), Skip(6, 9, "two", AT))
    assert list(register.numberings()) == [
        Numbering(THEIRS, 2025, 1, (Skip(1, 1, "three", AT),)),
        Numbering(OURS, 2026, 9, skips),
    ]
    assert reserve(register, claim()).number == "2026-000010"


def test_generated_numbers_step_over_given_ones(register: Register) -> None:
    for taken in (1, 2, 4):
        reserve(register, claim(f"given-{taken}", number=f"2026-{taken:06}"))
    assert [reserve(register, claim(f"d-{n}")).number for n in (1, 2)] == ["2026-000003", "2026-000005"]
    with pytest.raises(NumberTaken):
        reserve(register, claim("late", number="2026-000003"))


def test_two_authorities_may_share_a_number_and_then_looking_it_up_says_so(register: Register) -> None:
    ours = issued(register, claim())
    theirs = issued(register, claim(authority=THEIRS))
    assert ours.number == theirs.number
    for lookup in (register.by_number, lambda number: register.annul(number, "reason", AT)):
        with pytest.raises(UnknownDocument, match="2 authorities"):
            lookup(ours.number)
    assert [register.by_token(d.token) for d in (ours, theirs)] == [ours, theirs]


CLAIMS = st.builds(
    claim,
    st.sampled_from(["d-1", "d-2", "d-3", "d-4"]),
    st.sampled_from(["", "changed"]),
    authority=st.sampled_from([OURS, THEIRS]),
    number=st.sampled_from([None, None, "1-26", "2-26", "3-26", "'; DROP TABLE document; --"]),
    pattern=st.just("{seq}-26"),
)


@pytest.mark.parametrize("open_in", OPENERS.values(), ids=OPENERS)
@settings(max_examples=40, derandomize=True, deadline=None)
@given(claims=st.lists(CLAIMS, max_size=12))
def test_whatever_the_order_of_claims_a_number_is_one_document(open_in: Opener, claims: list[Claim]) -> None:
    known: dict[tuple[str, str], tuple[str, Document]] = {}
    with TemporaryDirectory() as folder:
        register = open_in(Path(folder))
        for wanted in claims:
            key, taken = (wanted.authority, wanted.decision), {(a, d.number) for (a, _), (_, d) in known.items()}
            if key in known and known[key][0] == wanted.digest:
                assert reserve(register, wanted) == known[key][1]
            elif key in known:
                with pytest.raises(DecisionChanged):
                    reserve(register, wanted)
            elif (wanted.authority, wanted.number) in taken:
                with pytest.raises(NumberTaken):
                    reserve(register, wanted)
            else:
                new = reserve(register, wanted)
                assert (wanted.authority, new.number) not in taken
                assert wanted.number in (None, new.number)
                known[key] = wanted.digest, new
        for _, document in known.values():
            assert register.by_token(document.token) == document


def test_many_threads_never_get_one_number_twice(register: Register) -> None:
    """Every decision is sent by two threads, each thread with twenty."""
    start = threading.Barrier(8)

    def work(worker: int) -> list[tuple[str, str, bytes]]:
        start.wait()
        found = [(d, reserve(register, claim(d))) for d in (f"{worker // 2}-{n}" for n in range(20))]
        return [(decision, document.number, document.token) for decision, document in found]

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for part in pool.map(work, range(8)) for answer in part]
    assert {number for _, number, _ in answers} == {f"2026-{n:06}" for n in range(1, 81)}
    assert len(set(answers)) == len({decision for decision, _, _ in answers}) == 80


@pytest.mark.parametrize(
    ("name", "fresh"),
    [("sqlite", True), ("sqlite", False), ("postgresql", False)],
    ids=["sqlite-opened-first-by-all-at-once", "sqlite-opened-before", "postgresql"],
)
def test_several_processes_never_get_one_number_twice(
    name: str, fresh: bool, opened: Callable[[], Register], tmp_path: Path
) -> None:
    """Every decision is sent by two processes, each process with twenty."""
    first = 0 if fresh else len([reserve(opened(), claim("before"))])
    answers = list(_at_once([name, str(tmp_path)], [str(worker // 2) for worker in range(4)]))
    assert {number for _, number, _ in answers} == {f"2026-{n + first:06}" for n in range(1, 41)}
    assert len({tuple(answer) for answer in answers}) == len({decision for decision, _, _ in answers}) == 40


def _at_once(words: list[str], workers: list[str]) -> Iterator[list[str]]:
    """What several of this program answer that wait for one another."""
    running = [
        subprocess.Popen(
            [sys.executable, registers.__file__, *words, worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in workers
    ]
    for process in running:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(running)
    for output in outputs:
        yield from json.loads(output)


@pytest.mark.parametrize("part", ["data", "secrets"])
def test_a_reservation_that_fails_half_way_leaves_no_trace(register: Register, part: str) -> None:
    def fail(*_: object) -> Any:
        raise KeyboardInterrupt

    assemble, drawing = (fail, draw) if part == "data" else (data_of, fail)
    for number in (None, "17"):
        with pytest.raises(KeyboardInterrupt):
            register.reserve(claim(number=number), assemble, drawing, AT)
    assert register.known(OURS, "d-1", claim().digest) is None
    for number in ("2026-000001", "17"):
        with pytest.raises(UnknownDocument, match="no document"):
            register.by_number(number)
    assert reserve(register, claim("d-2", number="17")).number == "17"
    assert reserve(register, claim("d-3")).number == "2026-000001"


def test_the_data_are_assembled_once_with_the_number_reserved(register: Register) -> None:
    asked: list[str] = []
    for _ in range(2):
        register.reserve(claim(), lambda number: asked.append(number) or data_of(number), draw, AT)
    assert asked == ["2026-000001"]


def test_no_two_documents_share_a_code_that_people_type(register: Register) -> None:
    first, second = draw(), draw()
    clash = [first, replace(second, code=first.code), second]
    made = [register.reserve(claim(d), data_of, lambda: clash.pop(0), AT) for d in ("d-1", "d-2")]
    assert [d.token for d in made] == [first.token, second.token]
    assert register.by_code(first.code) == made[0]
    assert register.by_code(second.code) == made[1]


def test_a_document_is_found_by_number_token_and_code(register: Register) -> None:
    kept = draw()
    made = register.reserve(claim(), data_of, lambda: kept, AT)
    issued(register, claim("d-2"))
    for act in (lambda: made, lambda: register.record(made, [PAGE], AT)):
        document = act()
        assert register.by_number(made.number) == document
        assert register.by_token(kept.token) == document
        assert register.by_code(kept.code) == document
    assert (made.token, made.salt, made.data, made.digest) == (
        kept.token,
        kept.salt,
        data_of(made.number),
        claim().digest,
    )
    assert register.by_token(b"x" * 12) is register.by_code("XXXX") is None
    with pytest.raises(UnknownDocument, match="no document has it"):
        register.by_number("2026-000003")


def test_a_reservation_is_not_a_document_and_has_no_files(register: Register) -> None:
    made = reserve(register, claim())
    assert (made.status, made.issued, made.files, made.status_since, made.reserved_at) == (
        "reserved",
        False,
        (),
        None,
        AT,
    )


def test_the_first_to_record_wins(register: Register) -> None:
    reserved = reserve(register, claim())
    first = register.record(reserved, [PAGE, DATA], AT)
    second = register.record(reserved, [replace(PAGE, sha256="e" * 64)], AT + timedelta(days=1))
    assert second == first == register.by_number(reserved.number)
    assert register.recorded_at("e" * 64) is None


def test_many_threads_record_one_document_once(register: Register) -> None:
    reserved, start = reserve(register, claim()), threading.Barrier(8)

    def record(worker: int) -> Document:
        start.wait()
        return register.record(reserved, [replace(PAGE, sha256=f"{worker:064}")], AT + timedelta(days=worker))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(record, range(8)))
    assert all(answer == register.by_number(reserved.number) for answer in answers)
    assert len(answers[0].files) == 1


def test_a_moment_is_kept_to_the_second(register: Register) -> None:
    document = register.record(reserve(register, claim(), AT.replace(microsecond=999999)), [PAGE], AT)
    assert (document.reserved_at, register.by_number(document.number).reserved_at) == (AT, AT)


def test_the_register_says_when_it_took_in_a_file(register: Register) -> None:
    astana = timezone(timedelta(hours=5))
    reserved = reserve(register, claim())
    assert register.recorded_at(PAGE.sha256) is None
    register.record(reserved, [PAGE, DATA], (AT + timedelta(hours=1)).astimezone(astana))
    issued(register, claim("d-2"), at=AT + timedelta(days=1))
    register.annul(reserved.number, "reason", AT + timedelta(days=2))
    assert register.recorded_at(PAGE.sha256) == register.recorded_at(DATA.sha256) == AT + timedelta(hours=1)
    assert register.recorded_at("f" * 64) is None


@pytest.mark.parametrize("by", ["", "2026-000002"], ids=["annulled", "superseded"])
def test_an_end_is_entered_once_and_takes_nothing_away(register: Register, by: str) -> None:
    before, other = issued(register, claim(), PAGE, DATA), issued(register, claim("d-2"))
    end = AT + timedelta(days=3)
    ended = register.annul(before.number, "қате шешім", end, by)
    assert ended == replace(
        before,
        status="superseded" if by else "annulled",
        reason="қате шешім",
        status_since=end,
        superseded_by=by,
    )
    for again in ("", other.number):
        assert register.annul(before.number, "another reason", end + timedelta(days=1), again) == ended
    assert register.by_number(before.number) == reserve(register, claim()) == ended
    assert register.record(before, [PAGE], end) == ended
    assert register.by_number(other.number) == other


@pytest.mark.parametrize(
    ("number", "by"),
    [("none", ""), ("reserved", ""), ("issued", "none"), ("issued", "reserved"), ("none", "issued")],
)
def test_only_an_issued_document_ends_and_only_by_an_issued_one(register: Register, number: str, by: str) -> None:
    before = issued(register, claim(number="issued"))
    waiting = reserve(register, claim("d-2", number="reserved"))
    with pytest.raises(UnknownDocument):
        register.annul(number, "reason", AT, by)
    assert register.by_number("issued") == before
    assert register.by_number("reserved") == waiting


def test_a_document_does_not_supersede_itself(register: Register) -> None:
    before = issued(register, claim())
    with pytest.raises(UnknownDocument):
        register.annul(before.number, "reason", AT, before.number)
    assert register.by_number(before.number) == before


def test_a_number_that_two_authorities_have_given_is_named_by_its_authority(register: Register) -> None:
    ours, theirs = issued(register, claim()), issued(register, claim(authority=THEIRS))
    assert register.by_number(ours.number, OURS) == ours
    ended = register.annul(ours.number, "reason", AT, authority=THEIRS)
    assert (ended.token, ended.status) == (theirs.token, "annulled")
    assert register.by_number(ours.number, OURS) == ours
    with pytest.raises(UnknownDocument, match="no document"):
        register.by_number(ours.number, "000000000000")


def test_what_no_row_can_hold_is_in_no_row(register: Register) -> None:
    """PostgreSQL has no text with a NUL, and neither database one with half a letter."""
    reserve(register, claim())
    for words in ("\x00", "2026-000001\x00", "\ud800"):
        with pytest.raises(UnknownDocument):
            register.by_number(words)
        assert register.by_code(words) is register.ticket(words) is None
        assert register.find(Wanted(name=words)).documents == ()
