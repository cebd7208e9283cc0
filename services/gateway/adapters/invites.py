"""Invites: what guests without a token come into a room with.

They lie in a table of their own and not in the log. An invite is a credential that can be revoked and that expires; the
log forgets nothing and is handed to auditors. Who came in is in the log all the same: as a guest who joined.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from services.gateway.adapters.codes import digest_of
from services.gateway.adapters.passwords import HashedPassword, hashed, is_password
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.own_connection import brief_connection

#: Wrong passwords of one invite that are listened to in a minute, whoever tries.
WRONG_PASSWORDS = 10
_WINDOW = timedelta(minutes=1)
#: Passwords that a gateway checks at the same time. So many more than the limit may get through at once.
_AT_ONCE = 2
#: Who waits longer for their password to be checked is turned away.
_CHECK_SECONDS = 10
#: For each statement meanwhile: who is turned away does not wait for a database that hangs.
_STATEMENT_SECONDS = 10


class InvalidInviteCodeError(RefusedError):
    """An invite code that cannot be one."""

    code = "invalid_invite_code"

    def __init__(self) -> None:
        super().__init__("the invite code is no UUID: take it as it is in the invite")


class InviteNotFoundError(RefusedError):
    """No such invite, or not any more, or of another room: which of them is nobody's business."""

    code = "invite_not_found"

    def __init__(self, room_id: str) -> None:
        super().__init__(f"there is no such invite to room {room_id}, or it is over: ask for a new one")
        self.room_id = room_id


class ExpirationPassedError(RefusedError):
    """An invite that would be over before anybody has it."""

    code = "invalid_request"

    def __init__(self, expiration: datetime) -> None:
        super().__init__(f"expiration {expiration.isoformat()} is past: name a moment to come, or none")
        self.expiration = expiration


class WrongRoomPasswordError(RefusedError):
    """The invite asks for a password, and this is not it."""

    code = "wrong_room_password"

    def __init__(self) -> None:
        super().__init__("the password is missing or wrong: it is told with the invite")


class TooManyAttemptsError(RefusedError):
    """Somebody guesses passwords."""

    code = "too_many_attempts"

    def __init__(self) -> None:
        super().__init__(f"{WRONG_PASSWORDS} wrong passwords were tried within a minute: wait for one, then try again")


class PasswordsNotCheckedError(RefusedError):
    """So many passwords are to be checked that this one's turn did not come."""

    code = "unavailable"

    def __init__(self) -> None:
        super().__init__("more passwords are to be checked than can be: try again in a moment")


@dataclass(frozen=True, slots=True)
class _Invite:
    password: HashedPassword | None
    is_guessed_at: bool


class Invites:
    """Invites in Postgres, timed by its clock. Each method raises LogUnavailableError."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._checking = asyncio.Semaphore(_AT_ONCE)

    async def create(self, room_id: str, password: str | None, expiration: datetime | None) -> str:
        """Return the code of a new invite, and sweep out those that are over. Raises ExpirationPassedError."""
        code = str(uuid4())
        kept = await hashed(password) if password else None
        with outages_told():
            status: str = await self._pool.execute(
                """WITH swept AS (
                       DELETE FROM invites WHERE digest IN (
                           SELECT digest FROM invites WHERE expires_at < clock_timestamp() FOR UPDATE SKIP LOCKED)
                   )
                   INSERT INTO invites (digest, room_id, salt, password, expires_at)
                   SELECT $1, $2, $3, $4, $5::timestamptz WHERE coalesce($5 > clock_timestamp(), true)""",
                digest_of(code),
                room_id,
                kept.salt if kept else None,
                kept.hash if kept else None,
                expiration,
            )
        if expiration and status == "INSERT 0 0":
            raise ExpirationPassedError(expiration)
        return code

    async def revoke(self, room_id: str, code: str) -> None:
        """Let nobody in by it any more. Raises InvalidInviteCodeError, InviteNotFoundError."""
        with outages_told():
            status: str = await self._pool.execute(
                """DELETE FROM invites
                   WHERE digest = $1 AND room_id = $2 AND coalesce(expires_at > clock_timestamp(), true)""",
                _digest(code),
                room_id,
            )
        if status == "DELETE 0":
            raise InviteNotFoundError(room_id)

    async def require(self, room_id: str, code: str, password: str | None) -> None:
        """Return when the invite is good and the password is its own. Raises what is wrong with them."""
        digest = _digest(code)
        invite = await self._find(room_id, digest)
        if invite.password is None:
            return
        if not password:
            raise WrongRoomPasswordError
        try:
            async with asyncio.timeout(_CHECK_SECONDS), self._checking:
                await self._require_password(room_id, digest, password)
        except TimeoutError:
            raise PasswordsNotCheckedError from None

    async def _require_password(self, room_id: str, digest: bytes, password: str) -> None:
        # Looked at again: guesses that were made while this one waited for its turn count.
        invite = await self._find(room_id, digest)
        if invite.is_guessed_at:
            raise TooManyAttemptsError
        if invite.password and not await is_password(password, invite.password):
            await self._count_wrong_password(digest)
            raise WrongRoomPasswordError

    async def _find(self, room_id: str, digest: bytes) -> _Invite:
        async with brief_connection(self._pool, _STATEMENT_SECONDS) as connection:
            row = await connection.fetchrow(
                """SELECT salt, password,
                       wrong_passwords >= $3 AND wrong_since > clock_timestamp() - $4::interval AS is_guessed_at
                   FROM invites
                   WHERE digest = $1 AND room_id = $2 AND coalesce(expires_at > clock_timestamp(), true)""",
                digest,
                room_id,
                WRONG_PASSWORDS,
                _WINDOW,
                timeout=_STATEMENT_SECONDS,
            )
        if row is None:
            raise InviteNotFoundError(room_id)
        password = HashedPassword(row["salt"], row["password"]) if row["salt"] else None
        return _Invite(password, row["is_guessed_at"])

    async def _count_wrong_password(self, digest: bytes) -> None:
        """Count it in the minute that began with the first one, or begin a new minute."""
        async with brief_connection(self._pool, _STATEMENT_SECONDS) as connection:
            await connection.execute(
                """UPDATE invites SET
                       wrong_passwords = CASE WHEN wrong_since > now() - $2::interval
                           THEN wrong_passwords + 1 ELSE 1 END,
                       wrong_since = CASE WHEN wrong_since > now() - $2::interval THEN wrong_since ELSE now() END
                   WHERE digest = $1""",
                digest,
                _WINDOW,
                timeout=_STATEMENT_SECONDS,
            )


def _digest(code: str) -> bytes:
    try:
        return digest_of(str(UUID(code)))
    except ValueError:
        raise InvalidInviteCodeError from None
