"""Who comes in, how long he stays, and what others can make his browser do: nothing."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import replace

import deskserver
import pytest
from deskserver import CLERK, PASSWORD, STRANGER, Place, Visitor

from qujat.errors import ConfigurationError
from qujat.server.desk import clerks, sessions, trail
from qujat.server.desk.tables import SESSION

# Before the tests make it cheaper.
AS_SHIPPED = clerks.COST

PAGES = ("/office", "/office/forms", "/office/forms/o20-a05", "/office/axis", "/office/documents", "/office/drafts/x")


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_a_session(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/office/login")


def test_the_right_password_opens_the_office(visitor: Visitor) -> None:
    visitor.login()
    assert visitor.get("/office").status_code == 200


def test_a_name_is_known_in_any_letters(visitor: Visitor) -> None:
    assert visitor.login(name=" AIGERIM ").status_code == 303


@pytest.mark.parametrize(("name", "password"), [(CLERK, "биік таудың басы!"), ("nobody", PASSWORD), ("", "")])
def test_anything_else_opens_nothing(visitor: Visitor, name: str, password: str) -> None:
    answer = visitor.login(name, password)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_an_unknown_name_is_refused_in_the_same_words_as_a_wrong_password(visitor: Visitor) -> None:
    wrong, unknown = visitor.login(CLERK, "x" * 20), visitor.login("nobody", "x" * 20)
    assert wrong.text.replace(CLERK, "nobody") == unknown.text


def test_an_unknown_name_costs_the_same_work(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(clerks, "_fits", lambda kept, password: asked.append(kept.split("$")[3]) or False)
    clerks.admitted(place.store, "nobody", PASSWORD)
    clerks.admitted(place.store, CLERK, PASSWORD)
    assert asked[0] == asked[1]


def test_guessing_a_password_is_as_dear_as_rfc_9106_recommends() -> None:
    assert AS_SHIPPED == (3, 65536, 4)


def test_passwords_are_kept_as_argon2id(place: Place) -> None:
    with place.store.open() as db:
        kept = [row.password for row in db.exec_driver_sql("SELECT password FROM desk_clerk")]
    assert all(one.startswith("$argon2id$") for one in kept)


def test_too_many_attempts_must_wait(visitor: Visitor) -> None:
    statuses = [visitor.login(CLERK, f"wrong {n} wrong").status_code for n in range(8)]
    answer = visitor.login()
    assert statuses == [401] * 8
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_the_session_gets_a_new_id_at_the_login(visitor: Visitor) -> None:
    visitor.cookies.set("office", "chosen by somebody else")
    visitor.login()
    kept = visitor.cookies.get("office", domain="office.test") or list(visitor.cookies.jar)[-1].value
    assert kept != "chosen by somebody else"


def test_a_login_ends_the_session_of_before(place: Place, visitor: Visitor) -> None:
    visitor.login()
    before = next(iter(visitor.cookies.jar)).value or ""
    visitor.login()
    assert sessions.of_cookie(place.store, before) is None


def test_the_cookie_is_for_this_server_alone(visitor: Visitor) -> None:
    said = visitor.login().headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(re.split(r"; ?", said))
    assert "domain" not in said


def test_over_https_the_cookie_is_bound_to_the_host(place: Place) -> None:
    safe = replace(place, office=replace(place.office, address="https://qujat.example"))
    visitor = Visitor(safe.app(), "https://office.test")
    said = visitor.login().headers["set-cookie"]
    assert said.startswith("__Host-office=")
    assert "secure" in said.lower()


def test_the_cookie_is_kept_only_as_its_hash(place: Place, visitor: Visitor) -> None:
    visitor.login()
    cookie = next(iter(visitor.cookies.jar)).value
    with place.store.open() as db:
        kept = [row.id for row in db.execute(SESSION.select())]
    assert cookie not in kept


def test_an_idle_session_ends(place: Place, visitor: Visitor) -> None:
    visitor.login()
    place.clock.step(minutes=45)
    assert visitor.get("/office").status_code == 303


def test_a_used_session_goes_on(place: Place, visitor: Visitor) -> None:
    visitor.login()
    for _ in range(3):
        place.clock.step(minutes=40)
        assert visitor.get("/office").status_code == 200


def test_no_session_outlasts_a_working_day(place: Place, visitor: Visitor) -> None:
    visitor.login()
    for _ in range(15):
        place.clock.step(minutes=40)
        visitor.get("/office")
    assert visitor.get("/office").status_code == 303


def test_who_goes_out_is_out(visitor: Visitor) -> None:
    visitor.login()
    cookie = next(iter(visitor.cookies.jar)).value or ""
    visitor.press("/office/logout")
    visitor.cookies.set("office", cookie, domain="office.test")
    assert visitor.get("/office").status_code == 303


def test_a_clerk_who_is_removed_is_out_at_once(place: Place, visitor: Visitor) -> None:
    clerks.add(place.store, "leaving", deskserver.OTHER_BIN, PASSWORD)
    visitor.login("leaving")
    clerks.remove(place.store, "leaving")
    assert visitor.get("/office").status_code == 303
    assert visitor.login("leaving").status_code == 401


def test_a_clerk_who_is_removed_while_he_comes_in_is_not_in(place: Place) -> None:
    leaving = clerks.add(place.store, "leaving.too", deskserver.OTHER_BIN, PASSWORD)
    clerks.remove(place.store, leaving.name)
    assert sessions.of_cookie(place.store, sessions.start(place.store, leaving, "ru")) is None


@pytest.mark.parametrize("token", ["", "another"])
def test_what_does_not_bring_the_token_of_the_session_is_refused(visitor: Visitor, token: str) -> None:
    visitor.login()
    answer = visitor.send("/office/drafts", {"form": "o20-n01", "token": token})
    assert answer.status_code == 403


def test_the_token_of_another_session_is_refused(visitor: Visitor) -> None:
    visitor.login()
    other = deskserver.logged_in(visitor.app, STRANGER)
    assert visitor.send("/office/drafts", {"form": "o20-n01", "token": other.token()}).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_what_another_site_sends_is_refused(visitor: Visitor, origin: str) -> None:
    visitor.login()
    fields = {"form": "o20-n01", "token": visitor.token()}
    assert visitor.send("/office/drafts", fields, origin=origin).status_code == 403


def test_a_login_from_another_site_is_refused(visitor: Visitor) -> None:
    answer = visitor.send("/office/login", {"name": CLERK, "password": PASSWORD}, origin="https://evil.example")
    assert answer.status_code == 403


def test_a_browser_that_tells_of_another_site_is_believed(visitor: Visitor) -> None:
    visitor.login()
    fields = {"form": "o20-n01", "token": visitor.token()}
    assert visitor.send("/office/drafts", fields, sec_fetch_site="cross-site").status_code == 403


@pytest.mark.parametrize("path", ["/office", "/office/login", "/office/nothing"])
def test_pages_are_kept_nowhere_framed_nowhere_and_hold_nothing_from_elsewhere(visitor: Visitor, path: str) -> None:
    visitor.login()
    found = visitor.get(path).headers
    assert found["cache-control"] == "no-store"
    assert found["x-frame-options"] == "DENY"
    assert found.get_list("referrer-policy") == ["same-origin"]
    assert "default-src 'none'" in found["content-security-policy"]
    assert "frame-ancestors 'none'" in found["content-security-policy"]
    assert "unsafe" not in found["content-security-policy"]


def test_a_page_holds_no_script_and_no_style_of_its_own(visitor: Visitor) -> None:
    visitor.login()
    page = visitor.get(visitor.begin("o20-a05")).text
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=", page)


def test_the_files_of_the_store_are_for_their_owner_alone(place: Place) -> None:
    kept = list(place.settings.root.glob("desk.sqlite*"))
    assert kept
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}


def test_the_trail_tells_who_came_in_and_nothing_personal(place: Place, visitor: Visitor) -> None:
    visitor.login("somebody with a secret in his name", "wrong")
    visitor.login()
    told = [(row.clerk, row.deed, row.outcome) for row in trail.newest(place.store, 2)]
    assert told == [("", "login", "refused"), (CLERK, "login", "ok")]


def test_the_language_of_a_clerk_stays(visitor: Visitor) -> None:
    visitor.login()
    visitor.get("/office?lang=kk")
    assert '<html lang="kk">' in visitor.get("/office/forms").text


@pytest.mark.parametrize(
    ("name", "bin", "password"),
    [("a b", deskserver.OTHER_BIN, PASSWORD), ("a", "123", PASSWORD), ("a", deskserver.OTHER_BIN, "short")],
)
def test_a_clerk_needs_a_name_an_authority_and_a_long_password(
    place: Place, name: str, bin: str, password: str
) -> None:
    with pytest.raises(ConfigurationError):
        clerks.add(place.store, name, bin, password)


def test_a_name_is_given_once(place: Place) -> None:
    with pytest.raises(ConfigurationError, match="new name"):
        clerks.add(place.store, CLERK.upper(), deskserver.OTHER_BIN, PASSWORD)


def test_clerks_are_made_from_the_shell(tmp_path, monkeypatch, capsys) -> None:
    from qujat.__main__ import main

    monkeypatch.setenv("QUJAT_HOME", str(tmp_path))
    monkeypatch.setenv("QUJAT_CLERK_PASSWORD", PASSWORD)
    assert main(["clerks", "add", "marat", "--authority", deskserver.OTHER_BIN, "--forms", "o20-a05"]) == 0
    capsys.readouterr()
    assert main(["clerks", "list", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["forms"], found["removed_at"]) == ("marat", ["o20-a05"], None)


def test_a_password_in_a_file_that_others_may_read_is_refused(tmp_path, monkeypatch, capsys) -> None:
    from qujat.__main__ import main

    monkeypatch.setenv("QUJAT_HOME", str(tmp_path))
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o644)
    arguments = ["clerks", "add", "marat", "--authority", deskserver.OTHER_BIN]
    assert main([*arguments, "--password-file", str(tmp_path / "password")]) != 0
