"""One POST to an address that an operator named: bounded in time and size, no redirects, nothing inside the house.

The name is looked up once, every address that it has is judged, and the connection goes to one of those: what is judged
and what is asked cannot be two things. Proxies of the environment are not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from qujat.errors import ConfigurationError

_PORTS = {"https": 443, "http": 80}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPosted(Exception):
    """Why a POST was not accepted; says nothing of what was posted."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`private`: addresses inside the house and plain http are allowed. `seconds`: for the whole exchange."""

    private: bool = False
    seconds: float = 15.0


def check_url(url: str, rules: Rules) -> SplitResult:
    """The parts of an address that can be posted to. Raises ConfigurationError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    schemes = ("https", "http") if rules.private else ("https",)
    if parts.scheme not in schemes or not parts.hostname or port == 0 or parts.fragment or not url.isascii():
        raise ConfigurationError(f"expected an address such as https://host/path, with {' or '.join(schemes)}")
    if parts.username or parts.password:
        raise ConfigurationError("expected an address without a name and a password: the signature says who calls")
    return parts


def post(url: str, body: bytes, headers: Mapping[str, str], rules: Rules) -> None:
    """Post; any 2xx is an acceptance. Raises NotPosted, ConfigurationError."""
    parts = check_url(url, rules)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    links: list[socket.socket] = []
    # A server that sends a byte now and then would never meet a time-out of its own.
    deadline = threading.Timer(rules.seconds, _cut, (links,))
    deadline.start()
    try:
        links.append(_connected(host, port, rules))
        if parts.scheme == "https":
            links[0] = ssl.create_default_context().wrap_socket(links[0], server_hostname=host)
        status = _exchange(links[0], parts, body, headers)
    except (OSError, http.client.HTTPException, ValueError) as error:  # ssl.SSLError among them
        raise NotPosted(f"no answer: {_said(error)}") from None
    finally:
        deadline.cancel()
        for link in links:
            link.close()
    if not 200 <= status < 300:
        raise NotPosted(f"the answer was {status}")


def _exchange(link: socket.socket, parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> int:
    asked = http.client.HTTPConnection(parts.hostname or "", parts.port)
    asked.default_port = _PORTS[parts.scheme]  # so that Host has no port that goes without saying
    asked.sock = link
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    asked.request("POST", target, body, {**headers, "Connection": "close"})
    return asked.getresponse().status  # the body is not read, and http.client bounds what stands before it


def _connected(host: str, port: int, rules: Rules) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(place[4][0]) for place in found))
    if not rules.private and (inside := [a for a in addresses if not is_public(a)]):
        raise NotPosted(f"{host} is {inside[0]}, an address that is not public; [webhooks] private = true allows it")
    return _first(addresses, port, rules.seconds)


def _first(addresses: list[str], port: int, seconds: float) -> socket.socket:
    """A connection to the first address that answers."""
    for address in addresses[:-1]:
        try:
            return socket.create_connection((address, port), seconds / len(addresses))
        except OSError:
            continue
    return socket.create_connection((addresses[-1], port), seconds / len(addresses))


def is_public(text: str) -> bool:
    """Is this an address of the internet, also where an IPv4 address is wrapped in it?"""
    address = ipaddress.ip_address(text.partition("%")[0])
    return all(each.is_global and not each.is_multicast for each in _wrapped(address))


def _wrapped(address: Address) -> list[Address]:
    """The address, or those that it stands for (RFC 4291 2.5.5.2, RFC 6052, RFC 3056)."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour:
        return [address, address.sixtofour]
    return [address]


def _cut(links: list[socket.socket]) -> None:
    with suppress(OSError):  # it has ended meanwhile
        for link in links:
            link.shutdown(socket.SHUT_RDWR)


def _said(error: Exception) -> str:
    """What went wrong, in words of the system, not of the other side."""
    return getattr(error, "strerror", None) or type(error).__name__
