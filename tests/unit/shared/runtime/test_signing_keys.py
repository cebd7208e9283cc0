from __future__ import annotations

import stat
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_public_key

from shared.runtime.errors import SettingError
from shared.runtime.settings import load_settings
from shared.runtime.signing_keys import SigningKey, SigningSettings, load_signing_key, load_webhook_secrets


def kept_in(folder: Path, **others: Any) -> SigningSettings:
    return load_settings(SigningSettings, data_dir=folder, **others)


def whsec(secret: bytes) -> str:
    return "whsec_" + b64encode(secret).decode()


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def test_the_public_key_is_written_as_videosdk_writes_it(tmp_path: Path) -> None:
    key = load_signing_key(kept_in(tmp_path))
    text = key.public_pem()
    assert text.startswith("\n-----BEGIN RSA PUBLIC KEY-----\n")
    assert text.endswith("\n-----END RSA PUBLIC KEY-----\n")
    assert load_pem_public_key(text.encode()) == key.private.public_key()


def test_a_made_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    made = load_signing_key(kept_in(folder))
    assert made.private.key_size == 2048
    assert load_signing_key(kept_in(folder)).public_pem() == made.public_pem()
    path = folder / "webhook-key.pem"
    assert path.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_made_secret_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    (made,) = load_webhook_secrets(kept_in(tmp_path))
    assert len(made) == 32
    assert load_webhook_secrets(kept_in(tmp_path)) == (made,)
    path = tmp_path / "webhook-secret"
    assert path.read_text().strip() == whsec(made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_those_who_start_together_get_the_same(tmp_path: Path) -> None:
    together = Barrier(4)

    def start(_: int) -> tuple[str, tuple[bytes, ...]]:
        together.wait(timeout=10)
        return load_signing_key(kept_in(tmp_path)).public_pem(), load_webhook_secrets(kept_in(tmp_path))

    with ThreadPoolExecutor(4) as starters:
        assert len(set(starters.map(start, range(4)))) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"webhook-key.pem", "webhook-secret"}


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_file_that_is_set_is_used_and_none_is_made(tmp_path: Path, form: PrivateFormat) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "key.pem"
    file.write_bytes(pem(key, form))
    loaded = load_signing_key(kept_in(tmp_path / "data", webhook_key_file=file))
    assert loaded.public_pem() == SigningKey(key).public_pem()
    assert not (tmp_path / "data").exists()


def test_secrets_that_are_set_keep_their_order_and_none_is_made(tmp_path: Path) -> None:
    new, old = b"n" * 24, b"o" * 64
    settings = kept_in(tmp_path / "data", webhook_secrets=f"{whsec(new)}, {whsec(old)}")
    assert load_webhook_secrets(settings) == (new, old)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("wrong", ["", "whsec_", "whsec_short", whsec(b"s" * 23), whsec(b"s" * 65), "s" * 32])
def test_what_is_no_secret_is_refused_by_its_number_and_not_shown(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(SettingError, match=r"ONRECORD_WEBHOOK_SECRETS number 2 is not whsec_") as refused:
        load_webhook_secrets(kept_in(tmp_path, webhook_secrets=f"{whsec(b'good' * 8)},{wrong}"))
    assert len(wrong) < 8 or wrong not in str(refused.value)


def test_what_is_no_key_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    for wrong in (b"", b"no key", pem(ec.generate_private_key(ec.SECP256R1()))):
        file.write_bytes(wrong)
        with pytest.raises(SettingError, match=r"ONRECORD_WEBHOOK_KEY_FILE .*key\.pem"):
            load_signing_key(kept_in(tmp_path, webhook_key_file=file))


def test_a_key_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"ONRECORD_WEBHOOK_KEY_FILE .*absent\.pem"):
        load_signing_key(kept_in(tmp_path, webhook_key_file=tmp_path / "absent.pem"))


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)))
    with pytest.raises(SettingError, match="no RSA key of 2048 bits or more"):
        load_signing_key(kept_in(tmp_path, webhook_key_file=file))


def test_secrets_and_keys_are_not_shown(tmp_path: Path) -> None:
    assert whsec(b"hush" * 8) not in repr(kept_in(tmp_path, webhook_secrets=whsec(b"hush" * 8)))
    assert "RSAPrivateKey" not in repr(load_signing_key(kept_in(tmp_path)))
