"""What any store of blobs must do, and what the ones in a folder and in a bucket must do besides.

A further implementation joins STORES.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import buckets
import putting
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from putting import CONTENT, DIGEST

from qujat import s3
from qujat.blobs import Blobs, Folder, Memory
from qujat.errors import BlobAltered, BlobMissing, StoreError
from qujat.s3 import Bucket, open_bucket


@dataclass(frozen=True)
class Store:
    """A store with the back door that a test needs: `spoil(digest, content)` writes, `lose(digest)` takes away."""

    blobs: Blobs
    spoil: Callable[[str, bytes], object]
    lose: Callable[[str], object]


def in_folder(folder: Path) -> Store:
    return Store(Folder(folder / "blobs"), *_by_the_back_door(folder / "blobs"))


def _by_the_back_door(folder: Path) -> tuple[Callable[[str, bytes], object], Callable[[str], object]]:
    def path(digest: str) -> Path:
        (found,) = (p for p in folder.rglob("*") if p.is_file() and p.parent.name + p.name == digest)
        return found

    return lambda digest, content: path(digest).write_bytes(content), lambda digest: path(digest).unlink()


def in_memory(_: Path) -> Store:
    content: dict[str, bytes] = {}
    return Store(Memory(content), content.__setitem__, content.__delitem__)


def in_bucket(folder: Path) -> Store:
    return Store(buckets.bucket_in(folder), *_by_the_back_door(buckets.objects_of(folder)))


STORES = {"folder": in_folder, "memory": in_memory, "s3": in_bucket}
# What is drawn at random is put here; a bucket costs requests, so it gets fewer.
quick_stores = pytest.mark.parametrize("make", [in_folder, in_memory])
Make = Callable[[Path], Store]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return STORES[request.param](tmp_path)


@quick_stores
@settings(max_examples=40, derandomize=True, deadline=None)
@given(contents=st.lists(st.binary(max_size=2000), max_size=6))
def test_bytes_come_back_under_their_sha256(make: Make, contents: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        they_come_back(make(Path(folder)).blobs, contents)


@settings(max_examples=8, derandomize=True, deadline=None)
@given(contents=st.lists(st.binary(max_size=2000), max_size=6))
def test_bytes_come_back_from_a_bucket_under_their_sha256(contents: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        they_come_back(in_bucket(Path(folder)).blobs, contents)


def they_come_back(blobs: Blobs, contents: list[bytes]) -> None:
    digests = [blobs.put(content) for content in contents]
    assert digests == [sha256(content).hexdigest() for content in contents]
    assert [blobs.get(digest) for digest in digests] == contents
    assert [blobs.put(content) for content in contents] == digests
    assert [blobs.get(digest) for digest in digests] == contents


@quick_stores
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
    command = [sys.executable, putting.__file__, str(folder), limit]
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


def test_what_killed_writers_left_is_taken_away_after_a_while_and_nothing_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put(CONTENT)
    old, new = (tmp_path / DIGEST[:2] / f".part-{name}" for name in ("old", "new"))
    for path, at in ((old, 1000), (new, 3000)):
        path.write_bytes(CONTENT[:7])
        os.utime(path, (at, at))
    os.utime(tmp_path / DIGEST[:2] / DIGEST[2:], (1000, 1000))
    assert folder.clear(before=2000) == 1
    assert [old.exists(), new.exists()] == [False, True]
    assert folder.get(DIGEST) == CONTENT


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


def _bucket(address: str = "s3://documents/of-ours", *, endpoint: str = "", secret: str = buckets.SECRET) -> Bucket:
    return open_bucket(address, buckets.settings(endpoint), secret)


@pytest.mark.parametrize("act", [lambda blobs: blobs.put(CONTENT), lambda blobs: blobs.get(DIGEST)], ids=["put", "get"])
@pytest.mark.parametrize(
    "bucket",
    [
        lambda: _bucket("s3://never-made/x"),
        lambda: _bucket(endpoint="http://127.0.0.1:1"),
        lambda: _bucket(secret="another"),
    ],
    ids=["no-such-bucket", "no-server", "another-secret"],
)
def test_a_store_that_does_not_answer_says_which_and_never_that_a_blob_is_missing(
    bucket: Callable[[], Blobs], act: Callable[[Blobs], object]
) -> None:
    with pytest.raises(StoreError, match=r"s3://\S+ does not answer") as refusal:
        act(bucket())
    assert refusal.value.code == "store-error"


def test_the_secret_of_a_store_is_in_no_error_and_no_description(tmp_path: Path) -> None:
    bucket = _bucket(endpoint="http://127.0.0.1:1")
    with pytest.raises(StoreError) as refusal:
        bucket.put(CONTENT)
    assert "secret" not in f"{refusal.value} {bucket!r}"


def test_a_server_that_never_answers_does_not_hold_us_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts and is silent: the limits of one request and of all tries are what ends it."""
    monkeypatch.setattr(s3, "_PATIENCE", timedelta(seconds=0.2))
    monkeypatch.setattr(s3, "_TRIES", {"max_retries": 1, "retry_timeout": timedelta(seconds=1)})
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(StoreError):
        _bucket(endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}").put(CONTENT)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_was_forked_is_told_so_and_does_not_hang(tmp_path: Path) -> None:
    bucket = buckets.bucket_in(tmp_path)
    bucket.put(CONTENT)
    if not (child := os.fork()):
        signal.alarm(20)  # what happens without the rule
        try:
            bucket.get(DIGEST)
        except StoreError as error:
            os._exit(7 if "forkserver" in error.message else 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("failures", [1, 5])
def test_a_failure_of_the_server_is_tried_again_so_many_times_and_no_more(failures: int) -> None:
    """Three times after the first: one failure goes unnoticed, five do not."""
    with failing_server(failures) as (address, asked):
        bucket = _bucket(endpoint=address)
        if failures == 1:
            assert bucket.put(CONTENT) == DIGEST
        else:
            with pytest.raises(StoreError):
                bucket.put(CONTENT)
    assert len(asked) == min(failures, 3) + 1


@contextmanager
def failing_server(failures: int) -> Iterator[tuple[str, list[str]]]:
    """An S3 that answers 503 so many times, then 200; and what it was asked."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            self.send_response(503 if len(asked) <= failures else 200)
            self.send_header("ETag", '"x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
