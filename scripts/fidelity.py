"""How much of the law's own words the forms print: one line for every official wording that is held.

    scripts/fidelity        prints the table; exit 1 if a word is missing without a reason, or was added

The words of the law are those of fixtures/law, the words of the form those of the empty page, without the paper's own
foot. Found are the words of the law that stand on the page in the order of the law; the rest is missing; words of the
page that the law does not have are added. An edition explains in its notes, one by one, what it does not print:

    notes = ["Not printed: \\"Форма\\" (the order has it twice)."]

Nothing explains an addition: a note that begins with "Added:" is shown, and the wording still fails.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from qujat import pages, rendering
from qujat.catalogue import Catalogue, Edition, Form, Wording, load
from qujat.languages import Language

LAW = Path(__file__).parent.parent / "fixtures" / "law"
_NOT_PRINTED = re.compile(r'^Not printed: "([^"]+)"')
_ADDED = re.compile(r'^Added: "([^"]+)"')


class Fidelity(NamedTuple):
    """A page against the law: its words and signs, how many stand on the page in order, the others, what is added."""

    words: int
    found: int
    missing: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def per_cent(self) -> float:
        """Of the words of the law, 0 to 100."""
        return 100 * self.found / self.words if self.words else 0.0


class Line(NamedTuple):
    """One official wording, and what its notes say of it."""

    form: Form
    edition: Edition
    language: Language
    fidelity: Fidelity
    not_printed: tuple[str, ...]
    said_to_be_added: tuple[str, ...]

    @property
    def is_faithful(self) -> bool:
        """True if every missing run of words is explained, every explanation is needed, and nothing is added."""
        return sorted(self.fidelity.missing) == sorted(self.not_printed) and not self.fidelity.added


def words(text: str) -> list[str]:
    """Words and signs as a reader sees them: blanks, dot leaders and hyphens of a line break do not count."""
    text = re.sub(r"_+|…+|\.{4,}|-{6,}|(?<= )_(?= )", " ", text)
    text = re.sub(r"\s+([;:,.)/])", r"\1", re.sub(r"[\s\u00a0]+", " ", text))
    return re.findall(r"\w+|[^\w\s]", text)


def compared(law: Sequence[str], page: Sequence[str]) -> Fidelity:
    """The words of a page against those of the law; runs of words that stand together are told together."""
    found, missing, added = 0, [], []
    for kind, start, end, page_start, page_end in SequenceMatcher(None, law, page, autojunk=False).get_opcodes():
        if kind == "equal":
            found += end - start
            continue
        missing += [" ".join(law[start:end])] if end > start else []
        added += [" ".join(page[page_start:page_end])] if page_end > page_start else []
    return Fidelity(len(law), found, tuple(missing), tuple(added))


def printed(catalogue: Catalogue, form: Form, edition: Edition, language: Language) -> str:
    """The words of the empty form, without the paper's own foot."""
    wording = Wording(form, language, edition, edition, "official", edition.first, None)
    body = rendering.tree(rendering.html(pages.blank(catalogue, wording))).find("body")
    assert body is not None
    return " ".join(t for child in body if child.get("class") != "foot" for t in child.itertext())


def official(catalogue: Catalogue) -> list[tuple[Form, Edition, Language]]:
    """Every wording that is the law's own."""
    return [
        (form, edition, language)
        for form in catalogue.forms.values()
        for edition in form.editions
        for language, status in edition.wording.items()
        if status == "official"
    ]


def line(catalogue: Catalogue, form: Form, edition: Edition, language: Language) -> Line:
    law = (LAW / f"{form.annex}.{edition.id}.{language}.txt").read_text(encoding="utf-8")
    fidelity = compared(words(law), words(printed(catalogue, form, edition, language)))
    return Line(form, edition, language, fidelity, _told(edition, _NOT_PRINTED), _told(edition, _ADDED))


def _told(edition: Edition, how: re.Pattern[str]) -> tuple[str, ...]:
    """What the notes of an edition say of missing or added words, in the words of the law."""
    return tuple(" ".join(words(told[1])) for note in edition.notes if (told := how.match(note)))


def table(lines: Sequence[Line]) -> Iterator[str]:
    yield f"{'form':12}{'edition':28}{'words':>7}{'printed':>9}{'per cent':>10}{'added':>7}  the notes say"
    for each in lines:
        words_, found, missing, added = each.fidelity
        yield (
            f"{each.form.annex:12}{each.edition.id:24}{each.language:4}{words_:7}{found:9}"
            f"{_floored(each.fidelity.per_cent):>10}{len(added):7}  {_told_in_words(each)}"
        ).rstrip()
        yield from (f"{'':16}missing: {run}" for run in missing)
        yield from (f"{'':16}added:   {run}" for run in added)
    total, found = (sum(getattr(each.fidelity, name) for each in lines) for name in ("words", "found"))
    share = _floored(100 * found / total)
    yield f"{len(lines)} official wordings: {found} of {total} words printed in order, {share} %"


def _floored(per_cent: float) -> str:
    """Two decimals, never rounded up to 100."""
    return f"{int(per_cent * 100) / 100:.2f}"


def _told_in_words(each: Line) -> str:
    told = [f'not printed: "{run}"' for run in each.not_printed] + [f'added: "{run}"' for run in each.said_to_be_added]
    return ", ".join(told) or "–"


def main() -> int:
    catalogue = load()
    lines = [line(catalogue, *wording) for wording in official(catalogue)]
    print(*table(lines), sep="\n")
    return 0 if all(each.is_faithful for each in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
