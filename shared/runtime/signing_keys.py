"""The keys that webhooks are signed with: the notifier signs, the gateway gives the public one to whoever asks."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import SecretStr

from shared.runtime.errors import SettingError
from shared.runtime.secret_files import made_once
from shared.runtime.settings import Settings

_KEY_BITS = 2048
_SECRET_PREFIX = "whsec_"  # noqa: S105  what every secret begins with
_MADE_SECRET_BYTES = 32
#: Standard Webhooks 1.0, "Signature scheme": a symmetric secret has 24 to 64 bytes.
_SECRET_BYTES = range(24, 65)


class SigningSettings(Settings):
    """Services that share a broker must be told the same; unset ones are made, and kept, under `data_dir`."""

    #: PEM file with the RSA private key, 2048 bits or more, that `videosdk-signature` is made with.
    webhook_key_file: Path | None = None
    #: Secrets `whsec_…` of `webhook-signature`, newest first, with commas between: each signs, so that they can change.
    webhook_secrets: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key."""

    private: RSAPrivateKey = field(repr=False)

    def public_pem(self) -> str:
        """Return the public key as VideoSDK writes it: PKCS#1, with a line break before and after.

        Its documented Python receiver reads no other form.
        """
        return "\n" + self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()


def load_signing_key(settings: SigningSettings) -> SigningKey:
    """Return the key that is set, or that of the data folder, made there when there is none. Raises SettingError."""
    if settings.webhook_key_file is not None:
        return _key("ONRECORD_WEBHOOK_KEY_FILE", settings.webhook_key_file, settings.webhook_key_file.read_bytes)
    path = settings.data_dir / "webhook-key.pem"
    return _key("ONRECORD_DATA_DIR", path, lambda: made_once(path, _new_pem))


def load_webhook_secrets(settings: SigningSettings) -> tuple[bytes, ...]:
    """Return the secrets that are set, or that of the data folder, made there likewise. Raises SettingError."""
    if settings.webhook_secrets is not None:
        return _secrets("ONRECORD_WEBHOOK_SECRETS", settings.webhook_secrets.get_secret_value())
    path = settings.data_dir / "webhook-secret"
    try:
        text = made_once(path, _new_secret).decode()
    except (OSError, ValueError) as error:
        raise SettingError("ONRECORD_DATA_DIR", f"holds no usable {path}: {error}") from error
    return _secrets("ONRECORD_DATA_DIR", text, f"holds {path}, in which ")


def _key(setting: str, path: Path, read: Callable[[], bytes]) -> SigningKey:
    try:
        key = load_pem_private_key(read(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingError(setting, f"holds no usable {path}: {error}") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < _KEY_BITS:
        raise SettingError(setting, f"holds {path}, which is no RSA key of {_KEY_BITS} bits or more: make one")
    return SigningKey(key)


def _new_pem() -> bytes:
    key = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _new_secret() -> bytes:
    return (_SECRET_PREFIX + b64encode(token_bytes(_MADE_SECRET_BYTES)).decode() + "\n").encode()


def _secrets(setting: str, text: str, where: str = "") -> tuple[bytes, ...]:
    return tuple(_secret(setting, where, number, each.strip()) for number, each in enumerate(text.split(","), 1))


def _secret(setting: str, where: str, number: int, text: str) -> bytes:
    """Decode one. What is wrong with it is told without showing it."""
    try:
        secret = b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if not text.startswith(_SECRET_PREFIX) or len(secret) not in _SECRET_BYTES:
        raise SettingError(setting, f"{where}number {number} is not {_SECRET_PREFIX} and base64 of 24 to 64 bytes")
    return secret
