"""The client of NCANode against recorded exchanges: what goes out, what comes back, and where it goes at all."""

import base64
import logging
import socket
import threading
import time

import pytest
from kzcms import exchange

from qujat.errors import ConfigurationError, SigningServiceRefused, SigningServiceUnavailable
from qujat.signing.adapters import ncanode
from qujat.signing.adapters.ncanode import NcaNode, Pkcs12

KEY = Pkcs12(b"a key", "TEST-PASSWORD-LEFT-OUT")


def replay(mock, name):
    """Let the mock answer as recorded; give what was recorded as the request."""
    recorded = exchange(name)
    answer = recorded["response"]
    mock.on(recorded["request"]["path"], (answer["status"], answer["body"]))
    return recorded["request"]["body"]


def only(mock):
    (asked,) = mock.asked
    return asked


def without_keys(body):
    """A request with the keys as they stand in the recordings."""
    for name in ("signers", "keys"):
        for key in body.get(name, ()):
            key["key"] = "TEST-KEY-LEFT-OUT"
    return body


def test_signing_asks_as_recorded_and_gives_the_cms(mock):
    recorded = replay(mock, "cms-sign-detached")
    made = mock.node.cms_sign(base64.b64decode(recorded["data"]), [KEY, KEY], with_tsp=False)
    assert only(mock)[:2] == ("POST", "/cms/sign")
    assert without_keys(only(mock)[2]) == recorded
    assert base64.b64encode(made).decode() == exchange("cms-sign-detached")["response"]["body"]["cms"]


@pytest.mark.parametrize("name", ["cms-verify-head", "cms-verify-head-2026", "cms-verify-openapi"])
def test_verifying_reads_every_shape_of_the_answer(mock, name):
    recorded = replay(mock, name)
    reply = mock.node.cms_verify(base64.b64decode(recorded["cms"]), None)
    assert only(mock)[2] == recorded
    ((certificate,),) = (signer.certificates for signer in reply.signers)
    assert certificate.serial == 0x2208A45DA204BEBED23C2682426A970749A0D257
    assert certificate.key_user == ["CEO", "ORGANIZATION"]
    assert [r.good for r in certificate.revocations] == [False, True]


def test_a_detached_signature_is_verified_with_its_data(mock):
    replay(mock, "cms-verify-head")
    mock.node.cms_verify(b"0\0", b"data")
    assert only(mock)[2] == {"cms": "MAA=", "data": "ZGF0YQ==", "revocationCheck": ["OCSP", "CRL"]}


def test_nothing_is_extracted_from_a_detached_signature(mock):
    recorded = replay(mock, "cms-extract-detached")
    assert mock.node.cms_extract(base64.b64decode(recorded["cms"])) is None
    assert only(mock)[2] == recorded


def test_the_content_is_extracted_from_an_attached_signature(mock):
    recorded = replay(mock, "cms-extract-attached")
    assert mock.node.cms_extract(base64.b64decode(recorded["cms"])) == bytes.fromhex("b5eb2d")


def test_another_refusal_of_extracting_is_not_taken_for_a_detached_signature(mock):
    mock.on("/cms/extract", (500, {"status": 500, "message": "out of memory"}))
    with pytest.raises(SigningServiceRefused, match="500"):
        mock.node.cms_extract(b"0\0")


def test_xml_is_signed_as_recorded_untrimmed_and_with_other_signatures_left_alone(mock):
    recorded = replay(mock, "xml-sign")
    assert mock.node.xml_sign(recorded["xml"], [KEY]) == exchange("xml-sign")["response"]["body"]["xml"]
    assert without_keys(only(mock)[2]) == recorded


def test_xml_is_verified_as_recorded(mock):
    recorded = replay(mock, "xml-verify-head")
    reply = mock.node.xml_verify(recorded["xml"])
    assert only(mock)[2] == recorded
    assert [c.subject.bin for c in reply.signers] == ["123456789021"]


def test_a_certificate_that_cannot_be_read_comes_as_none(mock):
    recorded = replay(mock, "x509-info")
    reply = mock.node.x509_info([b"\1", b"\2"])
    assert only(mock)[2] == recorded
    assert [c is None for c in reply.signers] == [False, True]


def test_facts_of_a_key_are_asked_as_recorded(mock):
    recorded = replay(mock, "pkcs12-info")
    assert mock.node.pkcs12_info([KEY]).valid
    assert without_keys(only(mock)[2]) == recorded


def test_health_is_asked_with_get(mock):
    replay(mock, "health")
    assert mock.node.healthy()
    assert only(mock) == ("GET", "/actuator/health", None)


@pytest.mark.parametrize("answer", [(200, {"status": "DOWN"}), (503, {"status": "UP"}), (200, b"<html>")])
def test_another_answer_is_not_healthy(mock, answer):
    assert not mock.on("/actuator/health", answer).node.healthy()


def test_the_error_body_of_spring_is_a_refusal(mock):
    replay(mock, "bean-validation")
    with pytest.raises(SigningServiceRefused, match="400"):
        mock.node.cms_verify(b"", None)


@pytest.mark.parametrize(
    "body",
    [
        {"status": 200, "valid": "true", "signers": []},
        {"status": 200, "signers": []},
        {"status": 200, "valid": True, "signers": [{"certificates": [{"valid": True}]}]},
        b"not json",
        {"valid": True, "signers": [{"certificates": [None]}]},
    ],
)
def test_an_answer_of_another_shape_is_refused_not_guessed_at(mock, body):
    with pytest.raises(SigningServiceRefused):
        mock.on("/cms/verify", (200, body)).node.cms_verify(b"0\0", None)


def test_a_redirect_is_not_followed(mock):
    with pytest.raises(SigningServiceRefused, match="302"):
        mock.on("/cms/verify", (302, {})).node.cms_verify(b"0\0", None)
    assert len(mock.asked) == 1


def test_an_answer_beyond_the_size_is_cut_off(mock, monkeypatch):
    monkeypatch.setattr(ncanode, "_LARGEST_ANSWER", 1000)
    with pytest.raises(SigningServiceUnavailable):
        mock.on("/cms/verify", (200, {"pad": "x" * 2000})).node.cms_verify(b"0\0", None)


def test_nobody_there_is_unavailable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(SigningServiceUnavailable, match="ConnectionRefusedError"):
        NcaNode(address).cms_verify(b"0\0", None)
    assert not NcaNode(address).healthy()


@pytest.mark.parametrize("connection", [b"keep-alive", b"close"])
def test_an_answer_that_drips_ends_at_the_timeout(connection):
    """Each wait is short and the whole is long: only a bound on the whole ends it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_drip, args=(server, connection), daemon=True)
        thread.start()
        node = NcaNode(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_seconds=0.5)
        with pytest.raises(SigningServiceUnavailable):
            node.cms_verify(b"0\0", None)
    thread.join(timeout=5)
    assert not thread.is_alive(), "the connection was left open"


def _drip(server, kind):
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: " + kind + b"\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            try:
                connection.sendall(b" ")
            except OSError:
                return
            time.sleep(0.05)


@pytest.mark.parametrize(
    "address",
    ["ftp://127.0.0.1", "127.0.0.1:14579", "http://", "http://127.0.0.1/api", "http://u:p@127.0.0.1", "http://a?b"],
)
def test_only_scheme_host_and_port_are_an_address(address):
    with pytest.raises(ConfigurationError):
        NcaNode(address)


@pytest.mark.parametrize(
    "address",
    ["http://8.8.8.8", "http://[2001:4860:4860::8888]", "http://0.0.0.0", "http://169.254.169.254", "http://[::]"],
)
def test_a_public_or_strange_address_is_refused_before_anything_is_sent(address):
    with pytest.raises(ConfigurationError, match="private network"):
        NcaNode(address).cms_sign(b"data", [KEY])


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "172.16.5.5", "fd00::5"])
def test_this_machine_and_private_networks_are_near(ip):
    assert ncanode._near(ip)


def test_a_name_with_one_public_address_is_refused(monkeypatch):
    found = [(2, 1, 6, "", (ip, 14579)) for ip in ("10.0.0.1", "8.8.8.8")]
    monkeypatch.setattr(ncanode.socket, "getaddrinfo", lambda *a, **k: found)
    with pytest.raises(ConfigurationError, match="private network"):
        NcaNode("http://ncanode.example:14579").healthy()


def test_a_public_address_may_be_allowed_on_purpose(monkeypatch):
    monkeypatch.setattr(ncanode.socket, "getaddrinfo", lambda *a, **k: [(2, 1, 6, "", ("8.8.8.8", 1))])
    assert NcaNode("http://ncanode.example:1", allow_public=True)._resolved("ncanode.example", 1) == "8.8.8.8"


def test_no_proxy_is_used(mock, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    replay(mock, "health")
    assert mock.node.healthy()


def test_no_body_key_or_name_gets_into_a_log_or_an_error(mock, caplog):
    caplog.set_level(logging.DEBUG)
    replay(mock, "cms-sign-detached")
    mock.node.cms_sign(b"sealed-content", [Pkcs12(b"a secret key", "a secret password")])
    mock.on("/cms/verify", (500, {"status": 500, "message": "ТЕСТОВ ТЕСТ 123456789011"}))
    with pytest.raises(SigningServiceRefused) as refused:
        mock.node.cms_verify(b"0\0", b"sealed-content")
    mock.on("/x509/info", (200, {"valid": "ТЕСТОВ", "signers": [{"subject": {"iin": ["123456789011"]}}]}))
    with pytest.raises(SigningServiceRefused) as malformed:
        mock.node.x509_info([b"\1"])
    said = caplog.text + str(refused.value) + str(malformed.value) + repr(malformed.value.__cause__)
    said += repr(Pkcs12(b"a secret key", "a secret password"))
    hidden = ("ТЕСТОВ", "123456789011", "secret", "sealed", base64.b64encode(b"a secret key").decode()[:8])
    assert "/cms/sign: 200" in caplog.text
    assert [word for word in hidden if word in said] == []
