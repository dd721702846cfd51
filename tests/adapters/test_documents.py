"""What docs/signing-adapters.md promises is so."""

import json
import re
import tomllib

import offices
from kzcms import EXCHANGES

from qujat.pipeline import prepare
from qujat.signing.adapters.sessionfile import InFile

ROOT = EXCHANGES.parents[1]
TEXT = (ROOT / "docs" / "signing-adapters.md").read_text(encoding="utf-8")
LATIN_LOOKALIKES = re.compile(r"[А-Яа-яЁёӘәҒғҚқҢңӨөҰұҮүҺһІі][A-Za-z]|[A-Za-z][А-Яа-яЁёӘәҒғҚқҢңӨөҰұҮүҺһІі]")


def test_the_example_runs(office_in_memory, tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {}
    exec(example, names)
    assert all(callable(application) for application in names["desks"](office_in_memory, tmp_path))
    asked = names["begin"](prepare(offices.parsed(), office_in_memory), office_in_memory, tmp_path)
    assert InFile(tmp_path / "sessions.sqlite").get(asked.id) == asked


def test_every_word_is_there_in_every_language_and_without_latin_letters_in_it():
    words = tomllib.loads((ROOT / "templates" / "web" / "signing.toml").read_text(encoding="utf-8"))
    for group in words.values():
        for name, texts in group.items():
            assert texts.keys() == {"kk", "ru", "en"}, name
            for language in ("kk", "ru"):
                assert not LATIN_LOOKALIKES.search(texts[language]), (name, language)


def test_every_recorded_exchange_says_where_it_comes_from():
    for path in EXCHANGES.rglob("*.json"):
        read = json.loads(path.read_text(encoding="utf-8"))
        kinds = [frame["kind"] for frame in read["frames"].values()] if "frames" in read else [read["kind"]]
        assert set(kinds) <= {"taped", "published", "composed"}, path.name
        assert read["source"], path.name
