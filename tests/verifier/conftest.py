"""One authority for all files of strangers."""

from datetime import UTC, datetime

import pytest
from strangers.authority import Authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Foreign checkers look at the real clock, so it is of today."""
    return Authority(datetime.now(UTC).replace(microsecond=0))
