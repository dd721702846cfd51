"""What is wrong with a draft: everything at once, as the decision that it would become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qujat import issuing
from qujat.amounts import AekDay
from qujat.catalogue import Catalogue
from qujat.decision import Decision, parse
from qujat.errors import FieldError, FieldErrors
from qujat.fields import check
from qujat.languages import Language
from qujat.office import Office
from qujat.server.desk.standing import Standing

# What a page can show though it is wrong: the value is one, it only disagrees with something.
SHOWN_THOUGH_WRONG = frozenset(
    (
        "iin-disagrees",
        "amount-disagrees",
        "amount-unknown",
        "total-disagrees",
        "term-disagrees",
        "day-too-early",
        "repeated-iin",
        "not-with-choice",
        "not-once",
        "wrong-count",
        "day-after-decision",
        "same-person",
    )
)
# What is no fault while somebody is still typing.
NOT_YET = frozenset(("missing-field", "missing", "missing-language", "wrong-count", "not-once", "too-short"))


def judged(raw: Mapping[str, Any], standing: Standing, office: Office) -> tuple[Decision | None, list[FieldError]]:
    """The decision, if nothing is wrong with it; and everything that is."""
    errors = list(_languages(raw["languages"], standing))
    try:
        decision = parse(raw)
    except FieldErrors as wrong:
        faults = [*wrong.errors, *errors, *fields_wrong(raw, standing, office.forms, office.aek_day)]
        return None, _each_once(faults)
    if not errors:
        wordings = {language: standing.wordings[language] for language in decision.languages}
        errors = issuing.wrong_in(decision, wordings, office.forms, office.aek_day)
    else:
        errors += fields_wrong(raw, standing, office.forms, office.aek_day)
    errors = issuing.ahead(decision, office) + errors
    return (None if errors else decision), _each_once(errors)


def _languages(chosen: Sequence[Language], standing: Standing) -> list[FieldError]:
    """Languages that are not held on the day cannot be chosen; a page that was open overnight may still say so."""
    if not chosen:
        return [FieldError("/languages", "no-language", "expected one language or both")]
    missing = [language for language in chosen if language not in standing.wordings]
    return [FieldError("/languages", "language-not-held", f"not held on the day: {', '.join(missing)}")] * bool(missing)


def fields_wrong(raw: Mapping[str, Any], standing: Standing, catalogue: Catalogue, aek_day: AekDay) -> list[FieldError]:
    """What is wrong with the fields alone."""
    specs = standing.specs(raw["languages"])
    return check(specs, raw["fields"], issuing.context_on(standing.day, specs, raw["languages"], catalogue, aek_day))


def _each_once(errors: Sequence[FieldError]) -> list[FieldError]:
    return list({(error.path, error.code): error for error in errors}.values())


def printable(raw: Mapping[str, Any], errors: Sequence[FieldError]) -> dict[str, Any]:
    """The fields without the values that are wrong: what a preview can show."""
    paths = [error.path.split("/")[2:] for error in errors if error.path.startswith("/fields/")]
    codes = [error.code for error in errors if error.path.startswith("/fields/")]
    wrong = [path for path, code in zip(paths, codes, strict=True) if code not in SHOWN_THOUGH_WRONG]
    kept = _without(raw["fields"], wrong)
    assert isinstance(kept, dict)  # noqa: S101  for the type checker: fields are an object
    return kept


def _without(value: Any, wrong: Sequence[Sequence[str]]) -> Any:
    """The value without what stands at these paths below it; entries of lists become None, so that others stay."""
    if isinstance(value, dict):
        gone = {path[0] for path in wrong if len(path) == 1}
        return {
            name: _without(one, [path[1:] for path in wrong if len(path) > 1 and path[0] == name])
            for name, one in value.items()
            if name not in gone
        }
    if isinstance(value, list):
        gone = {path[0] for path in wrong if len(path) == 1}
        return [
            None if str(n) in gone else _without(one, [path[1:] for path in wrong if path[:1] == [str(n)]])
            for n, one in enumerate(value)
        ]
    return value
