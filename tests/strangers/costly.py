"""Files that cost a reader more than they are worth: bombs, loops, nests, crowds."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import cache, partial

from qujat.signing import der
from qujat.signing.der import tlv
from strangers import messages, pages, trees
from strangers.authority import Authority
from strangers.case import Case, Cases
from strangers.messages import Recipe
from strangers.pages import Signing, pades, sign
from strangers.xml import DOCUMENT

cases = Cases("costly")
_BOMB = 40 * 1024 * 1024


@cache
def _deflated(size: int) -> bytes:
    """That many zeros, compressed a thousandfold; written without ever holding them."""
    machine, block = zlib.compressobj(9), bytes(1024 * 1024)
    parts = [machine.compress(block) for _ in range(size // len(block))]
    return b"".join([*parts, machine.flush()])


@cases.bad("too-costly")
def bomb_in_an_object_stream(a: Authority) -> Case:
    described = b"/Type /ObjStm/N 1/First 4/Filter /FlateDecode"
    return Case(pages.page({7: pages.stream(_deflated(_BOMB), described)}))


@cases.bad("too-costly")
def bomb_in_the_evidence(a: Authority) -> Case:
    """A CRL that is forty million zeros."""
    crl = pages.stream(_deflated(_BOMB), b"/Filter /FlateDecode")
    catalog = b"<</Type /Catalog/Pages 2 0 R/DSS <</CRLs [7 0 R]>>>>"
    return Case(sign(pages.page({7: crl}, catalog=catalog), Signing(pades(a.head))))


@cases.bad("pdf-structure")
def bomb_within_a_bomb_in_an_object_stream(a: Authority) -> Case:
    described = b"/Type /ObjStm/N 1/First 4/Filter [/FlateDecode /FlateDecode]"
    return Case(pages.page({7: pages.stream(zlib.compress(_deflated(_BOMB)), described)}))


@cases.bad("too-deep")
def arrays_within_arrays(a: Authority) -> Case:
    return Case(pages.page({7: b"[" * 1_000_000 + b"]" * 1_000_000}))


@cases.bad("too-deep")
def dictionaries_within_dictionaries(a: Authority) -> Case:
    return Case(pages.page({7: b"<</A" * 500_000 + b" 1" + b">>" * 500_000}))


@cases.bad("too-deep")
def brackets_that_never_close(a: Authority) -> Case:
    return Case(b"%PDF-1.7\n1 0 obj\n(" + b"(" * 20_000_000)


@cases.bad("not-whole-file", "invalid")
def index_that_points_to_itself(a: Authority) -> Case:
    pdf = sign(pages.page(), Signing(pades(a.head)))
    return Case(pdf + pages.section(len(pdf), {}, b"/Size 9/Root 1 0 R/Prev %d" % len(pdf), free=False))


@cases.bad("too-costly")
def revisions_without_end(a: Authority) -> Case:
    pdf = pages.page()
    for _ in range(300):
        pdf = pages.update(pdf, {})
    return Case(pdf)


@cases.bad("pdf-structure")
def tree_of_pages_that_turns_back(a: Authority) -> Case:
    page = b"<</Type /Pages/Parent 2 0 R/Kids [2 0 R]/Count 1>>"
    return Case(sign(pages.page(page=page), Signing(pades(a.head))))


@cases.bad("malformed")
def tree_of_fields_that_turns_back(a: Authority) -> Case:
    field = b"<</T (a)/Kids [7 0 R]>>"
    catalog = b"<</Type /Catalog/Pages 2 0 R/AcroForm <</Fields [7 0 R]>>>>"
    return Case(sign(pages.page({7: field}, catalog=catalog), Signing(pades(a.head))))


@cases.bad("pdf-structure")
def tree_of_names_that_turns_back(a: Authority) -> Case:
    catalog = b"<</Type /Catalog/Pages 2 0 R/Names <</EmbeddedFiles 7 0 R>>>>"
    return Case(sign(pages.page({7: b"<</Kids [7 0 R]>>"}, catalog=catalog), Signing(pades(a.head))))


@cases.bad("too-deep")
def elements_within_elements(a: Authority) -> Case:
    return Case(b"<a>" * 500_000 + b"</a>" * 500_000)


@cases.bad("xml-dtd")
def billion_laughs(a: Authority) -> Case:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return Case(f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><x>&l9;</x>'.encode())


@cases.bad("xml-dtd")
def one_large_entity_many_times(a: Authority) -> Case:
    return Case(b'<!DOCTYPE x [<!ENTITY e "' + b"e" * 100_000 + b'">]><x>' + b"&e;" * 100_000 + b"</x>")


@cases.bad("too-costly")
def references_without_end(a: Authority) -> Case:
    reference = trees.Reference(partial(_cheap), "#x")
    return Case(trees.sign(DOCUMENT, trees.plain(a.head, references=(reference,) * 3_000)))


def _cheap(_: object) -> bytes:
    return b""


@cases.bad("cms-malformed")
def length_of_four_billion(a: Authority) -> Case:
    return Case(b"\x30\x84\xff\xff\xff\xff\x06\x09")


@cases.bad("cms-malformed")
def sequences_within_sequences(a: Authority) -> Case:
    nested = b""
    for _ in range(5_000):
        nested = tlv(der.SEQUENCE, nested)
    return Case(nested)


@cases.bad("too-costly")
def ten_thousand_certificates(a: Authority) -> Case:
    recipe = Recipe(b"x", a.head)
    return Case(replace(recipe, certificates=a.head.path * 5_000).encode(), b"x")


@cases.bad("no-chain")
def certificates_that_all_issue_each_other(a: Authority) -> Case:
    """One name, one key, many certificates: every one of them can stand above every other."""
    loop = a.loop(40)
    return Case(Recipe(b"x", loop).encode(), b"x")


@cases.bad("too-costly")
def timestamps_without_end(a: Authority) -> Case:
    recipe = Recipe(b"x", a.head)
    fixed = replace(recipe, signature=recipe.value())
    token = messages.token(fixed.value(), a.tsa, a.now)
    return Case(replace(fixed, unsigned=(messages.attribute(messages.STAMPED, *[token] * 2_000),)).encode(), b"x")
