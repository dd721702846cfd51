"""One file checked at +1 day, +13 months, +5 and +15 years: valid by named evidence, or open with what is missing.

Never invalid because time has passed, never valid because nobody looked.
"""

import re
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import eras
import offices
import pytest
from cryptography import x509
from eras import LONG, START, YEAR

from qujat.errors import (
    AuthorityUnknown,
    CertificateRevoked,
    CertificateUntrusted,
    DocumentAltered,
    EvidenceLapsed,
    EvidenceUnavailable,
    Indeterminate,
    NotYet,
    RevocationUnknown,
    UnsupportedAlgorithm,
)
from qujat.signing import cms, keys, lasting, pades, proof, standin, xades
from qujat.signing.acceptance import ALGORITHMS, Policy
from qujat.signing.proof import Signed
from qujat.signing.standin import _head_extensions

FORMS = ["pdf", "xml", "cms"]
LEVELS = ["B-B", "B-T", "B-LTA"]
DATA = b"<decision><number>1</number></decision>"
DAY, MONTHS_13, YEARS_5, YEARS_15 = timedelta(days=1), timedelta(days=396), 5 * YEAR, 15 * YEAR
RENEWED_AT = [START + timedelta(days=int(365 * years)) for years in (4, 8, 12.5)]


@dataclass(frozen=True)
class Made:
    """One content signed in three forms; the detached signature signs the XML."""

    pdf: bytes
    xml: bytes
    cms: bytes

    def read(self, form: str) -> Signed:
        if form == "pdf":
            return pades.read(self.pdf).signed
        if form == "xml":
            return xades.read(self.xml).signed
        return cms.read(self.cms, self.xml)

    def joined(self) -> Signed:
        """The XML together with the detached signature beside it."""
        return proof.joined(self.read("xml"), self.read("cms"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return eras.eras(tmp_path_factory.mktemp("eras"))


@pytest.fixture(scope="module")
def made(world, page):
    """What was made at the start, at each level."""
    ring, tsa = world.first, world.timestamper
    claim = {"at": START, "reason": "r", "name": "1"}
    documents = {}
    for level in LEVELS:
        stamper = tsa if level != "B-B" else None
        pdf = pades.sign(page, ring.signer, timestamper=stamper, **claim)
        xml = xades.sign(DATA, ring.signer, at=START, timestamper=stamper)
        if level == "B-LTA":
            found = lasting.at_signing(xades.read(xml).signed, world.trust(), world, at=START)
            pdf, xml = pades.extend(pdf, found, tsa), xades.extend(xml, found, tsa)
        detached = cms.sign_detached(xml, ring.signer, at=START, timestamper=stamper)
        if level == "B-LTA":
            detached = cms.extend(detached, xml, found, tsa)
        documents[level] = Made(pdf, xml, detached)
    return documents


@pytest.fixture(scope="module")
def lists(world, made):
    """What was published by the start, and what each later moment finds: the trust of whoever fetches the lists."""
    return world.trust(lists=True)


@pytest.fixture(scope="module")
def renewed(world, made, lists):
    """The lasting documents, stamped again in each later era; the first renewal alone, and all of them."""
    now, after = made["B-LTA"], []
    for moment in RENEWED_AT:
        world.go_to(moment)
        now = Made(
            pades.extend(now.pdf, evidence_for(now.read("pdf"), world, moment), world.timestamper),
            now.xml,
            cms.extend(now.cms, now.xml, evidence_for(now.read("cms"), world, moment), world.timestamper),
        )
        after.append(now)
    world.go_to(START + YEARS_15)
    return after


@pytest.fixture(scope="module")
def later(world, renewed):
    """The trust of whoever has fetched every list of those fifteen years."""
    del renewed
    return world.trust(lists=True)


def evidence_for(signed, world, moment):
    return lasting.at_renewal(signed, world.trust(), world, at=moment, policy=LONG)


def judged(signed, trust, after, policy=LONG, **options):
    return proof.judge(signed, trust, at=START + after, policy=policy, **options)


def evidence_of(found):
    """What each step rests on, from the outside in."""
    return [(step.what.split(" of ")[0], step.moment.by.split(" of ")[0]) for step in found.steps]


INSIDE = [
    ("the signature-timestamp", "the archive-timestamp"),
    ("signature", "the signature-timestamp"),
]


@pytest.mark.parametrize("form", FORMS)
class TestWithoutTheRegister:
    """A stranger has the roots, and the lists of revoked certificates that were published when the file was made."""

    def test_a_bare_signature_is_good_while_its_certificate_is(self, made, lists, form):
        found = judged(made["B-B"].read(form), lists, DAY)
        assert evidence_of(found) == [("signature", "the moment")]
        assert found.steps[0].words[0].startswith("CRL of 2026-03-01")
        with pytest.raises(RevocationUnknown):
            judged(made["B-B"].read(form), lists.bare, DAY)

    @pytest.mark.parametrize("after", [MONTHS_13, YEARS_5, YEARS_15])
    def test_a_bare_signature_is_open_after_its_certificate(self, made, lists, form, after):
        with pytest.raises(EvidenceLapsed, match=r"the certificate of the signer ended.*Missing: a timestamp"):
            judged(made["B-B"].read(form), lists, after)

    def test_a_stamped_signature_is_good_while_lists_speak_of_its_authority(self, made, lists, form):
        found = judged(made["B-T"].read(form), lists, DAY)
        assert evidence_of(found) == [("the signature-timestamp", "the moment"), INSIDE[1]]
        for trust, after in ((lists.bare, DAY), (lists, MONTHS_13)):
            with pytest.raises(RevocationUnknown):
                judged(made["B-T"].read(form), trust, after)

    def test_a_stamped_signature_outlasts_the_lists_where_its_authority_is_an_anchor(self, made, lists, form):
        anchored = eras.policy(tsa_is_anchor=True)
        found = judged(made["B-T"].read(form), lists, MONTHS_13, anchored)
        assert found.steps[0].words == ("the timestamp authority is an anchor",)
        with pytest.raises(RevocationUnknown):  # the signer is no anchor
            judged(made["B-T"].read(form), lists.bare, MONTHS_13, anchored)

    @pytest.mark.parametrize("level", ["B-T", "B-LTA"])
    @pytest.mark.parametrize("after", [YEARS_5, YEARS_15])
    def test_no_timestamp_outlasts_its_authoritys_certificate(self, made, lists, form, level, after):
        for policy in (LONG, eras.policy(tsa_is_anchor=True)):
            with pytest.raises(EvidenceLapsed, match="the certificate of the timestamp authority ended"):
                judged(made[level].read(form), lists, after, policy)

    def test_lasting_evidence_needs_no_lists_while_those_inside_speak(self, made, lists, form):
        found = judged(made["B-LTA"].read(form), lists.bare, DAY)
        assert evidence_of(found) == [("the archive-timestamp", "the moment"), *INSIDE]
        assert all(" in the file" in word for step in found.steps for word in step.words)
        assert found.steps[-1].words[0].startswith("OCSP of 2026-03-02T09:30:00Z")

    def test_lasting_evidence_is_open_where_nobody_looked(self, made, lists, form):
        with pytest.raises(RevocationUnknown, match="fetch the issuer's current list"):
            judged(made["B-LTA"].read(form), lists, MONTHS_13)

    def test_lasting_evidence_outlives_the_signer_with_a_list_of_that_day_or_an_anchor(self, made, lists, later, form):
        anchored = eras.policy(tsa_is_anchor=True)
        assert judged(made["B-LTA"].read(form), lists.bare, MONTHS_13, anchored).signed_at == START
        found = judged(made["B-LTA"].read(form), later, 4 * YEAR + DAY)
        assert found.steps[0].words[0].endswith("held here")
        assert found.signed_at == START


OUTER = ("the archive-timestamp", "the archive-timestamp")


@pytest.mark.parametrize("form", ["pdf", "cms"])
class TestRenewed:
    """A file stamped again by the authorities of later eras."""

    def test_five_years_on_it_is_valid_by_the_second_authority(self, renewed, later, form):
        found = judged(renewed[0].read(form), later, YEARS_5)
        assert evidence_of(found) == [("the archive-timestamp", "the moment"), OUTER, *INSIDE]

    def test_fifteen_years_on_it_is_valid_by_the_fourth(self, renewed, later, form):
        found = judged(renewed[2].read(form), later, YEARS_15)
        assert evidence_of(found) == [("the archive-timestamp", "the moment"), OUTER, OUTER, OUTER, *INSIDE]
        assert found.signed_at == START

    def test_fifteen_years_on_it_is_open_where_nobody_looked(self, renewed, later, form):
        with pytest.raises(RevocationUnknown):
            judged(renewed[2].read(form), later.bare, YEARS_15)
        anchored = eras.policy(tsa_is_anchor=True)
        assert judged(renewed[2].read(form), later.bare, YEARS_15, anchored).signed_at == START

    def test_a_renewal_that_was_left_out_leaves_it_open(self, renewed, later, form):
        with pytest.raises(EvidenceLapsed, match="the certificate of the timestamp authority ended on 2039"):
            judged(renewed[1].read(form), later, YEARS_15)

    def test_before_its_last_stamp_it_was_not_there(self, renewed, later, form):
        with pytest.raises(NotYet, match="from before 2027"):
            judged(renewed[0].read(form), later, MONTHS_13)

    def test_by_default_algorithms_end_too(self, renewed, later, form):
        with pytest.raises(EvidenceLapsed, match="the acceptance of ECDSA-P256 ended on 2035-12-31"):
            judged(renewed[2].read(form), later, YEARS_15, Policy(register_is_proof=False))

    def test_a_later_authority_that_is_not_known_leaves_it_open(self, renewed, lists, form):
        with pytest.raises(AuthorityUnknown, match="put its root among the anchors"):
            judged(renewed[0].read(form), lists, 4 * YEAR + DAY)


def test_xml_is_proven_for_ever_by_the_renewed_signature_beside_it(renewed, later):
    assert judged(renewed[2].joined(), later, YEARS_15).signed_at == START
    with pytest.raises(EvidenceLapsed):
        judged(renewed[2].read("xml"), later, YEARS_15)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("after", [DAY, MONTHS_13, YEARS_5, YEARS_15])
class TestWithTheRegister:
    """The register recorded the file a second after it was made."""

    def test_what_it_recorded_stays_proven(self, made, lists, form, level, after):
        policy = eras.policy(register_is_proof=True)
        found = judged(made[level].read(form), lists, after, policy, recorded=a_second_later)
        assert found.steps[0].moment.by == "the register, which recorded the file"
        assert found.signed_at == START

    def test_it_does_not_stand_in_for_evidence_on_revocation(self, made, lists, form, level, after):
        policy = eras.policy(register_is_proof=True)
        if level == "B-LTA":
            assert judged(made[level].read(form), lists.bare, after, policy, recorded=a_second_later)
        else:
            with pytest.raises(RevocationUnknown):
                judged(made[level].read(form), lists.bare, after, policy, recorded=a_second_later)


def a_second_later(digest):
    assert len(digest) == 64
    return START + timedelta(seconds=1)


def test_the_register_proves_nothing_where_the_policy_says_so(made, lists):
    with pytest.raises(EvidenceLapsed):
        judged(made["B-B"].read("pdf"), lists, MONTHS_13, LONG, recorded=a_second_later)


def test_the_register_proves_nothing_once_its_digest_is_not_accepted(made, lists):
    days = {**ALGORITHMS, "SHA-256": (START + YEAR).date()}
    short = eras.policy(register_is_proof=True, algorithms=days)
    assert judged(made["B-B"].read("pdf"), lists, DAY, short, recorded=a_second_later)
    with pytest.raises(EvidenceLapsed):
        judged(made["B-B"].read("pdf"), lists, MONTHS_13, short, recorded=a_second_later)


def test_a_record_of_later_than_the_moment_is_no_proof_for_it(made, lists):
    policy = eras.policy(register_is_proof=True)
    found = judged(made["B-B"].read("pdf"), lists, DAY, policy, recorded=lambda _: START + 2 * DAY)
    assert found.steps[0].moment.by == "the moment of the check"


def test_the_record_of_what_a_file_was_before_its_renewal_counts(page, tmp_path):
    """A renewal that came too late for a stranger does not take from the register what it knows."""
    world = eras.eras(tmp_path)
    stamped = pades.sign(page, world.first.signer, at=START, timestamper=world.timestamper, reason="r", name="1")
    found = lasting.at_signing(pades.read(stamped).signed, world.trust(), world, at=START)
    issued = pades.extend(stamped, found, world.timestamper)
    late, register = START + 6 * YEAR, {sha256(issued).hexdigest(): START + timedelta(seconds=1)}
    world.go_to(late)
    known = {"policy": eras.policy(register_is_proof=True), "recorded": register.get}
    with pytest.raises(EvidenceLapsed):
        lasting.at_renewal(pades.read(issued).signed, world.trust(), world, at=late, policy=LONG)
    new = lasting.at_renewal(pades.read(issued).signed, world.trust(), world, at=late, **known)
    renewed = pades.extend(issued, new, world.timestamper)
    register[sha256(renewed).hexdigest()] = late
    signed, trust = pades.read(renewed).signed, world.trust(lists=True)
    assert proof.judge(signed, trust, at=late + DAY, **known).signed_at == START
    with pytest.raises(EvidenceLapsed, match="timestamp authority ended"):
        proof.judge(signed, trust, at=late + DAY, policy=LONG)


def test_an_algorithm_that_is_not_listed_is_not_accepted(made, lists):
    with pytest.raises(UnsupportedAlgorithm, match="ECDSA-P256"):
        judged(made["B-T"].read("pdf"), lists, DAY, replace(LONG, algorithms={"SHA-256": START.date()}))


def test_before_the_signing_nothing_was_there(made, lists):
    for level in LEVELS:
        for form in FORMS:
            with pytest.raises(NotYet):
                judged(made[level].read(form), lists, -2 * DAY)


def test_a_clock_a_little_behind_does_not_matter(made, lists):
    assert judged(made["B-LTA"].read("pdf"), lists, timedelta(minutes=-4))
    with pytest.raises(NotYet):
        judged(made["B-LTA"].read("pdf"), lists, timedelta(minutes=-6))


@pytest.fixture(scope="module")
def revoked(world, made, tmp_path_factory):
    """The trust of whoever has the list that revokes the signer's certificate a month after the signing."""
    folder = tmp_path_factory.mktemp("revoked")
    for path in (world.home / "era0").iterdir():
        shutil.copy(path, folder)
    keys.revoke(folder, offices.PASSPHRASE, at=START + 30 * DAY)
    return keys.open_trust(folder)


class TestRevoked:
    """What is revoked later does not undo what was proven before; what is not proven before is open."""

    @pytest.mark.parametrize("form", FORMS)
    def test_what_was_stamped_before_stays_good(self, made, revoked, lists, form):
        both = replace(revoked, crls=(*revoked.crls, *lists.crls))
        for level in ("B-T", "B-LTA"):
            assert judged(made[level].read(form), both, 60 * DAY).signed_at == START

    @pytest.mark.parametrize("form", FORMS)
    def test_what_nothing_proves_to_be_older_is_open(self, made, revoked, form):
        with pytest.raises(EvidenceLapsed, match="its certificate was revoked on 2026-04-01"):
            judged(made["B-B"].read(form), revoked, 60 * DAY)

    def test_what_claims_to_be_younger_is_refuted(self, world, made, revoked):
        late = cms.sign_detached(DATA, world.first.signer, at=START + 31 * DAY)
        with pytest.raises(CertificateRevoked):
            judged(cms.read(late, DATA), revoked, 60 * DAY)


@pytest.mark.parametrize(
    ("level", "after", "expected"),
    [("B-B", "2027-03-01", "signer"), ("B-T", "2027-03-01", "signer"), ("B-LTA", "2031-02-28", "timestamp authority")],
)
def test_evidence_lapses_with_what_runs_out_first(made, lists, level, after, expected):
    end, what = proof.lapses(made[level].read("pdf"), lists, LONG)
    assert (f"{end:%Y-%m-%d}", what) == (after, f"the certificate of the {expected}")
    days = {**ALGORITHMS, "SHA-256": (START + DAY).date()}
    end, what = proof.lapses(made[level].read("pdf"), lists, replace(LONG, algorithms=days))
    assert (end.date(), what) == ((START + DAY).date(), "the acceptance of SHA-256")


@pytest.mark.parametrize("days", [0, 1, 30, 396, 1500, 1825, 2900, 4600, 5475, 9000])
@pytest.mark.parametrize("form", FORMS)
def test_no_answer_in_time_is_ever_a_refutation(made, renewed, lists, later, days, form):
    """Every file at every moment: proven, or indeterminate with what is missing."""
    for document in (*made.values(), *renewed):
        for trust in (lists, lists.bare, later):
            try:
                found = judged(document.read(form), trust, timedelta(days=days))
            except Indeterminate as error:
                said = error.message
            else:
                said = str(found.steps)
            assert re.search("Missing: |fetch the issuer|ask about a later|put its root among|of 2026", said)


def test_a_stamped_file_becomes_a_lasting_one_while_its_signer_can_still_be_asked_about(page, tmp_path):
    world = eras.eras(tmp_path)
    trust = world.trust(lists=True)
    stamped = pades.sign(page, world.first.signer, at=START, timestamper=world.timestamper, reason="r", name="1")
    world.go_to(START + 20 * DAY)
    found = lasting.at_renewal(pades.read(stamped).signed, trust, world, at=world.clock())
    lasting_now = pades.read(pades.extend(stamped, found, world.timestamper)).signed
    assert judged(lasting_now, trust.bare, 21 * DAY).signed_at == START
    world.go_to(START + 2 * YEAR)
    with pytest.raises(EvidenceUnavailable, match="no list is held from then"):
        lasting.gather(pades.read(stamped).signed, trust.bare, world, at=world.clock())
    assert lasting.gather(pades.read(stamped).signed, trust, world, at=world.clock()).crls


class TestTimestampAuthorities:
    """What becomes of a timestamp when its authority's key is revoked, or was not valid when it stamped."""

    @staticmethod
    def revoking(world, reason, on):
        """The list of the first root that revokes its timestamp authority."""
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(world.first.timestamper.certificate.serial_number)
            .revocation_date(on)
            .add_extension(x509.CRLReason(reason), critical=False)
            .build()
        )
        key = standin.load_key(world.home / "era0" / "root.key.pem", offices.PASSPHRASE)
        root = standin.Holder(key, world.first.trust.anchors[0])
        return x509.load_pem_x509_crl(standin._crl(root, on, [entry], number=99))

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("level", ["B-T", "B-LTA"])
    def test_a_compromised_key_leaves_open_what_it_stamped(self, world, made, lists, form, level):
        known = replace(
            lists, crls=(*lists.crls, self.revoking(world, x509.ReasonFlags.key_compromise, START + 9 * DAY))
        )
        with pytest.raises(EvidenceLapsed, match="its authority's certificate was revoked on 2026-03-11"):
            judged(made[level].read(form), known, 10 * DAY)
        assert judged(made[level].read(form), known, 8 * DAY).signed_at == START
        by_register = {"policy": eras.policy(register_is_proof=True), "recorded": a_second_later}
        assert judged(made[level].read(form), known, 10 * DAY, **by_register).signed_at == START

    @pytest.mark.parametrize("form", FORMS)
    def test_an_authority_that_ended_in_good_order_spoils_nothing(self, world, made, lists, form):
        ended = self.revoking(world, x509.ReasonFlags.cessation_of_operation, START + 9 * DAY)
        known = replace(lists, crls=(*lists.crls, ended))
        assert judged(made["B-LTA"].read(form), known, 10 * DAY).signed_at == START

    @pytest.mark.parametrize("form", FORMS)
    def test_what_a_revoked_authority_stamped_is_refuted(self, world, made, lists, form):
        before = self.revoking(world, x509.ReasonFlags.cessation_of_operation, START - DAY / 2)
        known = replace(lists, crls=(*lists.crls, before))
        with pytest.raises(CertificateRevoked):
            judged(made["B-LTA"].read(form), known, 10 * DAY)

    @pytest.mark.parametrize("form", ["pdf", "cms"])
    def test_a_key_compromised_after_the_renewal_spoils_nothing(self, world, renewed, later, form):
        since = START + 4 * YEAR + DAY
        known = replace(later, crls=(*later.crls, self.revoking(world, x509.ReasonFlags.key_compromise, since)))
        assert judged(renewed[0].read(form), known, YEARS_5).signed_at == START

    @pytest.mark.parametrize("years", [-1, 6])
    def test_a_timestamp_from_outside_its_authoritys_years_is_refuted(self, world, page, lists, years):
        """Made with a key that was not valid then, whoever stamped over it later."""
        off = replace(world.first.timestamper, clock=lambda: START + years * YEAR)
        claim = {"at": START, "reason": "r", "name": "1"}
        stamped = pades.sign(page, world.first.signer, timestamper=off, **claim)
        with pytest.raises(CertificateUntrusted):
            judged(pades.read(stamped).signed, lists, 7 * YEAR, eras.policy(tsa_is_anchor=True))


def test_a_record_a_second_older_than_the_stamp_is_a_matter_of_clocks(made, lists):
    policy = eras.policy(register_is_proof=True)
    found = judged(
        made["B-LTA"].read("pdf"), lists.bare, YEARS_5, policy, recorded=lambda _: START - timedelta(seconds=1)
    )
    assert found.steps[0].moment.time == START


def test_a_detached_signature_of_another_signer_proves_nothing_of_the_file(made, issue, now):
    other = issue(_head_extensions())
    with pytest.raises(DocumentAltered):
        proof.joined(made["B-LTA"].read("xml"), cms.read(cms.sign_detached(b"x", other, at=now), b"x"))
