"""Streebog against the vectors of its standard, and against a digest that NCANode computed."""

import pytest
from asn1crypto import cms as asn1_cms
from kzcms import exchange

from qujat.signing.adapters import exchange as exchanged
from qujat.signing.adapters.streebog import digest

# RFC 6986 section 10: M1, and M2 in windows-1251 (its octets run from the last to the first in the RFC's notation).
M1 = b"012345678901234567890123456789012345678901234567890123456789012"
M2 = "Се ветри, Стрибожи внуци, веютъ с моря стрелами на храбрыя плъкы Игоревы".encode("cp1251")
VECTORS = [
    (
        M1,
        512,
        "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa"
        "00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48",
    ),
    (M1, 256, "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"),
    (
        M2,
        512,
        "1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376"
        "035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28",
    ),
    (M2, 256, "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50"),
]


@pytest.mark.parametrize(("message", "bits", "expected"), VECTORS)
def test_the_vectors_of_the_standard_come_out(message, bits, expected):
    assert digest(message, bits).hex() == expected


def test_the_digest_of_a_recorded_gost_signature_comes_out():
    recorded = exchange("cms-sign-detached")
    made = exchanged.cms_of(recorded["response"]["body"]["cms"])
    signer = asn1_cms.ContentInfo.load(made)["content"]["signer_infos"][0]
    told = {a["type"].native: a["values"][0].native for a in signer["signed_attrs"]}["message_digest"]
    assert digest(b"test123") == told
