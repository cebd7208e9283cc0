"""Invites: what is kept of them, and what keeps guessers out."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.gateway.adapters.invites import (
    WRONG_PASSWORDS,
    ExpirationPassedError,
    InvalidInviteCodeError,
    InviteNotFoundError,
    Invites,
    PasswordsNotCheckedError,
    TooManyAttemptsError,
    WrongRoomPasswordError,
)
from tests.integration.gateway.doors import open_tables


@pytest.fixture
def invites(tables: asyncpg.Pool) -> Invites:
    return Invites(tables)


async def outcome(invites: Invites, code: str, password: str | None) -> str:
    try:
        await invites.require("room", code, password)
    except (WrongRoomPasswordError, TooManyAttemptsError) as refused:
        return refused.code
    return "good"


async def test_an_invite_without_a_password_is_good_with_any_or_none(invites: Invites) -> None:
    code = await invites.create("room", None, None)
    for password in (None, "", "any"):
        await invites.require("room", code, password)


async def test_an_invite_with_a_password_is_good_with_that_alone(invites: Invites) -> None:
    code = await invites.create("room", "sesam öffne dich", None)
    await invites.require("room", code, "sesam öffne dich")
    for wrong in (None, "", "sesam", "Sesam öffne dich", "sesam öffne dich ", "sesam\x00öffne dich"):
        with pytest.raises(WrongRoomPasswordError):
            await invites.require("room", code, wrong)


async def test_a_password_is_the_same_from_every_keyboard(invites: Invites) -> None:
    code = await invites.create("room", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", None)
    await invites.require("room", code, "cafe\N{COMBINING ACUTE ACCENT}")


async def test_a_code_is_good_in_every_way_to_write_it(invites: Invites) -> None:
    code = await invites.create("room", None, None)
    for written in (code.upper(), code.replace("-", "")):
        await invites.require("room", written, None)


@pytest.mark.parametrize("code", ["", "no uuid", "1234", "\x00", "é" * 36, "a" * 1000])
async def test_what_is_no_uuid_is_no_code(invites: Invites, code: str) -> None:
    with pytest.raises(InvalidInviteCodeError):
        await invites.require("room", code, None)
    with pytest.raises(InvalidInviteCodeError):
        await invites.revoke("room", code)


async def test_unknown_revoked_expired_and_foreign_invites_are_told_alike(
    invites: Invites, owner: asyncpg.Connection
) -> None:
    foreign = await invites.create("other", "secret", None)
    revoked = await invites.create("room", "secret", None)
    await invites.revoke("room", revoked)
    expired = await invites.create("room", "secret", datetime.now(UTC) + timedelta(hours=1))
    await owner.execute("UPDATE invites SET expires_at = expires_at - interval '1 hour'")
    told = set()
    for code in (str(uuid4()), revoked, expired, foreign):
        for password in ("secret", "wrong", None):
            with pytest.raises(InviteNotFoundError) as refusal:
                await invites.require("room", code, password)
            told.add(str(refusal.value))
    assert len(told) == 1


async def test_an_invite_is_good_until_it_expires(invites: Invites, owner: asyncpg.Connection) -> None:
    code = await invites.create("room", None, datetime.now(UTC) + timedelta(hours=1))
    await owner.execute("UPDATE invites SET expires_at = expires_at - interval '50 minutes'")
    await invites.require("room", code, None)


async def test_an_invite_that_is_over_already_is_refused(invites: Invites, owner: asyncpg.Connection) -> None:
    with pytest.raises(ExpirationPassedError):
        await invites.create("room", None, datetime.now(UTC) - timedelta(hours=1))
    assert await owner.fetchval("SELECT count(*) FROM invites") == 0


async def test_only_who_knows_the_room_revokes_and_only_once(invites: Invites) -> None:
    code = await invites.create("room", None, None)
    with pytest.raises(InviteNotFoundError):
        await invites.revoke("other", code)
    await invites.require("room", code, None)
    await invites.revoke("room", code)
    with pytest.raises(InviteNotFoundError):
        await invites.revoke("room", code)


async def test_expired_invites_are_swept_out(invites: Invites, owner: asyncpg.Connection) -> None:
    await invites.create("room", None, datetime.now(UTC) + timedelta(hours=1))
    await owner.execute("UPDATE invites SET expires_at = expires_at - interval '1 hour'")
    code = await invites.create("room", None, None)
    assert await owner.fetchval("SELECT count(*) FROM invites") == 1
    await invites.require("room", code, None)


async def test_neither_code_nor_password_is_kept(invites: Invites, owner: asyncpg.Connection) -> None:
    codes = [await invites.create("room", "secret", None) for _ in range(2)]
    rows = await owner.fetch("SELECT * FROM invites")
    assert all(code.replace("-", "") not in repr(rows).replace("-", "") for code in codes)
    assert b"secret" not in b"".join(row["password"] for row in rows)
    assert len({row["password"] for row in rows}) == len({row["salt"] for row in rows}) == 2  # salted


async def test_after_ten_wrong_passwords_nobody_is_listened_to_for_a_minute(
    invites: Invites, owner: asyncpg.Connection
) -> None:
    code = await invites.create("room", "secret", None)
    other = await invites.create("room", "secret", None)
    for _ in range(WRONG_PASSWORDS):
        assert await outcome(invites, code, "guess") == "wrong_room_password"
    assert await outcome(invites, code, "guess") == await outcome(invites, code, "secret") == "too_many_attempts"
    assert await outcome(invites, other, "secret") == "good"
    await owner.execute("UPDATE invites SET wrong_since = wrong_since - interval '30 seconds'")
    assert await outcome(invites, code, "secret") == "too_many_attempts"
    await owner.execute("UPDATE invites SET wrong_since = wrong_since - interval '30 seconds'")
    assert await outcome(invites, code, "guess") == "wrong_room_password"
    assert await outcome(invites, code, "secret") == "good"


async def test_right_passwords_and_missing_ones_are_no_guesses(invites: Invites) -> None:
    code = await invites.create("room", "secret", None)
    for _ in range(WRONG_PASSWORDS + 2):
        assert await outcome(invites, code, None) == "wrong_room_password"
    many = await asyncio.gather(*(outcome(invites, code, "secret") for _ in range(WRONG_PASSWORDS + 2)))
    assert set(many) == {"good"}


async def test_who_guesses_at_two_gateways_at_once_gets_hardly_more_than_ten_guesses(
    invites: Invites, database_url: str
) -> None:
    code = await invites.create("room", "secret", None)
    async with open_tables(database_url) as others:
        gateways = (invites, Invites(others))
        told = await asyncio.gather(*(outcome(gateway, code, "guess") for gateway in gateways * 30))
    assert told.count("too_many_attempts") + told.count("wrong_room_password") == len(told)
    # Two are checked at a time by each gateway, and are counted when they were found wrong.
    assert WRONG_PASSWORDS <= told.count("wrong_room_password") <= WRONG_PASSWORDS + 3


async def test_who_waits_too_long_for_the_check_is_turned_away(
    invites: Invites, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await invites.create("room", "secret", None)
    monkeypatch.setattr("services.gateway.adapters.invites._CHECK_SECONDS", 0)
    with pytest.raises(PasswordsNotCheckedError):
        await invites.require("room", code, "secret")
    monkeypatch.undo()
    assert await outcome(invites, code, "secret") == "good"


async def test_passwords_are_hashed_beside_the_loop(invites: Invites, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes 50 ms for each, in which nobody else would be served."""
    threads = []
    scrypt = hashlib.scrypt

    def watched(*args: Any, **kwargs: Any) -> bytes:
        threads.append(threading.current_thread())
        return scrypt(*args, **kwargs)

    monkeypatch.setattr(hashlib, "scrypt", watched)
    code = await invites.create("room", "secret", None)
    await invites.require("room", code, "secret")
    assert len(threads) == 2
    assert threading.current_thread() not in threads
