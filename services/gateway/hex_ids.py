"""Ids like VideoSDK's own, of what has none here, or another. Pure."""

from __future__ import annotations

import hashlib


def hex_id(*parts: object) -> str:
    """Return 24 hexadecimal digits, always the same for these parts."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:24]
