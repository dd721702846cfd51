"""The whole path on one screen: issue, or prepare and complete; rerender, check.

The eight steps have the same numbers here, in the README and in the log.
"""

from __future__ import annotations

from collections.abc import Mapping

from qujat import handover, issuing
from qujat.checking import check
from qujat.decision import Decision
from qujat.handover import Prepared
from qujat.issuing import Issued
from qujat.office import Office
from qujat.register import Document
from qujat.rerendering import Rerendered, rerender

__all__ = [
    "Issued",
    "Office",
    "Prepared",
    "Rerendered",
    "annul",
    "check",
    "complete",
    "issue",
    "prepare",
    "rerender",
    "supersede",
]


def issue(decision: Decision, office: Office) -> Issued:
    """Turn one decision into a signed, registered document that anyone can check.

    The same decision sent twice gives the same document. Raises DecisionError (nothing was issued, nothing is left
    behind), VerificationError (the same, our own certificate is not good), FormError, SigningError or StoreError (send
    the decision again: the work goes on under the same number).
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


def prepare(decision: Decision, office: Office) -> Prepared:
    """Steps 1 to 5 for a document whose signer has his key elsewhere: what he should sign, and a ticket for `complete`.

    The same decision prepared twice gives the same ticket while it is open, and later a new one under the same number.
    Raises AlreadyIssued, and what `issue` raises.
    """
    if before := handover.waiting(decision, office):
        return before
    # fmt: off
    wordings = issuing.wordings(decision, office)                      # 1 find
    issuing.examine(decision, wordings, office, here=False)            # 2 check
    reserved = issuing.reserve(decision, wordings, office)             # 3 number
    # fmt: on
    return _hand_out(reserved, office)


def _hand_out(reserved: Document, office: Office) -> Prepared:
    # fmt: off
    mark = issuing.mark(reserved, office)                              # 4 mark
    unsigned = issuing.render(reserved, mark, office)                  # 5 render
    return handover.hand_out(reserved, mark, unsigned, office)         #   the ticket
    # fmt: on


def complete(ticket: str, signatures: Mapping[str, bytes], office: Office) -> Issued | Prepared:
    """Steps 6 to 8: put the signatures (CMS, by the name of their file) where they belong, check them at once, issue.

    The same signatures sent twice give the same document. Where the form asks for another signer after this one, it
    gives what he should sign. Raises SigningError or VerificationError (nothing was issued, the ticket stays open),
    StoreError.
    """
    back = handover.returned(ticket, signatures, office)
    # fmt: off
    if back.ticket.completion is None:
        signed = handover.signed(back, office)                         # 6 sign: elsewhere; here it is checked
        if back.last:
            mark = handover.mark_of(back, office)
            files = issuing.store(back.document, mark, signed, office)                   # 7 store
            return issuing.record(back.document, files, office, back.completion())       # 8 register
        handover.approve(back, signed, office)
    # fmt: on
    return issuing.finished(back.document, office) or _hand_out(back.document, office)


def annul(number: str, reason: str, office: Office, *, authority: str | None = None) -> None:
    """Enter that a document is no longer in effect. `authority`: its BIN, for a number that several have given.

    Raises UnknownDocument, NumberShared, FieldErrors for an empty reason.
    """
    issuing.end(number, reason, office, authority=authority)


def supersede(number: str, by: str, reason: str, office: Office, *, authority: str | None = None) -> None:
    """Enter that another document took the place of this one, both of `authority` if it is given.

    Raises UnknownDocument, NumberShared.
    """
    issuing.end(number, reason, office, superseded_by=by, authority=authority)
