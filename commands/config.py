"""qujat config check"""

from __future__ import annotations

from argparse import Namespace

from qujat import settings as configuration
from qujat.commands import print_json

_WRONG = 2


def check(options: Namespace) -> int:
    """qujat config check: one line a finding, with what to do; exit code 2 if one is an error."""
    from qujat.diagnosis import findings

    found = list(findings(configuration.read(options.config)))
    if options.json:
        print_json([{"part": each.part, "state": each.state, "what": each.what} for each in found])
    for each in () if options.json else found:
        print(f"{each.state:<9}{each.part:<15}{each.what}")
    return _WRONG if any(each.state == "error" for each in found) else 0
