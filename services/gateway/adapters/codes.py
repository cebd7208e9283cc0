"""Codes that open doors: whoever shows one may come in. They are drawn at random, and only their digests are kept."""

from __future__ import annotations

import hashlib
import secrets
import string

CODE_LENGTH = 64
_ALPHABET = string.ascii_letters + string.digits


def draw_code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))


def digest_of(code: str) -> bytes:
    """Return what is kept of a code. It is drawn from so many that the digest needs no salt."""
    return hashlib.sha256(code.encode()).digest()
