"""A visitor without a browser: requests to an application in this process, one at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

# A loop of its own in a thread of its own: the thread of the tests may have one already, that of a browser.
_APART = ThreadPoolExecutor(1)


@dataclass(frozen=True)
class Visitor:
    """`visitor.get("/d/…")`; redirects are not followed."""

    app: FastAPI

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._sent("GET", path, options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self._sent("POST", path, options)

    def _sent(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://qujat.example") as client:
                return await client.request(method, path, **options)

        return _APART.submit(lambda: asyncio.run(exchange())).result()
