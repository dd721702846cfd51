"""What somebody hands in: a document of ours is checked as one, anything else is verified as a stranger's.

The line is drawn by shape. A PDF that ends in a revision like ours, or an XML of our namespace, is judged by
`checking.check` and by nothing softer. What looks like ours to a person (our attachment, our mark, our words in XML)
and is not in our shape poses as ours, whoever signed it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from qujat.document import ATTACHED, NAMESPACE
from qujat.signing import revision
from qujat.verifier import bounds
from qujat.verifier.report import Report
from qujat.verifier.verification import format_of, verify

if TYPE_CHECKING:
    from qujat.office import Office
    from qujat.verdicts import Verdict

_HEAD = 4096


def check(
    content: bytes,
    office: Office,
    *,
    data: bytes | None = None,
    near: bytes | None = None,
    at: datetime | None = None,
) -> Verdict | Report:
    """The verdict on a document of ours, or the report on another file. Never raises for what a stranger gives.

    `data`: what a detached CMS signed. `near`: the file that lies beside this one, a signature or what it signed.
    """
    from qujat import checking

    if data is None and _are_ours(content, near):
        return checking.check_file(content, office, at=at, near=near)
    data = data or (near if format_of(content) == "cms" else None)
    report = verify(content, data=data, trust=office.trust, at=at or office.clock())
    if report.marks or ATTACHED in report.attachments or report.root.startswith(f"{{{NAMESPACE}}}"):
        return report.because("poses-as-ours")
    return report


def _are_ours(content: bytes, near: bytes | None) -> bool:
    """A file of our shape, or a detached signature beside data of ours."""
    return is_ours(content) or (near is not None and format_of(content) == "cms" and is_ours(near))


def prepare(content: bytes, near: bytes | None = None) -> None:
    """Start what verifies a stranger's file of this format, if this is one: it takes a second, best spent meanwhile."""
    if not _are_ours(content, near):
        bounds.prepare(format_of(content))


def is_ours(content: bytes) -> bool:
    """Whether a file has the shape of a document of ours; whether it is genuine is for `checking.check`."""
    if content.startswith(b"%PDF-"):
        ends = revision.ends(content)
        return len(ends) > 1 and revision.claim_of(content, *ends[:2]) is not None
    return content.lstrip()[:1] == b"<" and NAMESPACE.encode() in content[:_HEAD]
