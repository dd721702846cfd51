"""qujat issue, check, rerender, annul"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qujat import settings as configuration
from qujat.__main__ import CHECKED, exit_code
from qujat.commands import error_json, print_json, write
from qujat.errors import ConfigurationError, QujatError

if TYPE_CHECKING:
    from qujat.office import Office
    from qujat.pipeline import Issued
    from qujat.verdicts import Verdict
    from qujat.verifier.report import Report


def office(options: Namespace, *, signing: bool = False) -> Office:
    """The office that the options name."""
    from qujat.office import open_office

    return open_office(configuration.read(options.config), signing=signing)


def issue(options: Namespace) -> int:
    """qujat issue DECISION.json… -o DIR. Every decision is tried; the exit code is that of the first failure."""
    desk = office(options, signing=True)
    rows = [issue_one(name, text, desk, options.output) for name, text in _decisions(options.decisions)]
    for row in rows:
        if options.json and len(rows) > 1:
            print(json.dumps(row, ensure_ascii=False))
        elif options.json:
            print_json(row)
        else:
            print_issued(row)
    return next((int(row.pop("exit")) for row in rows if row.get("exit")), 0)


def _decisions(paths: list[Path]) -> Iterator[tuple[str, str]]:
    from qujat.decision import parse_many

    for path in paths:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: expected a decision in UTF-8 JSON: {error}") from error
        if path.suffix == ".jsonl":
            yield from ((f"{path}:{number}", line) for number, line in parse_many(text))
        else:
            yield str(path), text


def issue_one(name: str, text: str, office: Office, folder: Path) -> dict[str, Any]:
    from qujat.decision import parse
    from qujat.pipeline import issue as issue_decision

    try:
        issued = issue_decision(parse(text), office)
        return {"source": name, **issued_json(issued, save(issued, folder))}
    except QujatError as error:
        return {"source": name, "error": error_json(error), "exit": exit_code(error)}


def save(issued: Issued, folder: Path) -> list[str]:
    """Write what people hold: pages, data, signature (the mark stands on the page)."""
    paths = [(folder / f.name, issued.files[f.name]) for f in issued.document.files if f.role != "mark"]
    for path, content in paths:
        write(path, content)
    return [str(path) for path, _ in paths]


def issued_json(issued: Issued, files: list[str]) -> dict[str, Any]:
    """An issued document as JSON, with the paths of its files."""
    return {
        "decision": issued.document.data["id"],
        "number": issued.number,
        "status": issued.document.status,
        "mark": issued.mark,
        "files": files,
        "warnings": [{"code": w.code, "term": w.term, "last_day": str(w.last_day)} for w in issued.warnings],
    }


def print_issued(row: Mapping[str, Any]) -> None:
    if "error" in row:
        print(f"{row['source']}: {row['error']['code']}\n{row['error']['message']}\n")
        return
    print(f"{row['source']}: № {row['number']}")
    for path in row["files"]:
        print(f"  {path}")
    for warning in row["warnings"]:
        print(f"  {warning['code']}: the term {warning['term']} ended on {warning['last_day']}")


def check(options: Namespace) -> int:
    """qujat check FILE|NUMBER|MARK [--data FILE] [--at MOMENT]"""
    from qujat.verdicts import Verdict

    found = _checked(options)
    if options.json:
        print_json(found.as_json())
    elif isinstance(found, Verdict):
        _print_verdict(found)
    else:
        _print_report(found)
    return CHECKED[found.value]


def _checked(options: Namespace) -> Verdict | Report:
    """A file is a document of ours or a stranger's; a number, a code or a mark can only be ours."""
    path = Path(options.what)
    if options.what.startswith(("http://", "https://")) or not path.is_file():
        from qujat.pipeline import check as check_document

        if options.data:
            raise ConfigurationError(f"expected a file with a signature beside --data, came {options.what}")
        return check_document(options.what, office(options), at=options.at, authority=options.authority)
    from qujat.checking import near_file
    from qujat.verifier import uploads

    content, data = _read(path), _read(options.data) if options.data else None
    near = None if data else near_file(path)
    uploads.prepare(content, near)  # it starts while the office opens
    return uploads.check(content, office(options), data=data, near=near, at=options.at)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _print_report(report: Report) -> None:
    """A stranger's file: first that it is none of ours, then the answer, then each signature."""
    described = report.as_json()
    print(f"{report.note['kk']}\n{report.note['ru']}")
    print(f"{report.value.upper()}  {report.code}\n  {described['kk']}\n  {described['ru']}")
    if report.stand_in:
        print("  ДЕМО – не ЭЦП: the trust in it rests on stand-in keys")
    for anchor in report.anchors:
        print(f"  trust     {anchor}")
    for signature in described["signatures"]:
        print(f"  {signature['place']}  {signature['level']}  {signature['verdict']}  {signature['code']}")
        if who := signature["who"]:
            print(f"    {who['name']}, {who['organisation']}; {signature['at'] or '?'} ({signature['at_by']})")
        for reason in signature["reasons"]:
            print(f"    {reason['code']:<28}{reason['ru']}")
    for reason in described["reasons"]:
        print(f"  {reason['code']:<30}{reason['ru']}")


def _print_verdict(verdict: Verdict) -> None:
    described = verdict.as_json()
    print(f"{verdict.value.upper()}  {verdict.code}\n  {described['kk']}\n  {described['ru']}")
    if verdict.stand_in:
        print("  ДЕМО – не ЭЦП: the signature rests on stand-in keys")
    for anchor in verdict.anchors:
        print(f"  trust     {anchor}")
    for name in ("number", "day", "form", "subject"):
        if verdict.document.get(name):
            print(f"  {name:<10}{verdict.document[name]}")
    for answer in verdict.checks:
        print(f"  {answer.name:<14}{answer.value:<15}{answer.code:<20}{answer.detail}")
    _print_basis(described)


def _print_basis(described: Mapping[str, Any]) -> None:
    """The moment, the policy, and each step of the proof."""
    policy = described["policy"]
    days = ", ".join(f"{name} to {day}" for name, day in policy["algorithms"].items())
    print(f"  as of {described['at']}")
    print(f"  policy: the register's record is a proof: {_yes(policy['register_is_proof'])};", end=" ")
    print(f"a timestamp authority is an anchor: {_yes(policy['timestamp_authority_is_anchor'])};")
    print(f"          accepted: {days}")
    for step in described["evidence"]:
        where = f"{step['file']}: " if "file" in step else ""
        print(f"  {where}{step['what']}: good at {step['good_at']} ({step['because']});")
        print(f"          not revoked: {', '.join(step['not_revoked'])}")


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def rerender(options: Namespace) -> int:
    """qujat rerender NUMBER -o DIR"""
    from qujat.pipeline import rerender as rerender_document

    again = rerender_document(options.number, office(options), mark_copy=options.mark_copy, authority=options.authority)
    rows = []
    for page in again.pages:
        path = options.output / page.name
        write(path, page.content)
        rows.append(
            {
                "language": page.language,
                "outcome": page.outcome,
                "where": page.where,
                "file": str(path),
                "recorded": page.recorded,
                "rendered": page.rendered,
                "engine_then": dict(page.engine_then),
                "engine_now": dict(page.engine_now),
                "marked_copy": again.marked_copy,
            }
        )
    if options.json:
        print_json({"number": again.number, "faithful": again.faithful, "pages": rows})
    else:
        for row in rows:
            print(f"{row['language']}  {_outcome(row)}\n  {row['file']}")
    return 0 if again.faithful else 3


def _outcome(row: Mapping[str, Any]) -> str:
    words = {
        "identical": "identical bytes",
        "same-text": f"the engine differs ({row['engine_then']} then, {row['engine_now']} now), the text is identical",
        "different": f"different: {row['where']}",
    }[row["outcome"]]
    copy = " (the file is marked «көшірме / копия»; its bytes differ by that alone)" if row["marked_copy"] else ""
    return words + copy


def annul(options: Namespace) -> int:
    """qujat annul NUMBER --reason TEXT"""
    from qujat.issuing import end

    desk = office(options)
    ended = end(options.number, options.reason, desk, options.superseded_by, authority=options.authority)
    if options.json:
        print_json({"number": ended.number, "status": ended.status, "reason": ended.reason})
    else:
        print(f"№ {ended.number}: {ended.status}")
    return 0
