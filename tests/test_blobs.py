"""What any store of blobs must do, and what the one in a folder must do besides.

A further implementation joins STORES. Run as a program, this file is a process that puts and may run out of disk.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qujat.blobs import Blobs, Folder, Memory
from qujat.errors import BlobAltered, BlobMissing, StoreError

CONTENT = "Қандас\n".encode() * 1000
DIGEST = sha256(CONTENT).hexdigest()


@dataclass(frozen=True)
class Store:
    """A store with the back door that a test needs: `spoil(digest, content)` writes, `lose(digest)` takes away."""

    blobs: Blobs
    spoil: Callable[[str, bytes], object]
    lose: Callable[[str], object]


def in_folder(folder: Path) -> Store:
    def path(digest: str) -> Path:
        (found,) = (p for p in (folder / "blobs").rglob("*") if p.is_file() and p.parent.name + p.name == digest)
        return found

    return Store(Folder(folder / "blobs"), lambda d, content: path(d).write_bytes(content), lambda d: path(d).unlink())


def in_memory(_: Path) -> Store:
    content: dict[str, bytes] = {}
    return Store(Memory(content), content.__setitem__, content.__delitem__)


STORES = {"folder": in_folder, "memory": in_memory}
every_store = pytest.mark.parametrize("make", STORES.values(), ids=STORES)
Make = Callable[[Path], Store]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return STORES[request.param](tmp_path)


@every_store
@settings(max_examples=40, derandomize=True, deadline=None)
@given(contents=st.lists(st.binary(max_size=2000), max_size=6))
def test_bytes_come_back_under_their_sha256(make: Make, contents: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        blobs = make(Path(folder)).blobs
        digests = [blobs.put(content) for content in contents]
        assert digests == [sha256(content).hexdigest() for content in contents]
        assert [blobs.get(digest) for digest in digests] == contents
        assert [blobs.put(content) for content in contents] == digests
        assert [blobs.get(digest) for digest in digests] == contents


@every_store
@settings(max_examples=60, derandomize=True, deadline=None)
@given(content=st.binary(min_size=1, max_size=300), at=st.integers(min_value=0), by=st.integers(1, 255))
def test_one_changed_byte_is_noticed(make: Make, content: bytes, at: int, by: int) -> None:
    changed = bytearray(content)
    changed[at % len(content)] ^= by
    with TemporaryDirectory() as folder:
        store = make(Path(folder))
        digest = store.blobs.put(content)
        store.spoil(digest, bytes(changed))
        with pytest.raises(BlobAltered, match=digest):
            store.blobs.get(digest)


@pytest.mark.parametrize("other", [b"", CONTENT[:-1], CONTENT + b"\n", b"another blob"])
def test_bytes_cut_off_added_or_exchanged_are_noticed(store: Store, other: bytes) -> None:
    for content in (CONTENT, other):
        store.blobs.put(content)
    store.spoil(DIGEST, other)
    with pytest.raises(BlobAltered) as refusal:
        store.blobs.get(DIGEST)
    assert refusal.value.code == "blob-altered"
    assert store.blobs.get(sha256(other).hexdigest()) == other


def test_what_was_never_put_is_missing(store: Store) -> None:
    store.blobs.put(b"another blob")
    with pytest.raises(BlobMissing, match=DIGEST) as refusal:
        store.blobs.get(DIGEST)
    assert refusal.value.code == "blob-missing"


def test_what_was_lost_is_missing_until_it_is_put_again(store: Store) -> None:
    store.blobs.put(CONTENT)
    store.lose(DIGEST)
    with pytest.raises(BlobMissing):
        store.blobs.get(DIGEST)
    store.blobs.put(CONTENT)
    assert store.blobs.get(DIGEST) == CONTENT


def test_what_was_put_is_there_even_if_it_had_been_damaged_before(store: Store) -> None:
    """`put` promises that the bytes are kept when it returns: it must not take the damaged ones for them."""
    store.blobs.put(CONTENT)
    store.spoil(DIGEST, CONTENT[:-1])
    store.blobs.put(CONTENT)
    assert store.blobs.get(DIGEST) == CONTENT


@pytest.mark.parametrize("name", ["", ".", "..", "ab", "../../../../../../../../etc/hostname", "ab/etc/hostname", "?"])
def test_a_name_that_is_no_hash_is_not_looked_for(store: Store, name: str) -> None:
    store.blobs.put(sha256(b"ab").digest())
    with pytest.raises(StoreError):
        store.blobs.get(name)


def test_many_threads_put_and_read_the_same_bytes_and_see_them_whole_or_not_at_all(store: Store) -> None:
    contents = [CONTENT * (n + 1) for n in range(5)]
    start = threading.Barrier(8)

    def work(worker: int) -> int:
        start.wait()
        return sum(_put(store.blobs, c) if worker % 2 else _whole_or_missing(store.blobs, c) for c in contents * 10)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(work, range(8)))
    assert done == [50] * 8
    assert [store.blobs.get(sha256(content).hexdigest()) for content in contents] == contents


def _put(blobs: Blobs, content: bytes) -> bool:
    return blobs.put(content) == sha256(content).hexdigest()


def _whole_or_missing(blobs: Blobs, content: bytes) -> bool:
    try:
        return blobs.get(sha256(content).hexdigest()) == content
    except BlobMissing:
        return True


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def test_many_threads_that_put_the_same_bytes_leave_one_file(tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def work(_: int) -> str:
        start.wait()
        return Folder(tmp_path).put(CONTENT)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(8))) == {DIGEST}
    assert [file.read_bytes() for file in _files(tmp_path)] == [CONTENT]


def test_several_processes_that_put_the_same_bytes_leave_one_file(tmp_path: Path) -> None:
    running = [_process(tmp_path) for _ in range(4)]
    assert [process.stdout.readline() for process in running if process.stdout] == ["ready\n"] * 4
    assert {process.communicate("go\n")[0] for process in running} == {DIGEST}
    assert [file.read_bytes() for file in _files(tmp_path)] == [CONTENT]


def test_on_a_full_disk_nothing_is_left_behind_and_the_store_says_so(tmp_path: Path) -> None:
    assert _process(tmp_path, "100").communicate("go\n")[0] == "ready\nstore-error"
    assert _files(tmp_path) == []
    assert Folder(tmp_path).put(CONTENT) == DIGEST
    assert Folder(tmp_path).get(DIGEST) == CONTENT


def _process(folder: Path, limit: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, __file__, str(folder), limit]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_bytes_are_no_blob_before_they_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on the disk when the bytes are synced is what a power cut at that moment leaves."""
    seen: list[tuple[list[bytes], bool]] = []
    fsync = os.fsync

    def look(handle: int) -> None:
        seen.append(([file.read_bytes() for file in _files(tmp_path)], _is_there(Folder(tmp_path), DIGEST)))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", look)
    Folder(tmp_path).put(CONTENT)
    assert seen[0] == ([CONTENT], False)
    assert seen[1:]
    assert all(state == ([CONTENT], True) for state in seen[1:])


@pytest.mark.parametrize("written", [0, len(CONTENT) // 2, len(CONTENT)])
def test_a_file_left_half_written_is_no_blob_and_stands_in_nobodys_way(tmp_path: Path, written: int) -> None:
    """`test_crashes` kills processes that write; here is what they leave."""
    (tmp_path / DIGEST[:2]).mkdir()
    (tmp_path / DIGEST[:2] / ".part-x1y2z3").write_bytes(CONTENT[:written])
    assert not _is_there(Folder(tmp_path), DIGEST)
    Folder(tmp_path).put(CONTENT)
    assert Folder(tmp_path).get(DIGEST) == CONTENT


def _is_there(blobs: Blobs, digest: str) -> bool:
    try:
        return bool(blobs.get(digest))
    except BlobMissing:
        return False


def test_a_put_is_on_the_disk_with_every_folder_that_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsync(2): syncing a file does not sync its entry in the folder; that takes a sync of the folder."""
    synced: list[tuple[int, int]] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        state = os.fstat(handle)
        synced.append((state.st_dev, state.st_ino))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    Folder(tmp_path).put(CONTENT)
    (blob,) = _files(tmp_path)
    places = [blob, *(folder for folder in blob.parents if folder.is_relative_to(tmp_path))]
    unsynced = [place for place in places if (place.stat().st_dev, place.stat().st_ino) not in synced]
    assert [str(place.relative_to(tmp_path)) for place in unsynced] == []


def _file_for_root(root: Path) -> None:
    root.write_bytes(b"")


def _file_for_folder(root: Path) -> None:
    root.mkdir()
    (root / DIGEST[:2]).write_bytes(b"")


def _folder_for_blob(root: Path) -> None:
    (root / DIGEST[:2] / DIGEST[2:] / "x").mkdir(parents=True)


def _loop(root: Path) -> None:
    root.symlink_to(root)


@pytest.mark.parametrize(
    "spoil", [_file_for_root, _file_for_folder, _folder_for_blob, _loop], ids=lambda spoil: spoil.__name__.strip("_")
)
@pytest.mark.parametrize("act", [lambda blobs: blobs.put(CONTENT), lambda blobs: blobs.get(DIGEST)], ids=["put", "get"])
def test_a_folder_that_cannot_be_written_or_read_is_a_store_error(
    tmp_path: Path, spoil: Callable[[Path], None], act: Callable[[Blobs], object]
) -> None:
    """Root may write and read anywhere, so what stands in the way is of another kind than permissions."""
    spoil(tmp_path / "blobs")
    with pytest.raises(StoreError, match=str(tmp_path)):
        act(Folder(tmp_path / "blobs"))


def _put_within(folder: Path, limit: str) -> str:
    print("ready", flush=True)
    sys.stdin.readline()
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    try:
        return Folder(folder).put(CONTENT)
    except StoreError as error:
        return error.code


if __name__ == "__main__":
    print(_put_within(Path(sys.argv[1]), sys.argv[2]), end="")
