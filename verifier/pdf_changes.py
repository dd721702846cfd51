"""What was added to a PDF after a signature: evidence, timestamps and unseen signatures may be; nothing else.

pyHanko's difference analysis, with fewer rules than its default: no form fields, no objects that nothing refers to. And
a later signature may not draw anything: what the earlier signer saw is what stands there now.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    CatalogModificationRule,
    DiffResult,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    XrefStreamRule,
)
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm

from qujat.verifier.pdf_signatures import Placed, entry
from qujat.verifier.report import Objection


def _made(rule: Any) -> Any:
    """A rule of pyHanko's, whose constructors are not typed."""
    return rule()


_POLICY = StandardDiffPolicy(
    global_rules=[
        _made(CatalogModificationRule),
        *(
            _made(rule).as_qualified(ModificationLevel.LTA_UPDATES)
            for rule in (DocInfoRule, XrefStreamRule, ObjectStreamRule, DSSCompareRule, MetadataUpdateRule)
        ),
    ],
    form_rule=FormUpdatingRule(field_rules=[_made(SigFieldCreationRule), _made(SigFieldModificationRule)]),
    ignore_orphaned_objects=False,
)
# What it found is in its answer; its warnings would only repeat it, with a stranger's words.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)


def check(reader: PdfFileReader, signature: Placed, found: Sequence[Placed], size: int) -> None:
    """Return if everything after this signature is covered by a later one and changed nothing. Raises Objection."""
    last = max(each.covered for each in found)
    if signature.revision + 1 < reader.xrefs.total_revisions:
        _check_changes(reader, signature)
        _check_nothing_drawn(signature, found)
    if last != size:
        covered = max(each.revision for each in found)
        raise Objection("evidence-not-covered" if covered + 1 < reader.xrefs.total_revisions else "not-whole-file")


def _check_changes(reader: PdfFileReader, signature: Placed) -> None:
    permitted, locked = _permission(signature), _locked(signature)
    strict = _POLICY.review_file(reader, signature.revision, field_mdp_spec=locked, doc_mdp=permitted)
    if isinstance(strict, DiffResult) and _within(strict, permitted):
        return
    usual = DEFAULT_DIFF_POLICY.review_file(reader, signature.revision, field_mdp_spec=locked, doc_mdp=permitted)
    if isinstance(usual, DiffResult) and permitted is not None and _within(usual, permitted):
        raise Objection("changed-as-permitted", usual.modification_level.name.lower())
    raise Objection("changed-after-signing")


def _within(result: DiffResult, permitted: MDPPerm | None) -> bool:
    """Evidence always; further signatures too, unless a certification forbids them (ISO 32000-2 12.8.2.2)."""
    level = result.modification_level
    if level.value <= ModificationLevel.LTA_UPDATES.value:
        return True
    allowed = MDPPerm.FILL_FORMS if permitted is None else permitted
    return bool(level.value <= allowed.value)


def _check_nothing_drawn(signature: Placed, found: Sequence[Placed]) -> None:
    for later in found:
        if later.revision > signature.revision and _draws(later.field_object):
            raise Objection("later-appearance", later.name[:60])


def _draws(owner: Any) -> bool:
    """Whether a field, or one of its widgets, has an area on a page."""
    kids = [kid.get_object() for kid in entry(owner, "/Kids", ())]
    return any(_area(entry(each, "/Rect", ())) for each in (owner, *kids))


def _area(rectangle: Any) -> float:
    if len(rectangle) != 4:
        return 0.0
    x0, y0, x1, y1 = (float(side) for side in rectangle)
    return abs((x1 - x0) * (y1 - y0))


def _permission(signature: Placed) -> MDPPerm | None:
    """DocMDP of a certification, or of the field's lock (ISO 32000-2 12.8.2.2, 12.7.5.5)."""
    parameters = _parameters(signature, "/DocMDP")
    if parameters is not None:
        return MDPPerm(int(entry(parameters, "/P", 2)))
    lock = entry(signature.field_object, "/Lock")
    return MDPPerm(int(lock["/P"])) if lock is not None and "/P" in lock else None


def _locked(signature: Placed) -> FieldMDPSpec | None:
    parameters = _parameters(signature, "/FieldMDP")
    return FieldMDPSpec.from_pdf_object(parameters) if parameters is not None else None


def _parameters(signature: Placed, method: str) -> Any:
    for reference in entry(signature.dictionary_object, "/Reference", ()):
        transform = reference.get_object()
        if entry(transform, "/TransformMethod") == method:
            return entry(transform, "/TransformParams", {})
    return None
