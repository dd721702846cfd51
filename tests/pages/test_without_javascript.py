"""What the pages say without JavaScript, cookies or style: verdicts, codes, languages, headers, the second factor."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import offices
import pytest
from fastapi import Request
from lxml import html
from pageserver import token
from visitor import Visitor

from qujat import mark as marks
from qujat.blobs import Memory
from qujat.entries import StoredFile
from qujat.errors import RegisterUnreachable
from qujat.rendering import TEMPLATES
from qujat.server.app import application
from qujat.server.pages import holder
from qujat.server.pages.answer import answer
from qujat.server.pages.attempts import Attempts, address_of, network
from qujat.server.pages.words import accepted, words
from qujat.settings import Settings
from qujat.signing.mark_keys import MarkKey, kid_of
from qujat.verdicts import Check
from qujat.verifier.report import begun

TONGUES = ("kk", "ru", "en")
PERSON = {"iin": "910412305665", "birth_date": "12.04.1991"}


def shown(response):
    """The text of a page as one line, and its tree."""
    tree = html.fromstring(response.text)
    for unseen in tree.xpath("//script | //*[@hidden]"):
        unseen.drop_tree()
    return " ".join(tree.text_content().split())


def headline(response):
    return html.fromstring(response.text).findtext(".//h1")


def rows(response):
    """State and word of each of the three verdicts."""
    found = html.fromstring(response.text).xpath("//ul[@id='asked']/li")
    return [(row.get("class"), row.findtext("b")) for row in found]


def ask(client, document, **typed):
    return client.post(f"/d/{token(document)}?lang=en", data=typed)


@pytest.mark.parametrize("tongue", TONGUES)
def test_a_genuine_document_is_told_in_three_verdicts(client, issued, tongue):
    response = client.get(f"/d/{token(issued.genuine)}?lang={tongue}")
    said = words(tongue)
    assert response.status_code == 200
    assert headline(response) == said["headline"]["genuine"]
    expected = [said["authentic"]["good"], said["effect"]["active"], said["edition"]["good"]]
    assert rows(response) == [("good", word) for word in expected]


def test_the_page_shows_what_to_compare_with_the_paper(client, issued):
    data, text = issued.genuine.document.data, shown(client.get(f"/d/{token(issued.genuine)}?lang=ru"))
    code = marks.short_code(issued.genuine.document.token)
    for fact in (data["number"], "02.03.2026", data["authority"]["name"]["ru"], "О*** Е.", code):
        assert fact in text
    assert issued.office.forms.form(data["form"]).title["ru"].lower() in text.lower()


@pytest.mark.parametrize("tongue", TONGUES)
def test_nothing_personal_but_the_mask_goes_out(client, issued, tongue):
    for document in (issued.genuine, issued.annulled, issued.old):
        text = client.get(f"/d/{token(document)}?lang={tongue}").text
        for secret in (
            "Оспанов",
            "Ерлан",
            "910412305665",
            "1991",
            "Ахметова",
            "780515400017",
            "жойылды, ",
            "нақтыланды",
        ):
            assert secret not in text


def test_an_annulled_document_says_so_and_since_when(client, issued):
    response = client.get(f"/d/{token(issued.annulled)}?lang=ru")
    assert response.status_code == 200
    assert headline(response) == words("ru")["headline"]["annulled"]
    assert [state for state, _ in rows(response)] == ["good", "bad", "good"]
    day = (issued.clock.at + timedelta(hours=5)).strftime("%d.%m.%Y")
    assert f"Аннулирован {day}." in shown(response)


def test_a_superseded_document_leads_to_the_one_that_took_its_place(client, issued):
    response = client.get(f"/d/{token(issued.old)}?lang=kk")
    assert headline(response) == words("kk")["headline"]["superseded"]
    (link,) = html.fromstring(response.text).xpath("//ul[@id='asked']//a")
    assert link.text == f"№\N{NO-BREAK SPACE}{issued.new.number}"
    assert link.get("href") == f"/d/{token(issued.new)}?lang=kk"


@pytest.mark.parametrize("path", ["/d/" + "a" * 20, "/c/000000000000"])
@pytest.mark.parametrize("tongue", TONGUES)
def test_what_nobody_issued_is_told_plainly_with_what_to_do(client, path, tongue):
    response = client.get(f"{path}?lang={tongue}")
    said = words(tongue)["missing"]
    assert response.status_code == 404
    assert headline(response) == said["title"]
    for sentence in ("why", "retry", "ask"):
        assert said[sentence] in shown(response)


def test_a_document_that_is_only_reserved_is_none_yet(client, issued):
    from qujat import issuing

    decision = offices.parsed(id="pages-reserved")
    wordings = issuing.wordings(decision, issued.office)
    reserved = issuing.reserve(decision, wordings, issued.office)
    path = marks.token_text(reserved.token)
    answers = client.get(f"/d/{path}"), client.get(f"/d/{path}/files.json"), client.post(f"/d/{path}", data=PERSON)
    assert [response.status_code for response in answers] == [404, 404, 404]
    assert client.get(f"/c/{marks.short_code(reserved.token)}").status_code == 404


def with_mark(issued, text):
    """The genuine document and its office, as if `text` were its mark."""
    blobs = Memory({})
    held = blobs.put(text.encode())
    files = [replace(f, sha256=held) if f.role == "mark" else f for f in issued.genuine.document.files]
    return replace(issued.genuine.document, files=tuple(files)), replace(issued.office, blobs=blobs)


def answered(issued, text, at=None):
    document, office = with_mark(issued, text)
    return answer(document, office, at or issued.clock.at)


def signed_again(issued, **changes):
    """The text of the genuine mark with other claims, signed with the real key."""
    key = issued.office.key_ring().mark_key
    claims = replace(marks.verify(issued.genuine.mark, issued.office.mark_keys), **changes)
    return marks.mark_text(issued.office.address, claims.token, marks.sign(claims, key, kid_of(key.public_key())))


def test_a_document_whose_mark_is_that_of_another_cannot_be_trusted(issued):
    found = answered(issued, issued.new.mark)
    assert (found.headline, found.state, found.rows[0].code) == ("forged", "bad", "bad")


def test_a_mark_signed_by_us_with_other_data_cannot_be_trusted(issued):
    assert answered(issued, signed_again(issued, number="2026-000099")).headline == "forged"


def test_a_document_whose_mark_is_not_in_the_store_is_not_called_authentic(issued):
    found = answer(issued.genuine.document, replace(issued.office, blobs=Memory({})), issued.clock.at)
    assert (found.headline, found.state, found.rows[0].code) == ("unproven", "open", "open")


def test_a_mark_of_a_key_not_known_here_leaves_the_question_open(issued):
    found = answer(issued.genuine.document, replace(issued.office, mark_keys={}), issued.clock.at)
    assert found.headline == "unproven"


def test_a_document_expires_in_the_second_that_its_mark_says(issued):
    ends = int(issued.clock.at.timestamp())
    text = signed_again(issued, expires_at=ends)
    before, then = (answered(issued, text, issued.clock.at + timedelta(seconds=n)) for n in (-1, 0))
    assert (before.headline, before.state) == ("genuine", "good")
    assert (then.headline, then.state, then.rows[1].code) == ("expired", "bad", "expired")


def test_a_document_in_another_edition_than_that_of_its_day_is_told(issued):
    data = issued.genuine.document.data
    editions = {language: {**state, "edition": "2016-01-15"} for language, state in data["editions"].items()}
    changed = replace(issued.genuine.document, data={**data, "editions": editions})
    found = answer(changed, issued.office, issued.clock.at)
    assert (found.rows[2].state, found.rows[2].code) == ("bad", "bad")


def test_a_wrong_edition_in_one_language_goes_before_an_open_one_in_the_other(issued, monkeypatch):
    checks = {
        "kk": Check("edition-kk", "indeterminate", "edition-unknown"),
        "ru": Check("edition-ru", "invalid", "edition-wrong"),
    }
    monkeypatch.setattr("qujat.answers.edition", lambda data, language, catalogue: checks[language])
    found = answer(issued.genuine.document, issued.office, issued.clock.at)
    assert (found.rows[2].state, found.headline) == ("bad", "edition-wrong")


def test_a_superseding_number_that_two_authorities_gave_is_named_without_a_link(client, issued):
    lost = replace(issued.old.document, superseded_by="none")
    assert answer(lost, issued.office, issued.clock.at).superseded_by.token == ""


@pytest.mark.parametrize(
    ("header", "tongue"),
    [
        ("", "kk"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("de-DE, en;q=0.5", "en"),
        ("en;q=0.5, kk-KZ;q=0.8", "kk"),
        ("de, fr", "kk"),
        ("ru;q=0, en;q=0.1", "en"),
        ("ru;q=many", "kk"),
        ("RU", "ru"),
    ],
)
def test_the_language_is_that_of_the_browser_else_kazakh(header, tongue):
    assert accepted(header) == tongue


def test_the_language_of_the_address_goes_before_that_of_the_browser(client):
    assert 'lang="ru"' in client.get("/?lang=ru", headers={"Accept-Language": "en"}).text[:40]
    assert 'lang="en"' in client.get("/?lang=xx", headers={"Accept-Language": "en"}).text[:40]


@pytest.mark.parametrize(
    "typed", [str, str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("-", "")]
)
def test_the_printed_code_leads_to_its_document_however_it_is_typed(client, issued, typed):
    code = marks.short_code(issued.genuine.document.token)
    response = client.post("/c?lang=ru", data={"code": typed(code)})
    assert (response.status_code, response.headers["location"]) == (303, f"/d/{token(issued.genuine)}?lang=ru")


def test_the_code_after_the_printed_address_leads_to_its_document(client, issued):
    code = marks.short_code(issued.genuine.document.token)
    for path in (f"/d/{code}", f"/c/{code.lower()}"):
        assert client.get(path).headers["location"] == f"/d/{token(issued.genuine)}"
    assert 'name="code"' in client.get("/d").text


def test_a_slip_in_the_code_is_told_apart_from_a_code_that_nobody_has(client, issued):
    code = marks.short_code(issued.genuine.document.token)
    slip = code[:-1] + ("0" if code[-1] != "0" else "1")
    response = client.post("/c?lang=en", data={"code": slip})
    assert response.status_code == 422
    assert words("en")["home"]["wrong_code"] in shown(response)
    assert f'value="{slip}"' in response.text


def test_a_mistyped_address_leads_a_browser_to_the_first_page_and_a_program_to_a_problem(client):
    browser = client.get("/verify/?lang=ru", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (browser.status_code, headline(browser)) == (404, words("ru")["page"]["title"])
    assert words("ru")["home"]["lost"] in shown(browser)
    assert client.get("/verify").headers["content-type"] == "application/problem+json"


def test_what_is_typed_never_becomes_markup(client):
    assert "<script>x" not in client.post("/c", data={"code": '"><script>x'}).text


PAGES = (
    "/",
    "/d",
    "/offline",
    "/check",
    "/d/{token}",
    "/d/aaaaaaaaaaaaaaaaaaaa",
    "/d/{token}/files.json",
    "/keys.json",
    "/h/0",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_has_the_headers_of_a_page_that_keeps_nothing(client, issued, path):
    headers = client.get(path.format(token=token(issued.genuine))).headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|\*", policy)
    assert "noindex" in headers["x-robots-tag"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in headers
    assert headers["cache-control"] == ("no-cache" if path == "/keys.json" else "no-store")


def test_without_https_nothing_is_said_of_it(issued):
    office = replace(issued.office, address="http://127.0.0.1")
    headers = Visitor(application(office, Settings())).get("/").headers
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize("path", ["/", "/offline", "/d/{token}", "/d/aaaaaaaaaaaaaaaaaaaa", "/check"])
@pytest.mark.parametrize("tongue", TONGUES)
def test_a_page_has_nothing_inline_and_nothing_from_elsewhere(client, issued, path, tongue):
    tree = html.fromstring(client.get(path.format(token=token(issued.genuine)) + f"?lang={tongue}").text)
    for element in tree.iter("*"):
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"]
        for name in ("src", "href", "action"):
            assert re.match(r"[/#]", element.get(name, "/")), element.get(name)
    assert not tree.xpath("//style")
    assert all(one.get("src") or one.get("type") == "application/json" for one in tree.xpath("//script"))


def test_the_stand_in_says_that_it_is_one(client, issued):
    assert words("kk")["page"]["demo"] in shown(client.get(f"/d/{token(issued.genuine)}"))


@pytest.mark.parametrize(
    ("typed", "outcomes"),
    [
        (PERSON, ["match", "match"]),
        ({"iin": "910412 305665"}, ["match"]),
        ({"birth_date": "1991-04-12"}, ["match"]),
        ({"iin": "910412305665", "birth_date": "13.04.1991"}, ["match", "no_match"]),
        ({"iin": "780515400017"}, ["no_match"]),
        ({"iin": "91041230566"}, ["malformed"]),
        ({"birth_date": "31.02.1991"}, ["malformed"]),
        ({"iin": "9104123056६5"}, ["malformed"]),
    ],
)
def test_the_holder_hears_match_or_no_match_for_each_field(client, issued, typed, outcomes):
    response = ask(client, issued.genuine, **typed)
    said = words("en")["holder"]
    assert response.status_code == 200
    notes = html.fromstring(response.text).xpath("//form[@id='holder']//p[@role='alert']/b/text()")
    assert notes == [said[outcome] for outcome in outcomes]
    assert not any(value in response.text for value in ("910412305665", "1991-04-12", *typed.values()))


def test_nothing_typed_is_no_attempt_and_is_told(client, issued):
    for _ in range(7):
        response = ask(client, issued.genuine, iin=" ")
    assert response.status_code == 200
    assert words("en")["holder"]["nothing"] in shown(response)


def test_after_five_attempts_a_document_answers_no_more_and_says_when(client, issued):
    for _ in range(4):
        ask(client, issued.genuine, iin="780515400017")
    assert ask(client, issued.genuine, **PERSON).status_code == 200
    refused = ask(client, issued.genuine, **PERSON)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert words("en")["holder"]["match"] + "</b>" not in refused.text
    assert "Try again in 15 minutes" in shown(refused)
    assert ask(client, issued.new, **PERSON).status_code == 200


def test_a_malformed_field_costs_no_attempt(client, issued):
    for _ in range(6):
        ask(client, issued.genuine, iin="1")
    assert ask(client, issued.genuine, **PERSON).status_code == 200


def test_one_address_has_twenty_attempts_over_all_documents(client, issued, monkeypatch):
    state = client.app.state
    state.attempts = Attempts(100, 900), Attempts(20, 900)
    statuses = [ask(client, document, iin="780515400017").status_code for document in [issued.genuine, issued.new] * 11]
    assert statuses == [200] * 20 + [429] * 2


def test_attempts_come_back_one_by_one_as_they_grow_old():
    attempts = Attempts(2, 10)
    assert [attempts.wait("a", at) for at in (0, 4, 5, 9.5)] == [0, 0, 5, 1]
    assert attempts.wait("a", 10) == 0
    assert attempts.wait("a", 10) == 4
    assert attempts.wait("b", 10) == 0


@pytest.mark.parametrize(
    ("address", "counted"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::/64"), ("2001:db8::ffff:1", "2001:db8::/64"), ("x", "x")],
)
def test_the_subscriber_of_an_ipv6_network_is_one_address(address, counted):
    assert network(address) == counted


@pytest.mark.parametrize(
    ("came", "forwarded", "counted"),
    [
        ("1.1.1.1", "198.51.100.1", "1.1.1.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "2001:db8::1", "2001:db8::/64"),
        ("x", "198.51.100.1", "x"),
    ],
)
def test_behind_a_proxy_the_visitor_is_counted_and_not_the_proxy(came, forwarded, counted):
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert address_of(Request({"type": "http", "client": (came, 1), "headers": headers})) == counted


def test_a_document_about_nobody_asks_for_nothing(issued):
    data = {"form": "o279-a01", "fields": {"employer_iin": "910412305665"}}
    subjectless = [form for form in issued.office.forms.forms.values() if not form.file.subject]
    data["form"] = subjectless[0].annex
    assert holder.known(data, issued.office.forms) == {}


def test_the_list_of_files_has_the_hash_of_every_signed_file_now_and_before(client, issued):
    document = issued.new.document
    page = next(file for file in document.files if file.role == "page")
    renewed = StoredFile("page", page.language, page.name, "ab" * 32)
    issued.office.register.renew(document, [renewed], issued.clock.at)
    listed = client.get(f"/d/{token(issued.new)}/files.json").json()
    found = {(file["name"], file["sha256"], file["current"]) for file in listed["files"]}
    kept = {(f.name, f.sha256, True) for f in document.files if f.role != "mark" and f is not page}
    assert found == kept | {(page.name, "ab" * 32, True), (page.name, page.sha256, False)}
    assert client.get(f"/h/{page.sha256}").json() == {"document": f"/d/{token(issued.new)}", "current": False}


def test_a_hash_finds_its_document_and_no_other_does(client, issued):
    content = issued.genuine.pdf("ru")
    found = client.get(f"/h/{sha256(content).hexdigest()}")
    assert found.json() == {"document": f"/d/{token(issued.genuine)}", "current": True}
    for other in (sha256(content + b" ").hexdigest(), "0" * 63, "%00", sha256(content).hexdigest().upper()):
        assert client.get(f"/h/{other}").status_code == 404


def test_the_published_keys_have_the_retired_and_the_stolen_with_their_days(issued):
    (key,) = issued.office.mark_keys.values()
    old = MarkKey(b"12345678", key.public_key, key.valid_from, issued.clock.at, issued.clock.at)
    office = replace(issued.office, mark_keys={key.kid: key, old.kid: old})
    client = Visitor(application(office, Settings()))
    response = client.get("/keys.json")
    now, then = response.json()["keys"]
    assert (now["kid"], now["retired_at"], now["compromised_at"]) == (key.kid.hex(), None, None)
    assert then["retired_at"] == then["compromised_at"] == issued.clock.at.isoformat()
    assert len(b64decode(now["public_key"])) == 91
    assert client.get("/keys.json", headers={"If-None-Match": response.headers["etag"]}).status_code == 304


class Silent:
    """A register that does not answer."""

    def __getattr__(self, name):
        def asked(*_):
            raise RegisterUnreachable("the register does not answer")

        return asked


@pytest.mark.parametrize("path", ["/d/{token}", "/c/{code}", "/d/{token}/files.json", "/h/" + "0" * 64])
def test_a_register_that_does_not_answer_is_no_verdict(client, issued, path):
    client.app.state.office = replace(issued.office, register=Silent())
    code = marks.short_code(issued.genuine.document.token)
    response = client.get(path.format(token=token(issued.genuine), code=code) + "?lang=en")
    assert response.status_code == 503
    if "json" not in response.headers["content-type"]:
        assert headline(response) == words("en")["trouble"]["title"]


def send(client, content, tongue="en"):
    return client.post(f"/check?lang={tongue}", files={"file": ("paper.pdf", content)})


def test_a_sent_file_of_ours_gets_the_full_verdict(client, issued):
    response = send(client, issued.genuine.pdf("kk"))
    assert response.status_code == 200
    assert headline(response) == "The document is authentic and in effect."
    code = marks.short_code(issued.genuine.document.token)
    assert html.fromstring(response.text).xpath(f"//a[@href='/c/{code}?lang=en']")


@pytest.mark.parametrize("tongue", TONGUES)
def test_a_sent_file_that_was_tampered_with_is_refuted(client, issued, tongue):
    content = issued.genuine.pdf("kk")
    response = send(client, content[:5000] + bytes([content[5000] ^ 1]) + content[5001:], tongue)
    (said,) = html.fromstring(response.text).xpath("//div[contains(@class, 'said')]")
    assert said.get("class") == "said bad"


def test_a_sent_file_that_is_none_of_ours_never_looks_good(client):
    response = send(client, b"hello")
    assert headline(response) == "This is not a document of ours"
    assert "said good" not in response.text


class Found:
    """Workers that have found this."""

    def __init__(self, report):
        self.report = report

    async def run(self, *_):
        return self.report.as_json()


def test_a_good_signature_of_a_stranger_never_looks_like_a_document_of_ours(client, issued):
    report = begun("pdf", issued.office.trust, issued.clock.at).because("signatures-valid")
    assert report.value == "valid"
    client.app.state.workers = Found(report)
    response = send(client, b"hello")
    assert headline(response) == words("en")["upload"]["stranger"]
    assert html.fromstring(response.text).xpath("//div[starts-with(@class, 'said')]")[0].get("class") == "said open"


def test_a_file_too_large_is_refused_before_it_is_read(client):
    response = client.post(
        "/check?lang=en",
        content=b"",
        headers={"Content-Length": str(68_000_000), "Content-Type": "multipart/form-data; boundary=x"},
    )
    assert response.status_code == 413
    assert words("en")["upload"]["too_large"] in shown(response)


def test_no_file_is_told(client):
    response = client.post("/check?lang=en", files={"other": ("paper.pdf", b"x")})
    assert response.status_code == 422
    assert words("en")["upload"]["none"] in shown(response)


def test_more_files_at_once_than_are_checked_are_told_to_wait(client, issued):
    from anyio import CapacityLimiter

    client.app.state.upload_limiter = CapacityLimiter(0)
    response = send(client, b"hello")
    assert (response.status_code, response.headers["retry-after"]) == (503, "60")


def test_assets_are_kept_for_ever_under_a_name_that_changes_with_them(client):
    page = client.get("/").text
    for address in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page):
        response = client.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    assert client.get("/assets/000000000000/look.css").status_code == 404
    assert client.get("/assets/zxing-wasm-3.1.4/../../pages.toml").status_code == 404


def test_everything_that_the_service_worker_keeps_is_there(client):
    script = client.get("/sw.js").text
    kept = json.loads(re.search(r"KEPT = (\[.*?\]);", script)[1])
    assert {"/?lang=kk", "/offline?lang=ru", "/keys.json"} < set(kept)
    assert [address for address in kept if client.get(address).status_code != 200] == []


def test_only_the_worker_that_reads_codes_may_compile_webassembly(client):
    version = re.search(r"/assets/(\w+)/app.js", client.get("/").text)[1]
    allowed = {}
    for name in ("app.js", "scan.js", "scan-worker.js"):
        allowed[name] = "wasm" in client.get(f"/assets/{version}/{name}").headers.get("content-security-policy", "")
    assert allowed == {"app.js": False, "scan.js": False, "scan-worker.js": True}


def test_the_manifest_names_icons_that_are_there(client):
    described = client.get("/manifest.webmanifest").json()
    assert described["start_url"] == described["scope"] == "/"
    assert all(client.get(icon["src"]).status_code == 200 for icon in described["icons"])


def test_every_text_is_there_in_three_languages_and_in_its_own_letters():
    for name in ("pages.toml", "verdicts.toml"):
        read = tomllib.loads((TEMPLATES / "web" / name).read_text(encoding="utf-8"))
        entries = (
            [entry for table in read.values() for entry in table.values()] if name == "pages.toml" else read.values()
        )
        for entry in entries:
            assert {"kk", "ru", "en"} <= entry.keys(), entry
            for language, text in entry.items():
                assert not _mixed(text), (language, text)


def _mixed(text):
    """Words in which Cyrillic and Latin letters meet: a look-alike has slipped in."""
    scripts = [{unicodedata.name(c).split()[0] for c in word if c.isalpha()} for word in re.findall(r"[^\W\d_]+", text)]
    return [found for found in scripts if len(found) > 1]
