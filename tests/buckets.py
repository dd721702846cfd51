"""An S3-compatible server (moto) in this process for a whole run of tests, and in it a bucket for each folder."""

from __future__ import annotations

import logging
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer

from qujat.s3 import Bucket, open_bucket
from qujat.settings import S3Settings

_started: list[ThreadedMotoServer] = []


def bucket_in(folder: Path) -> Bucket:
    """The bucket that belongs to a folder, made at the first call. Its documents are under a prefix."""
    address = f"s3://{name_of(folder)}/documents/of-ours"
    with urlopen(Request(f"{endpoint()}/{name_of(folder)}", method="PUT"), timeout=10):
        pass
    return open_bucket(address, S3Settings(endpoint=endpoint(), access_key="qujat"), "secret")


def name_of(folder: Path) -> str:
    return "q" + sha256(str(folder).encode()).hexdigest()[:20]


@cache
def endpoint() -> str:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _started.append(server)
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def leave() -> None:
    """At the end of the tests of a process."""
    for server in _started:
        server.stop()
