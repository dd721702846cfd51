"""Signing with an organisation's own key (a robot's, never an official's) in a PKCS#12 file, by way of NCANode.

The risk, which no code takes away: the file and its password lie on this machine, and go to NCANode in the clear with
every signature. Whoever reads either can sign as the organisation. An official's key must never be used so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.x509.oid import NameOID

from qujat.errors import KeyUnavailable, SigningServiceRefused, VerificationError
from qujat.signing import signeddata
from qujat.signing.adapters import cmsfacts
from qujat.signing.adapters.exchange import Signed, ToSign
from qujat.signing.adapters.ncanode import NcaNode, Pkcs12
from qujat.signing.adapters.ncanode_wire import TsaPolicy
from qujat.signing.trust import MALFORMED


@dataclass(frozen=True, slots=True)
class OrganisationKey:
    """An organisation's key, and the NCANode that signs with it. `bin` is whose key it must be."""

    node: NcaNode
    key: Pkcs12 = field(repr=False)
    bin: str
    with_tsp: bool = True
    tsa_policy: TsaPolicy = "TSA_GOST2015_POLICY"

    def sign(self, documents: Sequence[ToSign]) -> list[Signed]:
        """A detached CMS of each document. Raises SigningServiceUnavailable, SigningServiceRefused.

        What comes back is looked at (detached, one signer, of these bytes, of this organisation) but not verified.
        """
        return [Signed(document.id, self._signed(document.content)) for document in documents]

    def _signed(self, content: bytes) -> bytes:
        cms = self.node.cms_sign(content, [self.key], with_tsp=self.with_tsp, tsa_policy=self.tsa_policy)
        try:
            facts = cmsfacts.read(cms)
            (signer,) = facts.signers
            certificate = signeddata.load(signer.certificate or b"")
            units = [str(u.value) for u in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]
        except (VerificationError, *MALFORMED) as error:
            raise _refused("a CMS with one signer and its certificate") from error
        if facts.content is not None or (signer.stamp is None) == self.with_tsp:
            raise _refused("a detached CMS, with a timestamp if one was asked for")
        if units != [f"BIN{self.bin}"]:
            raise _refused("a signature by the key of the organisation")
        if cmsfacts.hash_of(content, signer.digest_algorithm) != signer.message_digest:
            raise _refused("a signature of the bytes that were sent")
        return cms


def read_key(path: Path, password: str) -> Pkcs12:
    """A key from its file. Raises KeyUnavailable for a file that is not there, or that others may read."""
    try:
        shared = path.stat().st_mode & 0o077
        content = path.read_bytes()
    except OSError as error:
        raise KeyUnavailable(f"expected a PKCS#12 file at {path}, came {error.strerror}; mend the path") from error
    if shared:
        raise KeyUnavailable(f"expected {path} to be readable by its owner alone, came a shared file; chmod 600 it")
    return Pkcs12(content, password)


def _refused(expected: str) -> SigningServiceRefused:
    return SigningServiceRefused(f"expected {expected} from NCANode, came another; look into what runs at its address")
