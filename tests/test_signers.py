"""Whose key signs here, as the settings say: a file, a token, or none; and the anchors that it leads to."""

from __future__ import annotations

import shutil
from pathlib import Path

import leaves
import offices
import pytest
from leaves import Leaf
from offices import PASSPHRASE, Pki, parsed
from tokens import MODULE, PIN, Hsm

from qujat.errors import CertificateRevoked, ConfigurationError, KeyUnavailable, RevocationUnknown
from qujat.office import Office, open_office
from qujat.pipeline import check, issue
from qujat.settings import Settings
from qujat.signing import keys

SECRET = "a secret of the signer"


@pytest.fixture(scope="module", params=leaves.KINDS)
def robot(request: pytest.FixtureRequest, pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Leaf:
    """A key of the authority's own, P-256 and RSA."""
    folder = tmp_path_factory.mktemp("robot")
    return leaves.leaf(folder, pki.folder, pki.passphrase, offices.head(), kind=request.param)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUJAT_PASSPHRASE", PASSPHRASE.decode())
    monkeypatch.delenv("QUJAT_SIGNER_SECRET", raising=False)


def anchors(folder: Path, pki: Pki) -> Path:
    """The stand-in's certificates where those of real authorities would be: roots, and beside them the rest."""
    places = {"anchors": ["root.pem"], "intermediates": ["issuing.pem"], "crls": ["root.crl.pem", "issuing.crl.pem"]}
    for place, names in places.items():
        (folder / place).mkdir(parents=True)
        for name in names:
            shutil.copy(pki.folder / name, folder / place / name)
    return folder / "anchors"


def settings(folder: Path, pki: Pki, **signer: object) -> Settings:
    """An installation that has a mark's key of its own, and nothing else."""
    (folder / "signer-secret").write_text(SECRET + "\n", encoding="utf-8")
    made = Settings.model_validate(
        {
            "base": folder,
            "signer": signer,
            "trust": {"anchors": anchors(folder / "trust", pki)},
            "timestamp": {"url": "none"},
        }
    )
    keys.create_mark_key(made.key_folder, PASSPHRASE, now=pki.now)
    return made


def issues_what_checks_as_valid(office: Office) -> None:
    issued = issue(parsed(), office)
    for what in [issued.pdf("kk"), issued.pdf("ru"), issued.files[f"{issued.number}.xml"], issued.number, issued.mark]:
        verdict = check(what, office)
        assert (verdict.value, verdict.code) == ("valid", "genuine"), verdict.checks


def test_a_key_in_a_file_issues_what_checks_as_valid(tmp_path: Path, pki: Pki, robot: Leaf) -> None:
    path = robot.p12(SECRET.encode())
    issues_what_checks_as_valid(open_office(settings(tmp_path, pki, kind="pkcs12", pkcs12=path), signing=True))


def test_a_key_in_a_token_issues_what_checks_as_valid(tmp_path: Path, pki: Pki, robot: Leaf, hsm: Hsm) -> None:
    label = robot.folder.name
    hsm.make(label)
    hsm.put(label, "robot", robot)
    asked = settings(tmp_path, pki, kind="pkcs11", module=MODULE, token=label, key="robot")
    asked.signer_secret_path.write_text(PIN, encoding="utf-8")
    issues_what_checks_as_valid(open_office(asked, signing=True))


def test_the_secret_may_come_from_the_environment(
    tmp_path: Path, pki: Pki, robot: Leaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = settings(tmp_path, pki, kind="pkcs12", pkcs12=robot.p12(b"another"))
    with pytest.raises(KeyUnavailable):
        open_office(asked, signing=True)
    monkeypatch.setenv("QUJAT_SIGNER_SECRET", "another")
    assert open_office(asked, signing=True).key_ring().signer.certificate == robot.signer.certificate


def test_without_a_secret_it_is_said_where_it_should_be(tmp_path: Path, pki: Pki) -> None:
    asked = settings(tmp_path, pki, kind="pkcs12", pkcs12="robot.p12")
    asked.signer_secret_path.unlink()
    with pytest.raises(KeyUnavailable, match=r"QUJAT_SIGNER_SECRET or in .*signer-secret"):
        open_office(asked, signing=True)


def test_an_office_that_signs_elsewhere_does_not_issue_by_itself(tmp_path: Path, pki: Pki) -> None:
    office = open_office(settings(tmp_path, pki, kind="elsewhere"), signing=True)
    with pytest.raises(KeyUnavailable, match="qujat prepare"):
        issue(parsed(), office)


def test_a_certificate_that_was_revoked_or_of_which_nothing_is_known_issues_nothing(
    tmp_path: Path, pki: Pki, robot: Leaf
) -> None:
    asked = settings(tmp_path, pki, kind="pkcs12", pkcs12=robot.p12(SECRET.encode()))
    (tmp_path / "trust" / "crls" / "issuing.crl.pem").unlink()
    with pytest.raises(RevocationUnknown):
        issue(parsed(), open_office(asked, signing=True))
    crl = leaves.revocation_list(pki.folder, pki.passphrase, robot.signer.certificate)
    (tmp_path / "trust" / "crls" / "issuing.crl").write_bytes(crl)
    with pytest.raises(CertificateRevoked):
        issue(parsed(), open_office(asked, signing=True))
    assert open_office(asked).register.known(parsed().authority.bin, parsed().id, parsed().digest()) is None


def test_an_empty_folder_of_anchors_is_a_wrong_configuration(tmp_path: Path, pki: Pki) -> None:
    asked = settings(tmp_path, pki, kind="elsewhere")
    (tmp_path / "trust" / "anchors" / "root.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(ConfigurationError, match=r"root\.pem"):
        open_office(asked)
    (tmp_path / "trust" / "anchors" / "root.pem").unlink()
    with pytest.raises(ConfigurationError, match=r"\[trust\] anchors"):
        open_office(asked)


def test_a_signer_of_ones_own_asks_for_anchors_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\[trust\] anchors"):
        open_office(Settings.model_validate({"base": tmp_path, "signer": {"kind": "elsewhere"}}))


def test_real_anchors_and_the_stand_ins_timestamps_do_not_go_together(tmp_path: Path, pki: Pki) -> None:
    asked = settings(tmp_path, pki, kind="elsewhere")
    real = leaves.real_root()
    (tmp_path / "trust" / "anchors" / "root.pem").write_bytes(real)
    open_office(asked, signing=True)
    with pytest.raises(ConfigurationError, match="timestamp authority"):
        open_office(asked.model_copy(update={"timestamp": Settings().timestamp}), signing=True)
