"""The whole path on one screen: issue, rerender, check.

The eight steps have the same numbers here, in the README and in the log.
"""

from __future__ import annotations

from qujat import issuing
from qujat.checking import check
from qujat.decision import Decision
from qujat.issuing import Issued
from qujat.office import Office
from qujat.rerendering import Rerendered, rerender

__all__ = ["Issued", "Office", "Rerendered", "annul", "check", "issue", "rerender", "supersede"]


def issue(decision: Decision, office: Office) -> Issued:
    """Turn one decision into a signed, registered document that anyone can check.

    The same decision sent twice gives the same document. Raises DecisionError (nothing was issued, nothing is left
    behind), FormError, SigningError or StoreError (send the decision again: the work goes on under the same number).
    """
    if before := issuing.issued_before(decision, office):
        return before
    # fmt: off
    wordings = issuing.wordings(decision, office)              # 1 find what the law prescribed that day
    issuing.examine(decision, wordings, office)                # 2 check: nothing missing, nothing extra
    reserved = issuing.reserve(decision, wordings, office)     # 3 number it: same decision, same number
    mark = issuing.mark(reserved, office)                      # 4 mark it: what the applicant will scan
    unsigned = issuing.render(reserved, mark, office)          # 5 render: same inputs, same bytes
    signed = issuing.sign(reserved, unsigned, office)          # 6 sign: the only step that needs a key
    files = issuing.store(reserved, mark, signed, office)      # 7 store, each file under its own hash
    return issuing.record(reserved, files, office)             # 8 register: from now on the mark answers
    # fmt: on


def annul(number: str, reason: str, office: Office) -> None:
    """Enter that a document is no longer in effect. Raises UnknownDocument, FieldErrors for an empty reason."""
    issuing.end(number, reason, office)


def supersede(number: str, by: str, reason: str, office: Office) -> None:
    """Enter that another document took the place of this one. Raises UnknownDocument."""
    issuing.end(number, reason, office, superseded_by=by)
