"""The configuration: one TOML file, its defaults, what it refuses, and where its paths lead."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from qujat import office
from qujat import settings as configuration
from qujat.errors import ConfigurationError
from qujat.settings import DEFAULT_ADDRESS, Settings, read


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QUJAT_")]:
        monkeypatch.delenv(name)


def written(folder: Path, text: str) -> Path:
    path = folder / "qujat.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    """The message with which a configuration is refused; it always names the file."""
    path = written(folder, text)
    with pytest.raises(ConfigurationError) as refused:
        read(path)
    assert str(path) in refused.value.message
    return refused.value.message.replace(str(path), "FILE")


def test_without_a_file_the_defaults_hold() -> None:
    settings = read()
    assert settings == Settings()
    assert (settings.root, settings.key_folder) == (Path("var"), Path("var/keys"))
    assert settings.passphrase_path == Path("var/passphrase")
    assert settings.address == DEFAULT_ADDRESS
    assert settings.published == {}
    assert settings.wording.not_held == "refuse"
    assert settings.numbers.pattern.format(year=2026, seq=7, bin="", annex="") == "2026-000007"
    assert settings.timestamp.url == "stand-in"


def test_an_empty_file_changes_nothing_but_the_folder(tmp_path: Path) -> None:
    assert read(written(tmp_path, "")) == Settings(base=tmp_path)


def test_the_example_in_the_module_is_a_configuration(tmp_path: Path) -> None:
    example = (configuration.__doc__ or "").partition("\n\n")[2]
    settings = read(written(tmp_path, example))
    assert settings.published == {"order_222": date(2026, 6, 5)}
    assert settings.address == DEFAULT_ADDRESS
    keys = set(re.findall(r"^\[{1,2}(\w+)\]", example, re.MULTILINE))
    assert keys == set(Settings.model_fields) - {"base", "home", "address", "profile"}


def test_everything_that_a_file_says_is_read(tmp_path: Path) -> None:
    settings = read(
        written(
            tmp_path,
            """
            home = "data"
            address = "https://docs.example:8443/"
            published = { order_173 = 2024-06-10, order_222 = 2026-06-05 }
            wording.not_held = "last-held"
            numbers.pattern = "{bin}/{annex}/{year}-{seq}"
            keys = { folder = "eds", passphrase_file = "secret" }
            timestamp.url = "none"
            """,
        )
    )
    assert settings.address == "https://docs.example:8443"
    assert settings.published == {"order_173": date(2024, 6, 10), "order_222": date(2026, 6, 5)}
    assert settings.wording.not_held == "last-held"
    assert settings.numbers.pattern == "{bin}/{annex}/{year}-{seq}"
    assert settings.timestamp.url == "none"
    assert settings.key_folder == tmp_path / "data" / "eds"
    assert settings.passphrase_path == tmp_path / "data" / "secret"


def test_paths_are_relative_to_the_file_and_not_to_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "elsewhere").mkdir()
    path = written(tmp_path / "etc", 'home = "../data"')
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read(path).root.resolve() == tmp_path / "data"
    assert read(Path("../etc/qujat.toml")).root.resolve() == tmp_path / "data"


def test_an_absolute_path_stays_where_it_is(tmp_path: Path) -> None:
    settings = read(written(tmp_path, 'home = "/srv/qujat"\nkeys.folder = "/run/eds"'))
    assert (settings.root, settings.key_folder) == (Path("/srv/qujat"), Path("/run/eds"))


def test_the_environment_names_the_file_and_an_argument_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = written(tmp_path / "a", 'home = "first"')
    second = written(tmp_path / "b", 'home = "second"')
    monkeypatch.setenv("QUJAT_CONFIG", str(first))
    assert read().root == tmp_path / "a" / "first"
    assert read(second).root == tmp_path / "b" / "second"
    monkeypatch.setenv("QUJAT_CONFIG", "")
    assert read() == Settings()


def test_the_environment_names_the_home_and_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, 'home = "data"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUJAT_HOME", "elsewhere")
    assert read(path).root == read().root == tmp_path / "elsewhere"
    monkeypatch.setenv("QUJAT_HOME", "/srv/qujat")
    assert read(path).key_folder == Path("/srv/qujat/keys")
    monkeypatch.setenv("QUJAT_HOME", "")
    assert read(path).root == tmp_path / "data"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("homes = 1", "homes"),
        ("[wordings]", "wordings"),
        ("wording.nothold = 1", "wording.nothold"),
        ("numbers.patterns = 'x'", "numbers.patterns"),
        ("keys.passphrase = 'secret'", "keys.passphrase"),
        ("timestamp.uri = 'none'", "timestamp.uri"),
        ("base = '/etc'", "base"),
    ],
)
def test_a_key_that_means_nothing_is_refused(tmp_path: Path, text: str, place: str) -> None:
    assert f"FILE: {place}: " in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("home = 1", "home"),
        ("published.order_222 = 'soon'", "published.order_222"),
        ("published.order_222 = 2026-06-05T10:00:00", "published.order_222"),
        ("published = 2026-06-05", "published"),
        ("wording.not_held = 'print'", "wording.not_held"),
        ("wording = 'refuse'", "wording"),
        ("numbers.pattern = 1", "numbers.pattern"),
        ("numbers.authority.990440001234 = '{year}'", "numbers.authority.990440001234"),
        ("keys.folder = []", "keys.folder"),
        ("timestamp.url = false", "timestamp.url"),
    ],
)
def test_a_value_of_another_shape_is_refused(tmp_path: Path, text: str, place: str) -> None:
    assert f"FILE: {place}: " in refusal(tmp_path, text)


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, 'homes = 1\naddress = "x"\nwording.not_held = "print"\nnumbers.pattern = "1"')
    places = re.findall(r"^FILE: (\S+): ", message, re.MULTILINE)
    assert sorted(places) == ["address", "homes", "numbers.pattern", "wording.not_held"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "docs.example",
        "//docs.example",
        "ftp://docs.example",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://[",
        "https://:8443",
        "https://docs.example/path",
        "https://docs.example/?q=1",
        "https://docs.example?",
        "https://docs.example/#check",
        "https://docs.example\\n",
        "https://docs example",
        "https://құжат.example",  # a mark is ASCII: the host is written as xn--…
    ],
)
def test_an_address_is_a_scheme_and_a_host_and_nothing_more(tmp_path: Path, address: str) -> None:
    assert "FILE: address: " in refusal(tmp_path, f'address = "{address}"')


@pytest.mark.parametrize("address", ["https://docs.example", "http://127.0.0.1:8000", "https://xn--80atdjm.example"])
def test_an_address_is_kept_without_the_stroke_at_its_end(tmp_path: Path, address: str) -> None:
    assert read(written(tmp_path, f'address = "{address}"')).address == address
    assert read(written(tmp_path, f'address = "{address}/"')).address == address


WITHOUT_A_SEQUENCE = ["", "7", "{year}", "{year}-{bin}-{annex}", "{{seq}}"]
NOT_TO_BE_FILLED = ["{", "}", "{}", "{0}", "{day}", "{seq:%Y}", "{seq:s}", "{seq!z}"]
NOT_A_PLAIN_NAME = ["{seq.real.foo}", "{seq[0]}", "{year.__class__}", "{seq}{year.real}"]


@pytest.mark.parametrize("pattern", WITHOUT_A_SEQUENCE + NOT_TO_BE_FILLED + NOT_A_PLAIN_NAME)
def test_a_pattern_of_numbers_gives_every_document_its_own(tmp_path: Path, pattern: str) -> None:
    assert "FILE: numbers.pattern: " in refusal(tmp_path, f"numbers.pattern = '{pattern}'")
    of_one = "numbers.authority.990440001234"
    assert f"FILE: {of_one}: " in refusal(tmp_path, f"{of_one} = '{pattern}'")


@pytest.mark.parametrize("number", ["99044000123", "990440001235", "pavlodar"])
def test_a_pattern_of_an_authority_stands_under_its_bin(tmp_path: Path, number: str) -> None:
    """A mistyped BIN would give the documents of that authority the numbers of all others, and nobody would know."""
    assert f"FILE: numbers.authority.{number}" in refusal(tmp_path, f"numbers.authority.{number} = '{{seq}}'")


@tries(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(["{seq}", "{year}", "{bin}", "{annex}", "{seq:06}", "{", "}", "№", "-", "{x}"])))
def test_a_pattern_that_is_accepted_gives_different_numbers(parts: list[str]) -> None:
    pattern = "".join(parts)
    is_sound = any(part.startswith("{seq") for part in parts)
    try:
        settings = Settings.model_validate({"numbers": {"pattern": pattern}})
    except ValueError:
        assert not is_sound or {"{", "}", "{x}"} & set(parts)
    else:
        numbers = {settings.numbers.pattern.format(year=2026, seq=n, bin="0", annex="a") for n in range(1, 1001)}
        assert len(numbers) == 1000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("signer.kind = 'pkcs12'", "pkcs12"),
        ("signer = { kind = 'pkcs11', token = 'x' }", "module, key"),
        ("signer.kind = 'token'", "stand-in"),
        ("signer.ticket_minutes = 0", "greater than"),
    ],
)
def test_a_signer_is_named_whole(tmp_path: Path, text: str, said: str) -> None:
    message = refusal(tmp_path, text)
    assert "FILE: signer" in message
    assert said in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigurationError, match=re.escape(f"{path}: the configuration cannot be read")):
            read(path)
        monkeypatch.setenv("QUJAT_CONFIG", str(path))
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read()


@pytest.mark.parametrize("content", [b"home = ", b"home = 'x'\nhome = 'y'", b"\xff\xfe", b"[published\n", b"= 1"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "qujat.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=re.escape(f"{path}: expected TOML")):
        read(path)


# Settings from the environment.

VARIABLES = {
    "QUJAT_ADDRESS": ("https://docs.example", lambda s: s.address, "https://docs.example"),
    "QUJAT_STORES__REGISTER": ("postgresql://u@h/n", lambda s: s.stores.register_at, "postgresql://u@h/n"),
    "QUJAT_STORES__CONNECTIONS": ("3", lambda s: s.stores.connections, 3),
    "QUJAT_STORES__S3__ENDPOINT": ("https://s3.example", lambda s: s.stores.s3.endpoint, "https://s3.example"),
    "QUJAT_SIGNER__TICKET_MINUTES": ("5", lambda s: s.signer.ticket_minutes, 5),
    "QUJAT_EVIDENCE__REGISTER_IS_PROOF": ("false", lambda s: s.evidence.register_is_proof, False),
    "QUJAT_PUBLISHED__ORDER_222": ("2026-06-05", lambda s: s.published, {"order_222": date(2026, 6, 5)}),
    "QUJAT_PUBLISHED": ("{ order_222 = 2026-06-05 }", lambda s: s.published, {"order_222": date(2026, 6, 5)}),
    "QUJAT_NUMBERS__PATTERN": ("{year}/{seq}", lambda s: s.numbers.pattern, "{year}/{seq}"),
    "QUJAT_NUMBERS__AUTHORITY__990440001234": (
        "{seq}",
        lambda s: s.numbers.authority,
        {"990440001234": "{seq}"},
    ),
    "QUJAT_EVIDENCE__ALGORITHMS": (
        "{ ECDSA-P256 = 2035-12-31 }",
        lambda s: s.evidence.algorithms,
        {"ECDSA-P256": date(2035, 12, 31)},
    ),
    "QUJAT_TRUST__ANCHORS": ("trust/anchors", lambda s: s.trust.anchors, Path("trust/anchors")),
}


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_setting_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    text, asked, expected = VARIABLES[variable]
    assert asked(read()) != expected
    monkeypatch.setenv(variable, text)
    assert asked(read()) == expected


def test_the_environment_goes_before_the_file_and_leaves_the_rest_of_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, '[stores]\nregister = "sqlite:///a"\nblobs = "folder:b"')
    monkeypatch.setenv("QUJAT_STORES__REGISTER", "sqlite:///c")
    settings = read(path)
    assert (settings.stores.register_at, settings.stores.blobs) == ("sqlite:///c", "folder:b")
    monkeypatch.setenv("QUJAT_STORES__REGISTER", "")
    assert read(path).stores.register_at == "sqlite:///a"


def test_a_misspelt_variable_is_refused_and_a_strange_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for stranger in ("QUJAT_PASSPHRASE", "QUJAT_SOMETHING", "QUJATA__B"):
        monkeypatch.setenv(stranger, "x")
    assert read() == Settings()
    monkeypatch.setenv("QUJAT_STORE__REGISTER", "sqlite:///a")
    with pytest.raises(ConfigurationError, match=r"QUJAT_STORE__REGISTER.*stores"):
        read()


@pytest.mark.parametrize(
    ("variable", "text", "place"),
    [
        ("QUJAT_STORES__REGISTR", "sqlite:///a", "stores.registr"),
        ("QUJAT_STORES__REGISTER", "mysql://u:hunter2@h/n", "stores.register"),
        ("QUJAT_STORES__BLOBS", "ftp://u:hunter2@h/n", "stores.blobs"),
        ("QUJAT_STORES__CONNECTIONS", "hunter2", "stores.connections"),
        ("QUJAT_ADDRESS", "ftp://u:hunter2@h", "address"),
    ],
)
def test_what_is_wrong_in_the_environment_is_told_by_its_variable_and_without_its_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, text: str, place: str
) -> None:
    monkeypatch.setenv(variable, text)
    for path in (None, written(tmp_path, "")):
        with pytest.raises(ConfigurationError) as refused:
            read(path)
        assert f"the environment ({variable}): {place}: " in refused.value.message
        assert "hunter2" not in refused.value.message


def test_a_password_in_the_address_of_the_register_is_in_no_description_of_the_settings(tmp_path: Path) -> None:
    settings = read(written(tmp_path, 'stores.register = "postgresql://qujat:hunter2@host/name"'))
    assert "hunter2" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("stores.register = 'postgresql:host'", "stores.register"),
        ("stores.register = 'sqlite:///'", "stores.register"),
        ("stores.blobs = 's3:bucket'", "stores.blobs"),
        ("stores.blobs = 's3://'", "stores.blobs"),
        ("stores.blobs = 'blobs'", "stores.blobs"),
        ("stores.connections = 0", "stores.connections"),
    ],
)
def test_a_store_that_cannot_be_is_refused(tmp_path: Path, text: str, place: str) -> None:
    assert f"FILE: {place}: " in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("address", "place"),
    [("sqlite:///a.sqlite", "HOME/a.sqlite"), ("sqlite:////srv/a.sqlite", "/srv/a.sqlite")],
)
def test_a_register_in_sqlite_is_in_the_home_or_at_its_absolute_path(tmp_path: Path, address: str, place: str) -> None:
    settings = read(written(tmp_path, f'stores.register = "{address}"'))
    assert office.open_register(settings).name == place.replace("HOME", str(tmp_path / "var"))
