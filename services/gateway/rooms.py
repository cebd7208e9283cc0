"""Rooms, and who is in them."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import uuid4

from services.gateway.domain.room import (
    ChangeRole,
    CreateRoom,
    DeactivateRoom,
    EndSession,
    JoinRoom,
    LeaveRoom,
    LoseGateway,
    MoveHand,
    OpenBreakoutRoom,
    RemoveParticipant,
    RoomCommand,
    require_active,
)
from services.gateway.domain.room_errors import (
    InsufficientPermissionsError,
    NotInRoomError,
    RoomNotFoundError,
    SessionNotFoundError,
)
from services.gateway.domain.room_life import Room, RoomHappened, RoomSettings
from services.gateway.process_managers.auto_close import ClosingSession
from shared.concurrency.clock import Clock
from shared.contracts import actors
from shared.contracts.room import LeaveReason, Role, room_stream
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.horizon import Horizon
from shared.eventsourcing.insisting import until_answered


class NestedBreakoutRoomError(RefusedError):
    """Breakout rooms have no breakout rooms."""

    code = "nested_breakout_room"

    def __init__(self, room_id: str, parent_room_id: str) -> None:
        super().__init__(f"room {room_id} is a breakout room itself: open another one in room {parent_room_id}")
        self.room_id = room_id
        self.parent_room_id = parent_room_id


class Rooms:
    """The rooms. Each method raises RefusedError and LogUnavailableError."""

    def __init__(
        self,
        rooms: CommandHandler[Room, RoomCommand, RoomHappened],
        horizon: Horizon,
        clock: Clock,
        gateway_id: Callable[[], str],
    ) -> None:
        self._rooms = rooms
        self._horizon = horizon
        self._clock = clock
        self._gateway_id = gateway_id

    async def create(self, actor: str, custom_room_id: str | None, settings: RoomSettings | None = None) -> str:
        """Create a room and return its id. The same custom id always gives the same room, as it was created first."""
        room_id = _room_id(custom_room_id)
        await self._decide(CreateRoom(room_id, self._clock(), custom_room_id, settings or RoomSettings()), actor)
        return room_id

    async def deactivate(self, actor: str, room_id: str) -> None:
        """Let nobody in any more, also into its breakout rooms. Who is there stays."""
        room = await self.room(room_id)
        for each in (room_id, *sorted(room.breakout_rooms)):
            await self._decide(DeactivateRoom(each, self._clock()), actor)

    async def open_breakout_room(self, actor: str, room_id: str, name: str) -> str:
        """Open a breakout room and return its id. It is a room of its own, with its parent's settings."""
        parent = await self.room(room_id)
        if parent.parent_room_id:
            raise NestedBreakoutRoomError(room_id, parent.parent_room_id)
        require_active(parent, room_id)
        breakout_room_id, now = str(uuid4()), self._clock()
        # Created before its parent tells of it: what can be named can be entered.
        await self._decide(CreateRoom(breakout_room_id, now, None, parent.settings, room_id), actor)
        await self._decide(OpenBreakoutRoom(room_id, breakout_room_id, name, now), actor)
        return breakout_room_id

    async def room(self, room_id: str) -> Room:
        """Return the room as the log has it now. Raises RoomNotFoundError."""
        room = (await self._rooms.load(room_stream(room_id))).state
        if not room.created:
            raise RoomNotFoundError(room_id)
        return room

    async def live_session(self, room_id: str) -> str:
        """Return the session that is live. Raises SessionNotFoundError."""
        room = await self.room(room_id)
        if room.session_id is None:
            raise SessionNotFoundError(room_id)
        return room.session_id

    async def session_of(self, room_id: str, participant_id: str) -> str:
        """Return the session that the participant is in. Raises NotInRoomError."""
        room = await self.room(room_id)
        if room.session_id is None or participant_id not in room.participants:
            raise NotInRoomError(room_id, participant_id)
        return room.session_id

    async def moderated_session(self, room_id: str, participant_id: str) -> str:
        """Return the session that the participant moderates now. Raises InsufficientPermissionsError."""
        room = await self.room(room_id)
        if room.session_id is None or not room.is_moderator(participant_id):
            raise InsufficientPermissionsError(participant_id)
        return room.session_id

    async def join(self, room_id: str, participant_id: str, connection_id: str, display_name: str, role: Role) -> None:
        """Let a participant in by a connection; an earlier one of theirs is none any more."""
        # A participant who was here by another connection leaves by this: words of before must not outrun it.
        with self._horizon.saying() as moment:
            command = JoinRoom(
                room_id=room_id,
                new_session_id=secrets.token_hex(12),
                participant_id=participant_id,
                display_name=display_name,
                role=role,
                at=moment,
                gateway_id=self._gateway_id(),
                connection_id=connection_id,
            )
            await self._decide(command, actors.participant(participant_id))

    async def join_by_media(self, actor: str, room_id: str, participant_id: str, display_name: str) -> bool:
        """Let a participant in whose media a server brings: by no connection. Who is in the room already stays so.

        Tell whether they joined by this.
        """
        with self._horizon.saying() as moment:
            session_id = secrets.token_hex(12)
            command = JoinRoom(room_id, session_id, participant_id, display_name, "user", moment)
            return bool(await self._decide(command, actor))

    async def leave_by_media(self, actor: str, room_id: str, participant_id: str) -> None:
        """Have a participant leave who is here by no connection. Raises NotInRoomError."""
        participant = (await self.room(room_id)).participants.get(participant_id)
        if participant is None or participant.connection_id is not None:
            raise NotInRoomError(room_id, participant_id)
        with self._horizon.saying() as moment:
            await self._decide(LeaveRoom(room_id, participant_id, "quit", moment), actor)

    async def remove(self, actor: str, room_id: str, participant_id: str, session_id: str | None = None) -> str:
        """Have a participant leave, and return the session. Raises NotInRoomError and SessionNotFoundError."""
        meant = session_id or await self.live_session(room_id)
        with self._horizon.saying() as moment:
            await self._decide(RemoveParticipant(room_id, participant_id, moment, meant), actor)
        return meant

    async def end_session(self, actor: str, room_id: str, session_id: str | None = None) -> str:
        """Have everybody leave, and return the session that is over. Raises SessionNotFoundError."""
        meant = session_id or await self.live_session(room_id)
        with self._horizon.saying() as moment:
            await self._decide(EndSession(room_id, "requested", moment, meant), actor)
        return meant

    def leaving(self) -> AbstractContextManager[datetime]:
        """Yield the moment at which a connection ended, and hold the horizon there until it is known who left by it."""
        return self._horizon.holding()

    async def auto_close(self, closing: ClosingSession, context: Context) -> None:
        """End a session because its room says so. Raises SessionNotFoundError."""
        with self._horizon.saying() as moment:
            command = EndSession(closing.room_id, "auto_close", moment, closing.session_id)
            await self._rooms.handle(room_stream(closing.room_id), command, context)

    async def leave(
        self, room_id: str, participant_id: str, connection_id: str, reason: LeaveReason, at: datetime
    ) -> None:
        """Have a participant leave whose connection ended at that moment, unless they are here by another one.

        Returns when it is in the log, however long that takes.
        """
        command = LeaveRoom(room_id, participant_id, reason, at, connection_id)
        by = actors.participant(participant_id)
        await until_answered(lambda: self._decide(command, by), f"leave of {participant_id}")

    async def lose(self, room_id: str, gateway_id: str, at: datetime | None = None) -> None:
        """Have everybody leave whose gateway is gone: at a moment that holds the watermark, or now."""
        with self._horizon.saying() as now:
            await self._decide(LoseGateway(room_id, gateway_id, at or now), actors.service("gateway"))

    async def change_role(self, room_id: str, moderator: str, target: str, *, moderates: bool) -> None:
        command = ChangeRole(room_id, target, moderates, changed_by=moderator, at=self._clock())
        await self._decide(command, actors.participant(moderator))

    async def raise_hand(self, room_id: str, participant_id: str) -> None:
        await self._decide(
            MoveHand(room_id, participant_id, "raise", self._clock()), actors.participant(participant_id)
        )

    async def lower_hand(self, room_id: str, participant_id: str) -> None:
        await self._decide(
            MoveHand(room_id, participant_id, "lower", self._clock()), actors.participant(participant_id)
        )

    async def _decide(self, command: RoomCommand, actor: str) -> tuple[RoomHappened, ...]:
        return (await self._rooms.handle(room_stream(command.room_id), command, Context.begin(actor))).events


def _room_id(custom_room_id: str | None) -> str:
    """Return an id like `abcd-efgh-ijkl`: drawn, or from the custom id, so that asking twice gives the same room."""
    seed = custom_room_id.encode() if custom_room_id else secrets.token_bytes(32)
    digest = hashlib.sha256(seed).digest()
    letters = "".join(string.ascii_lowercase[byte % 26] for byte in digest[:12])
    return "-".join((letters[:4], letters[4:8], letters[8:]))
