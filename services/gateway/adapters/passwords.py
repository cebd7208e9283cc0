"""Passwords of invites: kept as salted scrypt (RFC 7914)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import unicodedata
from dataclasses import dataclass

#: Takes some 50 ms and 16 MiB. Not more: a hundred guests come at once, and guessing is limited by other means.
_COST = {"n": 2**14, "r": 8, "p": 1}
_MEMORY_BYTES = 64 * 2**20
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class HashedPassword:
    """What is kept of a password."""

    salt: bytes
    hash: bytes


async def hashed(password: str) -> HashedPassword:
    salt = secrets.token_bytes(_SALT_BYTES)
    return HashedPassword(salt, await _scrypt(password, salt))


async def is_password(guess: str, password: HashedPassword) -> bool:
    """Tell whether that is it. It takes as long when it is not."""
    return secrets.compare_digest(await _scrypt(guess, password.salt), password.hash)


async def _scrypt(password: str, salt: bytes) -> bytes:
    # The same letters come composed from one keyboard and decomposed from another.
    text = unicodedata.normalize("NFC", password).encode()
    return await asyncio.to_thread(hashlib.scrypt, text, salt=salt, maxmem=_MEMORY_BYTES, **_COST)
