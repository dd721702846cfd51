"""An office with an API for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apis import Api, api_of
from offices import Pki


@pytest.fixture(scope="module")
def api(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Its clients: all (everything of the authority of `a_decision()`), stranger (of another authority)."""
    with api_of(pki, tmp_path_factory.mktemp("api")) as made:
        yield made
