"""One PostgreSQL server for a whole run of tests (all its processes too), and in it a schema for each register.

The server is Debian's, in a folder of its own, on a socket, without syncs. Whoever leaves last stops it.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

import psycopg
from procrastinate.schema import SchemaManager
from sqlalchemy import create_engine, event

from qujat.registers.opening import in_postgresql
from qujat.registers.sql import SqlRegister
from qujat.registers.versions import upgrade

PLACE = "QUJAT_TEST_POSTGRESQL"  # the folder of the server, for the processes that tests start
_QUICK = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off -c max_connections=300"
    " -c shared_buffers=32MB -c listen_addresses="
)

_joined: list[Path] = []


def register_in(folder: Path) -> SqlRegister:
    """The register that belongs to a folder, made at the first call; in this process or another."""
    return in_postgresql(url_of(folder))


def url_of(folder: Path, *, ready: bool = True) -> str:
    """The address of the register of a folder; its schema is there, of the newest version if it is to be `ready`."""
    schema = schema_of(folder)
    with psycopg.connect(conninfo(), autocommit=True) as db:
        db.execute("SELECT pg_advisory_lock(hashtext(%s))", [schema])
        if not db.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]).fetchone():
            db.execute(f"CREATE SCHEMA {schema}")
            if ready:
                db.execute(f"SET search_path = {schema}")
                db.execute(_whole().encode())
    return f"postgresql://postgres@/postgres?host={_server()}&options=-csearch_path%3D{schema}"


# What the operator's page gives the service.
RIGHTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT UPDATE ON sequence TO {role}",
    "GRANT UPDATE (id) ON document TO {role}",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    "GRANT UPDATE ON lasting, webhook, delivery, batch, part TO {role}",
    "GRANT UPDATE, DELETE ON desk_clerk, desk_session, desk_draft, desk_letterhead TO {role}",
    "GRANT UPDATE, DELETE ON procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers TO {role}",
)


def service_url(folder: Path) -> str:
    """The address of the register of a folder for a role that has these rights and no more."""
    url, schema = url_of(folder), schema_of(folder)
    role = f"desk_{schema}"
    with psycopg.connect(conninfo(), autocommit=True) as db:
        db.execute(f"CREATE ROLE {role} LOGIN")
        db.execute(f"SET search_path = {schema}")
        for right in RIGHTS:
            db.execute(right.format(schema=schema, role=role))
    return url.replace("postgres@", f"{role}@")


def conninfo(database: str = "postgres") -> str:
    """For a connection to the server beside any register."""
    return f"host={_server()} user=postgres dbname={database}"


def schema_of(folder: Path) -> str:
    return "q" + sha256(str(folder).encode()).hexdigest()[:20]


def dumped(folder: Path, into: str) -> str:
    """Dump the register of a folder with pg_dump, restore it into a new database; gives the address of that."""
    dump = _server() / f"{into}.dump"
    options = ("-h", str(_server()), "-U", "postgres")
    _run("pg_dump", *options, "-Fc", "-n", schema_of(folder), "-f", str(dump), "postgres")
    _run("createdb", *options, into)
    _run("pg_restore", *options, "-d", into, "--exit-on-error", str(dump))
    return url_of(folder).replace("@/postgres", f"@/{into}")


@cache
def _whole() -> str:
    """What the migrations say to a new schema, in one go."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo()))
    said: list[str] = []
    with engine.connect() as db:
        db.exec_driver_sql("CREATE SCHEMA made")
        db.exec_driver_sql("SET search_path = made")
        event.listen(db, "before_cursor_execute", lambda *a: said.append(str(a[2]) % (a[3] or {})))
        upgrade(db)
        db.rollback()
    engine.dispose()
    made = [words for words in said if words.split()[0] in ("CREATE", "ALTER", "DROP")]
    revision = [words for words in said if "alembic_version" in words and words.startswith(("INSERT", "UPDATE"))]
    newest = revision[-1].split("'")[1]
    queue = SchemaManager.get_schema()  # it is said to the driver itself, past the listener
    return ";\n".join([*made, f"INSERT INTO alembic_version VALUES ('{newest}')", queue])


@cache
def _server() -> Path:
    """Start the server, or join the one that another process of this run has started; gives its folder."""
    if started := os.environ.get(PLACE):
        return Path(started)
    folder = _folder()
    with _alone(folder):
        (folder / f"member-{os.getpid()}").touch()
        if not (folder / "data").exists():
            _start(folder)
    os.environ[PLACE] = str(folder)
    _joined.append(folder)
    return folder


def leave() -> None:
    """At the end of the tests of a process."""
    if not _joined:
        return
    folder = _folder()
    with _alone(folder):
        mine = folder / f"member-{os.getpid()}"
        if list(folder.glob("member-*")) == [mine]:
            _run("pg_ctl", "stop", "-D", str(folder / "data"), "-m", "immediate", "-s")
            shutil.rmtree(folder, ignore_errors=True)  # the watcher may be at it too
        else:
            mine.unlink()
    Path(f"{folder}.lock").unlink(missing_ok=True)


@cache
def _folder() -> Path:
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    folder = Path(tempfile.gettempdir()) / f"qujat-pg-{run}"
    folder.mkdir(mode=0o755, exist_ok=True)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(folder: Path) -> None:
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = str(folder / "data")
    _run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    _run("pg_ctl", "start", "-D", data, "-w", "-s", "-l", str(folder / "log"), "-o", f"{_QUICK} -k {folder}")
    _watch(folder)


# The server outlives a run that is killed; this ends it when none of its members is alive any more.
_WATCH = """
while alive=no; for m in "$0"/member-*; do kill -0 "${m##*-}" 2>/dev/null && alive=yes; done; [ $alive = yes ]
do sleep 3; done
kill -QUIT "$(head -1 "$0/data/postmaster.pid")"; sleep 1; rm -rf "$0" "$0.lock"
"""


def _watch(folder: Path) -> None:
    script = f"({_WATCH.replace('$0', str(folder))}) >/dev/null 2>&1 &"
    subprocess.run(["sh", "-c", script], start_new_session=True, check=True, stdin=subprocess.DEVNULL)


def _run(program: str, *words: str) -> None:
    """PostgreSQL does not run as root."""
    owner = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    done = subprocess.run([_programs() / program, *words], capture_output=True, text=True, check=False, **owner)
    assert done.returncode == 0, done.stdout + done.stderr


def _programs() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        import pytest  # the processes that tests start have no need of it

        missing = "PostgreSQL is not installed: run scripts/setup tests"
        pytest.fail(missing) if os.environ.get("QUJAT_CI") else pytest.skip(missing)
    return installed[-1].parent
