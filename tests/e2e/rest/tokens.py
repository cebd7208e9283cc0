"""Tokens as anybody would write them from RFC 7515 and RFC 7519, with the standard library alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

_HOUR = 3600


def token(api_key: str, secret: str, **claims: Any) -> str:
    """Make one by HS256; `claims` add to it or replace what it holds, and None takes away."""
    now = int(time.time())
    made = {"apikey": api_key, "permissions": ["allow_join"], "iat": now, "exp": now + _HOUR} | claims
    return signed({"alg": "HS256", "typ": "JWT"}, {name: made[name] for name in made if made[name] is not None}, secret)


def signed(header: dict[str, Any], claims: dict[str, Any], secret: str) -> str:
    """Return the token; where the header's algorithm is `none`, with an empty signature."""
    said = f"{_written(header)}.{_written(claims)}"
    if header["alg"] == "none":
        return f"{said}."
    return f"{said}.{_base64(hmac.digest(secret.encode(), said.encode(), hashlib.sha256))}"


def _written(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
