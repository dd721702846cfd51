"""How often something may be tried: so many times in so many seconds, counted in this process and for each name."""

from __future__ import annotations

import ipaddress
import math
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from fastapi import Request

_MOST_NAMES = 100_000


@dataclass
class Attempts:
    """At most `most` attempts in `seconds` for one name. Old names go first when there are too many."""

    most: int
    seconds: float
    _made: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def wait(self, name: str, now: float) -> int:
        """Count an attempt at `now` (seconds of any clock) and return 0; or whole seconds to wait, counting nothing."""
        with self._lock:
            made = self._made.setdefault(name, deque())
            self._made.move_to_end(name)
            while made and made[0] <= now - self.seconds:
                made.popleft()
            if len(made) >= self.most:
                return max(1, math.ceil(made[0] + self.seconds - now))
            made.append(now)
            if len(self._made) > _MOST_NAMES:
                self._made.popitem(last=False)
            return 0


def address_of(request: Request) -> str:
    """The visitor's address: of the connection, or if that comes from a private address (a proxy in front of the
    service), the last one in X-Forwarded-For, which that proxy has written."""
    came = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return network(forwarded) if forwarded and _is_private(came) else network(came)


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False


def network(address: str) -> str:
    """The address, or for IPv6 its /64: the part that one subscriber has, who may change the rest at will."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
