"""An NCANode of our own for each test."""

from collections.abc import Iterator

import ncanode_mock
import pytest
from ncanode_mock import Mock


@pytest.fixture
def mock() -> Iterator[Mock]:
    with ncanode_mock.serve() as served:
        yield served
