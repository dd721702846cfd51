"""S3Proxy (tests/s3proxy, from Maven Central): an S3 server over a folder, which checks signatures and can be killed.

One for a whole run of tests, and in it a bucket for each folder.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from homes import free_port
from judge import JAVA, required

from qujat.s3 import Bucket, open_bucket
from qujat.settings import S3Settings

BUILT = Path(__file__).parent / "s3proxy" / "target"
SECONDS = 60  # to get ready; on a quiet machine it takes 1.5
SECRET = "secret"

_started: list[Server] = []


@dataclass
class Server:
    """A server whose buckets are folders of `folder`; it can be killed and started again."""

    folder: Path
    port: int
    running: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        required("S3Proxy", BUILT)
        (self.folder / "buckets").mkdir(exist_ok=True)
        properties = self.folder / "properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        command = ["java", *JAVA, "-cp", f"{BUILT}/dependency/*", "org.gaul.s3proxy.Main", "--properties", properties]
        self.running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()

    def kill(self) -> None:
        """It ends without a word."""
        if self.running:
            self.running.kill()
            self.running.wait()

    def make_bucket(self, name: str) -> Path:
        """Gives the folder of its objects."""
        (self.folder / "buckets" / name).mkdir(exist_ok=True)
        return self.folder / "buckets" / name

    def _settings(self) -> dict[str, object]:
        return {
            "s3proxy.endpoint": self.endpoint,
            "s3proxy.authorization": "aws-v4",
            "s3proxy.identity": "qujat",
            "s3proxy.credential": SECRET,
            "jclouds.provider": "filesystem-nio2",
            "jclouds.identity": "nobody",
            "jclouds.credential": "nothing",
            "jclouds.filesystem.basedir": self.folder / "buckets",
        }

    def _wait(self) -> None:
        give_up = time.monotonic() + SECONDS
        while time.monotonic() < give_up:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"expected S3Proxy on port {self.port} within {SECONDS} seconds, came nobody")


def bucket_in(folder: Path) -> Bucket:
    """The bucket that belongs to a folder, made at the first call. Its documents are under a prefix."""
    objects_of(folder)
    return open_bucket(f"s3://{name_of(folder)}/documents/of-ours", settings(), SECRET)


def objects_of(folder: Path) -> Path:
    """Where the objects of its bucket are files."""
    return _server().make_bucket(name_of(folder))


def settings(endpoint: str = "") -> S3Settings:
    """How a bucket is reached; `endpoint`: if not where it is."""
    return S3Settings(endpoint=endpoint or _server().endpoint, access_key="qujat")


def name_of(folder: Path) -> str:
    return "q" + sha256(str(folder).encode()).hexdigest()[:20]


@cache
def _server() -> Server:
    server = Server(Path(tempfile.mkdtemp(prefix="qujat-buckets-")), free_port())
    server.start()
    _started.append(server)
    return server


def leave() -> None:
    """At the end of the tests of a process."""
    for server in _started:
        server.kill()
        shutil.rmtree(server.folder)
