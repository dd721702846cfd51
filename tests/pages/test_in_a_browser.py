"""The pages in real Chromium: the offline proof, the camera, a dropped file, no network, no script, people's needs."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace

import cbor2
import pytest
from pageserver import fragment, token
from playwright.sync_api import expect

from qujat import mark as marks
from qujat.errors import Indeterminate, MarkInvalid
from qujat.server.pages.words import words
from qujat.signing.mark_keys import kid_of, mark_keys_json

TONGUES = ("kk", "ru", "en")
RU = words("ru")


def scanned(document, tongue="ru"):
    """The path that a phone opens."""
    return f"/d/{token(document)}?lang={tongue}{fragment(document)}"


def headline(page):
    return page.get_by_role("heading", level=1)


def proof(page):
    return page.locator("#proof")


def test_the_mark_is_proved_by_the_device_and_leaves_the_address_bar(open_in, issued):
    page = open_in(scanned(issued.genuine))
    expect(proof(page)).to_have_text(RU["js"]["proved"])
    expect(headline(page)).to_have_text(RU["headline"]["genuine"])
    assert "#" not in page.url


def test_another_language_of_the_page_proves_the_mark_again(open_in, issued):
    page = open_in(scanned(issued.genuine))
    expect(proof(page)).to_be_visible()
    page.get_by_role("link", name="Қазақша").click()
    expect(proof(page)).to_have_text(words("kk")["js"]["proved"])


def tampered(document, at=200):
    digits = fragment(document)
    return digits[:at] + str((int(digits[at]) + 1) % 10) + digits[at + 1 :]


def test_a_tampered_fragment_condemns_the_page(open_in, issued):
    page = open_in(f"/d/{token(issued.genuine)}?lang=ru{tampered(issued.genuine)}")
    expect(proof(page)).to_have_text(RU["js"]["refuted"])
    expect(headline(page)).to_have_text(RU["headline"]["forged"])
    expect(page.locator("#said")).to_have_class("said bad")
    expect(page.locator("#asked li b:visible")).to_have_text([RU["authentic"]["bad"]])


def test_the_proof_of_another_document_condemns_the_page(open_in, issued):
    page = open_in(f"/d/{token(issued.genuine)}?lang=ru{fragment(issued.new)}")
    expect(headline(page)).to_have_text(RU["headline"]["forged"])


def test_an_annulled_document_is_told_beside_its_right_signature(open_in, issued):
    page = open_in(scanned(issued.annulled))
    expect(proof(page)).to_have_text(RU["js"]["proved"])
    expect(headline(page)).to_have_text(RU["headline"]["annulled"])


def signed(issued, head=None, **changes):
    """A COSE of our own key over claims of any shape: what only its owner, or a fault of ours, could make."""
    key = issued.office.key_ring().mark_key
    _, scanned_mark = issued, marks.read_text(issued.genuine.mark)
    protected, _, content, _ = cbor2.loads(scanned_mark.cose).value
    protected = protected if head is None else cbor2.dumps(head, canonical=True)
    claims = cbor2.loads(content)
    for name, value in changes.items():
        number = int(name.lstrip("c").replace("_", "-"))
        claims = {k: v for k, v in claims.items() if k != number} | ({} if value is None else {number: value})
    return _sealed(key, protected, cbor2.dumps(claims, canonical=True))


def _sealed(key, protected, content, unprotected=None):
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    tbs = cbor2.dumps(["Signature1", protected, b"", content], canonical=True)
    r, s = decode_dss_signature(key.sign(tbs, ec.ECDSA(SHA256())))
    whole = [protected, unprotected or {}, content, r.to_bytes(32) + s.to_bytes(32)]
    return cbor2.dumps(cbor2.CBORTag(18, whole), canonical=True)


def digits_of(cose, frame=b"\x01"):
    return str(int.from_bytes(frame + cose))


def hostile(issued):
    """Digits of marks right and wrong, by what is done to them."""
    cose = marks.read_text(issued.genuine.mark).cose
    key = issued.office.key_ring().mark_key
    kid = kid_of(key.public_key())
    protected, _, content, _ = cbor2.loads(cose).value
    said = cbor2.loads(content)[-70001]
    yield "genuine", digits_of(cose)
    yield "in another frame", digits_of(cose, b"\x02")
    yield "one byte more", digits_of(cose + b"\0")
    yield "one byte less", digits_of(cose[:-1])
    yield "without its tag", digits_of(cose[1:])
    yield "under another tag", digits_of(b"\xd1" + cose[1:])
    yield "indefinite", digits_of(b"\xd2\x9f" + cose[2:] + b"\xff")
    yield "its tag in two bytes", digits_of(b"\xd8\x12" + cose[1:])
    yield "with an unprotected header", digits_of(_sealed(key, protected, content, {9: 9}))
    yield "with another algorithm", digits_of(signed(issued, {1: -8, 4: kid}))
    yield "with a third header", digits_of(signed(issued, {1: -7, 4: kid, 9: 0}))
    yield "with a short kid", digits_of(signed(issued, {1: -7, 4: kid[:7]}))
    yield "with an unknown kid", digits_of(signed(issued, {1: -7, 4: b"12345678"}))
    yield "with its keys not in order", digits_of(_sealed(key, b"\xa2\x04\x48" + kid + b"\x01\x26", content))
    yield "with a key twice", digits_of(_sealed(key, b"\xa2\x01\x26\x01\x26", content))
    yield "of another issuer", digits_of(signed(issued, c1="XX"))
    yield "with an end", digits_of(signed(issued, c4=4_000_000_000))
    yield "with an end that is text", digits_of(signed(issued, c4="never"))
    yield "with a claim too many", digits_of(signed(issued, c9=1))
    yield "without its time", digits_of(signed(issued, c6=None))
    yield "of another document", digits_of(signed(issued, c7=b"123456789012"))
    yield "with a short token", digits_of(signed(issued, c7=b"12345"))
    yield "without its document", digits_of(signed(issued, c_70001=None))
    yield "of version 2", digits_of(signed(issued, c_70001=[2, *said[1:]]))
    yield "of a version that is text", digits_of(signed(issued, c_70001=["1", *said[1:]]))
    yield "with a member less", digits_of(signed(issued, c_70001=said[:-1]))
    yield "with a short digest", digits_of(signed(issued, c_70001=[*said[:6], said[6][:31], said[7]]))
    yield "with a number that is none", digits_of(signed(issued, c_70001=[*said[:4], 5, *said[5:]]))
    yield "with a number that is empty", digits_of(signed(issued, c_70001=[*said[:4], "", *said[5:]]))
    yield "with an edition that is a list", digits_of(signed(issued, c_70001=[*said[:2], [], *said[3:]]))
    yield "with an edition that is a day", digits_of(signed(issued, c_70001=[*said[:2], 20_000, *said[3:]]))
    yield "with an edition not packed", digits_of(signed(issued, c_70001=[*said[:2], "2026-01-01", *said[3:]]))
    yield "with a whole name", digits_of(signed(issued, c_70001=[*said[:7], "Оспанов Ерлан"]))
    yield "about nobody", digits_of(signed(issued, c_70001=[*said[:7], ""]))
    yield "with a day that is text", digits_of(signed(issued, c_70001=[*said[:5], "2026-03-02", *said[6:]]))
    yield "before its key", digits_of(signed(issued, c6=int(issued.clock.at.timestamp()) - 90 * 86400))
    yield "with claims that are a list", digits_of(_sealed(key, protected, cbor2.dumps([1])))
    yield "with claims that are no CBOR", digits_of(_sealed(key, protected, b"\xff"))
    yield "with text that is no UTF-8", digits_of(_sealed(key, protected, content.replace(b"bKZ", b"b\xff\xff")))
    yield "nothing", "0"
    yield "a leading zero", "0" + digits_of(cose)
    yield "no digits", "12x4"
    yield "far too long", "9" * 2000
    for at in range(0, len(cose), 7):
        yield f"with byte {at} flipped", digits_of(cose[:at] + bytes([cose[at] ^ 4]) + cose[at + 1 :])


def by_python(issued, digits, keys):
    path = f"https://qujat.example/d/{token(issued.genuine)}"
    try:
        claims = marks.verify(f"{path}#{digits}", keys)
    except Indeterminate:
        return "open"
    except MarkInvalid:
        return "bad"
    return [claims.form, claims.edition, claims.number, claims.day.isoformat(), claims.subject, claims.expires_at]


BY_SCRIPT = """async ([token, all, keys]) => {
  const version = document.querySelector("script[src]").src.split("/").at(-2);
  const { verify, Unknown } = await import(`/assets/${version}/mark.js`);
  return Promise.all(all.map((digits) => verify(token, digits, keys).then(
    (said) => [said.form, said.edition, said.number, said.day, said.subject, said.expiresAt ?? null],
    (error) => error instanceof Unknown ? "open" : "bad")));
}"""


def by_script(page, issued, digits, keys):
    import json

    published = json.loads(mark_keys_json(keys.values()))["keys"]
    return page.evaluate(BY_SCRIPT, [token(issued.genuine), digits, published])


def test_the_script_judges_every_hostile_mark_as_the_server_does(open_in, issued):
    named = dict(hostile(issued))
    keys = issued.office.mark_keys
    found = by_script(open_in("/"), issued, list(named.values()), keys)
    expected = [by_python(issued, digits, keys) for digits in named.values()]
    assert dict(zip(named, found, strict=True)) == dict(zip(named, expected, strict=True))
    assert {kind for kind in map(str, expected) if len(kind) < 5} == {"open", "bad"}
    assert sum(isinstance(one, list) for one in expected) == 4


def test_the_script_judges_the_days_of_a_key_as_the_server_does(open_in, issued):
    (key,) = issued.office.mark_keys.values()
    claims = marks.verify(issued.genuine.mark, issued.office.mark_keys)
    page, digits = open_in("/"), [fragment(issued.genuine)[1:]]
    from datetime import UTC, datetime, timedelta

    made = datetime.fromtimestamp(claims.issued_at, UTC)
    outcomes = []
    for name in ("valid_from", "retired_at", "compromised_at"):
        for seconds in (-1, 0, 0.5, 1):
            keys = {key.kid: replace(key, **{name: made + timedelta(seconds=seconds)})}
            (found,) = by_script(page, issued, digits, keys)
            assert found == by_python(issued, digits[0], keys), (name, seconds)
            outcomes.append(found == "bad")
    assert True in outcomes
    assert False in outcomes


def kept_offline(open_in):
    """A page of a visitor who was here once and has no network now."""
    page = open_in("/")
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("navigator.serviceWorker.controller")
    page.context.set_offline(True)
    return page


def test_without_a_network_a_genuine_mark_is_proved_and_its_status_is_unknown(open_in, issued):
    page = kept_offline(open_in)
    page.goto(scanned(issued.genuine))
    expect(headline(page)).to_have_text(RU["js"]["offline"])
    answers = [row.text_content() for row in page.locator("#asked li b").all()]
    assert answers == [RU["js"]["genuine"], RU["js"]["effect"], RU["js"]["effect"]]
    expect(page.locator("#number")).to_have_text(issued.genuine.number)
    expect(page.locator("#day")).to_have_text("02.03.2026")
    expect(page.locator("#asked .line").first).to_contain_text("Список ключей от")
    assert "#" not in page.url


def test_without_a_network_an_annulled_document_is_never_called_in_effect(open_in, issued):
    page = kept_offline(open_in)
    page.goto(scanned(issued.annulled))
    expect(headline(page)).to_have_text(RU["js"]["offline"])
    assert page.locator("#said.good").count() == 0


def test_without_a_network_a_tampered_mark_is_refuted(open_in, issued):
    page = kept_offline(open_in)
    page.goto(f"/d/{token(issued.genuine)}?lang=kk{tampered(issued.genuine)}")
    expect(headline(page)).to_have_text(words("kk")["headline"]["forged"])
    expect(page.locator("#asked li").first).to_have_class("bad")
    expect(page.locator("#facts")).to_be_hidden()


def test_without_a_network_a_link_without_a_proof_says_what_is_missing(open_in, issued):
    page = kept_offline(open_in)
    page.goto(f"/d/{token(issued.genuine)}?lang=en")
    expect(proof(page)).to_have_text(words("en")["js"]["noproof"])
    page.goto("/?lang=en")
    expect(headline(page)).to_have_text(words("en")["page"]["title"])


def test_a_browser_would_install_the_page(open_in):
    page = open_in("/")
    page.evaluate("navigator.serviceWorker.ready")
    found = page.context.new_cdp_session(page).send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error for error in found if error["errorId"] != "in-incognito"] == []


def test_the_camera_reads_the_printed_code_and_the_document_answers(open_in, issued):
    page = open_in("/?lang=ru")
    page.get_by_role("button", name=RU["home"]["scan"]).click()
    page.wait_for_url(re.compile(f"/d/{token(issued.genuine)}"))
    expect(headline(page)).to_have_text(RU["headline"]["genuine"])
    expect(proof(page)).to_have_text(RU["js"]["proved"])


def test_the_reader_of_codes_is_loaded_only_when_it_is_wanted(open_in):
    asked = []
    page = open_in("about:blank")
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/?lang=ru")
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if "zxing" in url or "scan" in url] == []


def test_a_camera_that_is_refused_is_told(open_in):
    page = open_in("about:blank")
    page.add_init_script("navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no'))")
    page.goto("/?lang=ru")
    page.get_by_role("button", name=RU["home"]["scan"]).click()
    expect(page.locator("#scan .note")).to_have_text(RU["scan"]["no_camera"])


DROP = """([content, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name, { type: "application/pdf" }));
  for (const kind of ["dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def drop(page, content):
    """Drop a file on the page; the requests that this led to."""
    asked = []
    page.on("request", lambda request: asked.append(request))
    page.wait_for_selector("form.drop")
    page.evaluate(DROP, [b64encode(content).decode(), "шешім.pdf"])
    return asked


def compared(page):
    return page.locator("#compared")


@pytest.mark.parametrize("path", ["/d/{token}?lang=ru", "/?lang=ru"])
def test_a_dropped_genuine_file_is_known_and_stays_where_it_is(open_in, issued, path):
    page = open_in(path.format(token=token(issued.genuine)))
    asked = drop(page, issued.genuine.pdf("ru"))
    expect(compared(page)).to_contain_text(RU["files"]["current"])
    expect(page.get_by_role("button", name=RU["file"]["send"])).to_be_hidden()
    assert {(request.method, request.post_data_buffer) for request in asked} == {("GET", None)}


@pytest.mark.parametrize("path", ["/d/{token}?lang=ru", "/?lang=ru"])
def test_a_dropped_tampered_file_is_told_and_sent_only_when_its_owner_says_so(open_in, issued, path):
    page, content = open_in(path.format(token=token(issued.genuine))), issued.genuine.pdf("ru")
    asked = drop(page, content[:4000] + bytes([content[4000] ^ 1]) + content[4001:])
    expect(compared(page)).to_contain_text(RU["files"]["other"])
    assert {request.method for request in asked} == {"GET"}
    page.get_by_role("button", name=RU["file"]["send"]).click()
    expect(page.locator(".said.bad h1")).to_be_visible()
    assert [request.url.split("?")[0].rpartition("/")[2] for request in asked if request.method == "POST"] == ["check"]


def test_a_genuine_file_of_another_document_is_not_this_one(open_in, issued):
    page = open_in(f"/d/{token(issued.genuine)}?lang=ru")
    drop(page, issued.annulled.pdf("ru"))
    expect(compared(page)).to_contain_text(RU["files"]["other"])


def test_from_the_first_page_a_known_file_leads_to_its_document(open_in, issued):
    page = open_in("/?lang=ru")
    drop(page, issued.annulled.pdf("ru"))
    page.get_by_role("link", name=RU["files"]["open"]).click()
    expect(headline(page)).to_have_text(RU["headline"]["annulled"])


def test_a_comparison_that_fails_is_no_answer(open_in, issued):
    page = open_in("/?lang=ru", service_workers="block")
    page.wait_for_selector("form.drop")
    page.context.set_offline(True)
    drop(page, b"%PDF-")
    expect(compared(page)).to_have_text(RU["files"]["failed"])


def test_without_javascript_a_visitor_sees_types_and_sends(open_in, issued, tmp_path):
    page = open_in("/?lang=ru", java_script_enabled=False)
    page.get_by_label(RU["home"]["code_label"]).fill(marks.short_code(issued.genuine.document.token).lower())
    page.get_by_role("button", name=RU["home"]["check"]).click()
    expect(headline(page)).to_have_text(RU["headline"]["genuine"])
    page.get_by_label(RU["holder"]["birth_date"]).fill("12.04.1991")
    page.get_by_role("button", name=RU["home"]["check"]).click()
    expect(page.get_by_role("alert")).to_have_text("Дата рождения: совпадает")
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(issued.genuine.pdf("kk"))
    page.locator("input[type=file]").set_input_files(paper)
    page.get_by_role("button", name=RU["file"]["send"]).click()
    expect(page.locator(".said.good h1")).to_be_visible()


def test_without_javascript_nothing_is_offered_that_needs_it(open_in):
    page = open_in("/?lang=ru", java_script_enabled=False)
    expect(page.get_by_role("button", name=RU["home"]["scan"])).to_be_hidden()
    expect(page.get_by_text(RU["file"]["how"])).to_be_hidden()


def test_with_the_keyboard_alone_a_code_is_typed_and_answered(open_in, issued):
    page = open_in("/?lang=ru")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "code":
            break
    page.keyboard.type(marks.short_code(issued.annulled.document.token))
    page.keyboard.press("Enter")
    expect(headline(page)).to_have_text(RU["headline"]["annulled"])
    seen = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
    assert {"Қазақша", "English", "file", "iin", "birth_date", RU["home"]["check"]} <= seen


KINDS = ("home", "genuine", "superseded", "missing", "offline", "slip")


def path_of(kind, issued, tongue):
    path = {
        "home": "/",
        "genuine": f"/d/{token(issued.genuine)}",
        "superseded": f"/d/{token(issued.old)}",
        "missing": "/d/" + "a" * 20,
        "offline": "/offline",
        "slip": "/c/7KQ4-M2XD-9RTX",
    }[kind]
    return f"{path}?lang={tongue}"


def accessible(page, axe, where):
    # In a world of its own: the policy of the page does not let a test in.
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == [], where


@pytest.mark.parametrize(("width", "scheme", "tongues"), [(390, "light", TONGUES), (1280, "dark", ("kk",))])
def test_axe_finds_nothing_on_any_page_in_any_language(open_in, issued, axe, width, scheme, tongues):
    page = open_in("/", viewport={"width": width, "height": 844}, color_scheme=scheme)
    for kind in KINDS:
        for tongue in tongues:
            page.goto(path_of(kind, issued, tongue))
            accessible(page, axe, (kind, tongue))


def test_axe_finds_nothing_in_what_scripts_and_forms_answer(open_in, issued, axe):
    page = open_in(scanned(issued.genuine))
    expect(proof(page)).to_be_visible()
    drop(page, b"%PDF-")
    expect(compared(page)).to_contain_text(RU["files"]["other"])
    accessible(page, axe, "compared")
    page.get_by_role("button", name=RU["file"]["send"]).click()
    expect(page.locator(".said h1")).to_be_visible()
    accessible(page, axe, "sent")


WIDE = """[document.documentElement.scrollWidth > innerWidth, ...Array.from(document.querySelectorAll("*"))
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))]"""


@pytest.mark.parametrize("width", [390, 1280])
def test_at_twice_the_size_nothing_has_to_be_scrolled_sideways(open_in, issued, width):
    """200 % of zoom is half the width; and on a phone, twice the letters in the same width."""
    page = open_in("/", viewport={"width": width // 2, "height": 500}, bypass_csp=True, device_scale_factor=2)
    for kind in KINDS:
        for tongue in TONGUES:
            page.goto(path_of(kind, issued, tongue))
            assert page.evaluate(WIDE) == [False], (kind, tongue)
    page.set_viewport_size({"width": width, "height": 844})
    page.add_style_tag(content="html { font-size: 225% }")
    assert page.evaluate(WIDE) == [False]


def weight(page, path):
    """Bytes of a first visit as they are, and as they came over the wire: page, style, scripts."""
    bodies, wire = {}, {}

    def came(response):
        if response.ok and re.search("html|css|javascript", response.headers.get("content-type", "")):
            bodies[response.url] = len(response.body())
            wire[response.url] = int(response.headers["content-length"])

    page.on("requestfinished", lambda request: came(request.response()))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    return sum(bodies.values()), sum(wire.values())


@pytest.mark.parametrize("tongue", TONGUES)
def test_the_verify_page_weighs_under_twenty_thousand_bytes(open_in, issued, tongue):
    options = {"service_workers": "block"}
    raw, _ = weight(open_in("about:blank", **options), f"/d/{token(issued.genuine)}?lang={tongue}")
    _, wire = weight(open_in("about:blank", **options), scanned(issued.genuine, tongue))
    print(f"{tongue}: {raw} bytes as they are; with the offline proof {wire} over the wire")
    assert raw < 20_000
    assert wire < 20_000
