"""The same decision gives the same bytes: in another process, another time zone, another hash seed, another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import offices
import pytest
from cases import cases, catalogue

from qujat import decision, document, issuing, pages
from qujat.office import Office
from qujat.pipeline import issue

RENDER = """
import hashlib, json, sys
from datetime import UTC, datetime
from qujat import rendering, pages
from qujat.catalogue import load
from qujat.document import Sealed, to_xml

given = json.loads(sys.stdin.read())
data, token, salt = given["data"], bytes.fromhex(given["token"]), bytes.fromhex(given["salt"])
mark = pages.DrawnMark(bytes.fromhex(given["png"]), given["code"], given["address"])
attached = rendering.Attachment("decision.xml", to_xml(Sealed(data, token, salt)), given["about"])
for language in data["languages"]:
    sheet = pages.page(load(), data, language, mark, [attached])
    print(hashlib.sha256(rendering.pdf(sheet)).hexdigest())
"""


@pytest.mark.parametrize(
    "surroundings",
    [
        {"TZ": "Asia/Almaty", "PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8"},
        {"TZ": "America/Caracas", "PYTHONHASHSEED": "4242", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1"},
    ],
    ids=["almaty", "caracas"],
)
def test_another_process_draws_the_same_bytes(surroundings: dict[str, str], office: Office, tmp_path: Path) -> None:
    issued = issue(decision.parse(offices.a_decision()), replace(office, forms=catalogue()))
    found = issued.document
    drawn = issuing.drawn(issued.mark, found.token)
    given = {
        "data": found.data,
        "token": found.token.hex(),
        "salt": found.salt.hex(),
        "png": drawn.png.hex(),
        "code": drawn.code,
        "address": drawn.address,
        "about": f"{found.data['form']} {found.number}",
    }
    done = subprocess.run(
        [sys.executable, "-c", RENDER],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **surroundings},
    )
    assert done.stdout.split() == [file.page for file in found.files if file.role == "page"]


def test_other_pages_in_between_leave_no_trace(office: Office) -> None:
    desk = replace(office, forms=catalogue())
    first = issue(decision.parse(offices.a_decision()), desk)
    for case in cases()[:6]:
        issue(decision.parse(case.decision(long=True)), desk)
    xml = document.to_xml(first.document.sealed)
    drawn = issuing.drawn(first.mark, first.document.token)
    again = issuing.unsigned_page(first.document, "kk", drawn, xml, desk)
    recorded = next(file.page for file in first.document.files if file.language == "kk")
    assert sha256(again).hexdigest() == recorded


def test_the_day_of_a_page_is_the_day_of_its_decision(office: Office) -> None:
    issued = issue(decision.parse(offices.a_decision()), office)
    sheet = pages.page(office.forms, issued.document.data, "kk", issuing.drawn(issued.mark, issued.document.token))
    assert sheet.created.isoformat() == "2026-03-02T00:00:00+05:00"
