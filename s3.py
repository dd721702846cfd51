"""Blobs in an S3-compatible store (obstore): an object a blob, under a prefix, named as in a folder: ab/cdef…"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, NotSupportedError
from obstore.store import S3Store

from qujat.blobs import checked_name, unaltered
from qujat.errors import BlobMissing, ConfigurationError, StoreError

if TYPE_CHECKING:
    from obstore.store import RetryConfig, S3Config

    from qujat.settings import S3Settings

_PATIENCE = timedelta(seconds=20)  # for one request
_TRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}

_asked_by: dict[str, int] = {}  # the first process that asked: one that it forks would wait for ever


@dataclass(frozen=True)
class Bucket:
    """Blobs in a bucket. `name` is how errors call it."""

    store: S3Store
    name: str

    def put(self, content: bytes) -> str:
        """Bytes damaged since they were put are put again. Raises StoreError."""
        digest = sha256(content).hexdigest()
        with self._answering():
            try:
                obstore.put(self.store, _key(digest), content, mode="create")
            except AlreadyExistsError:
                if self._read(digest) != content:
                    obstore.put(self.store, _key(digest), content)
            except NotSupportedError:  # without conditional writes: the same name is the same bytes anyway
                obstore.put(self.store, _key(digest), content)
        return digest

    def get(self, digest: str) -> bytes:
        """Raises BlobMissing, BlobAltered, StoreError."""
        checked_name(digest, self.name)
        with self._answering():
            content = self._read(digest)
        if content is None:
            raise BlobMissing(f"expected the bytes {digest} in {self.name}; restore them from a backup")
        return unaltered(content, digest)

    def _read(self, digest: str) -> bytes | None:
        try:
            return bytes(obstore.get(self.store, _key(digest)).bytes())
        except (FileNotFoundError, NotFoundError) as error:
            if "NoSuchBucket" in str(error):
                raise
            return None

    @contextmanager
    def _answering(self) -> Iterator[None]:
        if _asked_by.setdefault("process", os.getpid()) != os.getpid():
            raise StoreError(
                f"{self.name} cannot be asked here: obstore's threads did not survive the fork of this process;"
                " start workers with spawn or forkserver"
            )
        try:
            yield
        except (BaseError, OSError) as error:
            raise StoreError(
                f"{self.name} does not answer as it should: {_first_line(error)}; check [stores] blobs and its s3"
            ) from error


def open_bucket(address: str, chosen: S3Settings, secret: str) -> Bucket:
    """The store at s3://bucket/prefix; nothing is asked yet. Raises ConfigurationError."""
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    config: S3Config = {"region": chosen.region}
    if chosen.endpoint:
        config["endpoint"] = chosen.endpoint
    if chosen.access_key:
        config |= {"access_key_id": chosen.access_key, "secret_access_key": secret}
    try:
        store = S3Store(
            bucket,
            prefix=prefix.strip("/") or None,
            config=config,
            client_options={
                "timeout": _PATIENCE,
                "connect_timeout": timedelta(seconds=5),
                "allow_http": chosen.endpoint.startswith("http://"),
            },
            retry_config=_TRIES,
        )
    except BaseError as error:
        raise ConfigurationError(f"[stores] s3: expected a store of documents: {_first_line(error)}") from error
    return Bucket(store, address)


def _key(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:]}"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
