"""Signing of what is posted, in both forms that receivers check."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from shared.runtime.signing_keys import SigningKey


class Signer:
    """Makes the headers of an attempt."""

    def __init__(self, key: SigningKey, secrets: tuple[bytes, ...]) -> None:
        self._key = key
        self._secrets = secrets

    def headers(self, webhook_id: UUID, body: bytes, at: datetime) -> dict[str, str]:
        """Return the headers of an attempt at this moment.

        `videosdk-signature` is over the body (RSA-SHA256, PKCS#1 v1.5); the others are Standard Webhooks 1.0, one
        signature for each secret, so that a receiver may know the old one or the new one.
        """
        timestamp = str(int(at.timestamp()))
        content = f"{webhook_id}.{timestamp}.".encode() + body
        return {
            "content-type": "application/json",
            "videosdk-signature": b64encode(self._key.private.sign(body, PKCS1v15(), SHA256())).decode(),
            "webhook-id": str(webhook_id),
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(f"v1,{_mac(secret, content)}" for secret in self._secrets),
        }


def _mac(secret: bytes, content: bytes) -> str:
    return b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
