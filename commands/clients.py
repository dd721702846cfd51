"""qujat clients …"""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from qujat import settings as configuration
from qujat.commands import print_json

if TYPE_CHECKING:
    from qujat.server.clients import Client, KeptClients


def _clients(options: Namespace) -> KeptClients:
    from qujat.office import now, open_register
    from qujat.server.clients import kept

    settings = configuration.read(options.config)
    settings.root.mkdir(parents=True, exist_ok=True)
    return kept(open_register(settings), now)


def add(options: Namespace) -> int:
    """qujat clients add NAME --authority BIN… [--forms …] [--scope …]"""
    client, key = _clients(options).add(
        options.name, options.authority, options.forms.split(","), options.scope.split(",")
    )
    if options.json:
        print_json({**_json(client), "key": key})
    else:
        print(_line(client))
        print(f"  key  {key}")
        print("  It is shown this once: keep it where the decision system keeps its secrets.")
    return 0


def listed(options: Namespace) -> int:
    """qujat clients list"""
    found = _clients(options).all()
    if options.json:
        print_json([_json(client) for client in found])
    else:
        print("\n".join(_line(client) for client in found) or "there are no clients: `qujat clients add`")
    return 0


def revoke(options: Namespace) -> int:
    """qujat clients revoke NAME"""
    client = _clients(options).revoke(options.name)
    if options.json:
        print_json(_json(client))
    else:
        print(_line(client))
    return 0


def trail(options: Namespace) -> int:
    """qujat clients trail [NAME] [--last N]"""
    rows = [
        {
            "at": row.at.isoformat(timespec="seconds"),
            "client": row.client,
            "deed": row.deed,
            "number": row.number,
            "outcome": row.outcome,
            "request": row.request,
        }
        for row in _clients(options).trail(options.name, options.last)
    ]
    if options.json:
        print_json(rows)
        return 0
    for row in rows:
        print(f"{row['at']}  {row['client']:<20}{row['deed']:<12}{row['number']:<20}{row['outcome']}")
    return 0


def _json(client: Client) -> dict[str, Any]:
    return {
        "name": client.name,
        "authorities": sorted(client.authorities),
        "forms": sorted(client.forms),
        "scopes": sorted(client.scopes),
        "made_at": client.made_at.isoformat(timespec="seconds"),
        "revoked_at": client.revoked_at.isoformat(timespec="seconds") if client.revoked_at else None,
    }


def _line(client: Client) -> str:
    said = _json(client)
    ended = f"  revoked {said['revoked_at']}" if client.revoked_at else ""
    lists = "  ".join(",".join(said[name]) for name in ("authorities", "forms", "scopes"))
    return f"{client.name:<20}{lists}{ended}"
