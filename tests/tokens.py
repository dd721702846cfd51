"""Tokens of SoftHSM, in folders of the tests: made, filled, pulled out and put back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pkcs11
from cryptography.hazmat.primitives.serialization import Encoding
from leaves import Leaf
from pkcs11.util.x509 import decode_x509_certificate

PIN = "482917"
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@dataclass(frozen=True)
class Hsm:
    """A folder of tokens, and the environment in which SoftHSM finds it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}

    def make(self, label: str, pin: str = PIN) -> None:
        """A new token."""
        self._util("--init-token", "--free", "--label", label, "--so-pin", "00000000", "--pin", pin)
        pkcs11.lib(str(MODULE)).reinitialize()  # SoftHSM looks for tokens at the start alone

    def put(self, token: str, label: str, leaf: Leaf, *, certificate: bool = True) -> None:
        """A key into a token, and its certificate beside it."""
        name = label.encode().hex()
        self._util("--import", str(leaf.key_file), "--token", token, "--label", label, "--id", name, "--pin", PIN)
        if certificate:
            with pkcs11.lib(str(MODULE)).get_token(token_label=token).open(user_pin=PIN, rw=True) as session:
                described = decode_x509_certificate(leaf.signer.certificate.public_bytes(Encoding.DER))
                wanted = {pkcs11.Attribute.TOKEN: True, pkcs11.Attribute.LABEL: label}
                session.create_object(described | wanted)

    @contextmanager
    def pulled_out(self) -> Iterator[None]:
        """All tokens are away."""
        tokens, away = self.folder / "tokens", self.folder / "away"
        tokens.rename(away)
        try:
            yield
        finally:
            away.rename(tokens)

    def _util(self, *words: str) -> None:
        environment = os.environ | self.environment
        done = subprocess.run(["softhsm2-util", *words], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def make_hsm(folder: Path) -> Hsm:
    """SoftHSM for this process; it reads its configuration once, so one a process."""
    (folder / "tokens").mkdir(parents=True)
    lines = [f"directories.tokendir = {folder / 'tokens'}", "objectstore.backend = file", "log.level = ERROR"]
    (folder / "softhsm2.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    hsm = Hsm(folder)
    os.environ.update(hsm.environment)
    return hsm
