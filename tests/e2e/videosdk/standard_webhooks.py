"""The reference algorithm of Standard Webhooks, as a receiver has it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

_TOLERANCE_SECONDS = 5 * 60


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether one of the signatures is made with this secret, `whsec_…`, and not long ago.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    said_at = int(headers["webhook-timestamp"])
    if abs(time.time() - said_at) > _TOLERANCE_SECONDS:
        return False
    content = b".".join((headers["webhook-id"].encode(), str(said_at).encode(), body))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    signatures = [each.partition(",") for each in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(given, expected) for version, _, given in signatures)
