"""What every test may ask for: keys made once, and a whole office of its own. The helpers stand in `offices`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qujat.office import Office

sys.path.insert(0, str(Path(__file__).parent))  # --import-mode=importlib leaves it out; also where the wheel is tested

import offices
from offices import HandClock, Pki

if TYPE_CHECKING:
    from tokens import Hsm


def pytest_configure(config: pytest.Config) -> None:
    """WeasyPrint leaves its colour profile open; nothing else may.

    Where the tests were started in the background SIGINT is ignored, and by every process that they start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("filterwarnings", r"ignore:unclosed file .*sRGB2014\.icc:ResourceWarning")


def pytest_sessionfinish() -> None:
    for name in ("postgres", "buckets"):
        if server := sys.modules.get(name):
            server.leave()


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """A stand-in key folder, made once."""
    return offices.make_pki(tmp_path_factory.mktemp("pki") / "keys")


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Hsm:
    """SoftHSM with a folder of tokens of its own."""
    from tokens import make_hsm

    return make_hsm(tmp_path_factory.mktemp("hsm"))


@pytest.fixture
def clock(pki: Pki) -> HandClock:
    """The clock of `office`: it stands still until a test sets it forward."""
    return HandClock(pki.now)


@pytest.fixture
def office(tmp_path: Path, pki: Pki, clock: HandClock) -> Office:
    """A whole office in a temporary folder."""
    return offices.office_in(tmp_path / "office", pki, clock)


@pytest.fixture
def office_in_memory(pki: Pki, clock: HandClock) -> Office:
    """A whole office that leaves nothing on the disk."""
    return offices.office_in_memory(pki, clock)
