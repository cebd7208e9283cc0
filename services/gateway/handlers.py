"""What people may ask of the gateway, whichever door they come through."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import string
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

import structlog

from services.gateway.domain.room import (
    CreateRoom,
    InsufficientPermissionsError,
    JoinRoom,
    LeaveRoom,
    Room,
    RoomCommand,
    RoomHappened,
    RoomNotFoundError,
)
from shared.contracts.consent import SetConsent
from shared.contracts.message import Command, Contract
from shared.contracts.recording import StartRecording, StopRecording
from shared.contracts.reply import Accepted, Refused
from shared.contracts.room import LeaveReason, Role, room_stream
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened, RtpTrack
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import Horizon
from shared.messaging.bus import Bus
from shared.messaging.errors import BusError
from shared.messaging.message import command_message, read_reply
from shared.runtime.clock import Clock

_log = structlog.get_logger()

#: Between attempts to get a consent into the log while its service or the broker is away.
_RETRY_SECONDS = 0.2

Answer = TypeVar("Answer", bound=Contract)


class NotInRoomError(RefusedError):
    """The participant is not in the room's live session."""

    code = "participant_not_found"

    def __init__(self, room_id: str, participant_id: str) -> None:
        super().__init__(f"participant {participant_id} is not in room {room_id}: let them join first")


class CommandRefusedError(RefusedError):
    """The service that owns the stream decided against it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.code = refused.code


class Rooms:
    """Decides what concerns rooms, and passes on the rest to its owners."""

    def __init__(
        self,
        rooms: CommandHandler[Room, RoomCommand, RoomHappened],
        bus: Bus,
        horizon: Horizon,
        clock: Clock,
        timeout: float,
    ) -> None:
        self._rooms = rooms
        self._bus = bus
        self._horizon = horizon
        self._clock = clock
        self._timeout = timeout

    async def create(self, actor: str, custom_room_id: str | None, webhook_url: str | None) -> str:
        """Create a room and return its id. The same custom id always gives the same room."""
        room_id = _room_id(custom_room_id)
        command = CreateRoom(room_id, self._clock(), custom_room_id, webhook_url)
        await self._rooms.handle(room_stream(room_id), command, Context.begin(actor))
        return room_id

    async def room(self, room_id: str) -> Room:
        """Return the room as the log has it now. Raises RoomNotFoundError."""
        room = (await self._rooms.load(room_stream(room_id))).state
        if not room.created:
            raise RoomNotFoundError(room_id)
        return room

    async def join(self, room_id: str, participant_id: str, display_name: str, role: Role) -> int:
        """Let a participant in; return the room stream's position after it. Raises RoomNotFoundError."""
        command = JoinRoom(room_id, secrets.token_hex(12), participant_id, display_name, role, self._clock())
        context = Context.begin(_participant(participant_id))
        return (await self._rooms.handle(room_stream(room_id), command, context)).position

    async def leave(self, room_id: str, participant_id: str, reason: LeaveReason) -> None:
        with self._horizon.saying() as moment:
            command = LeaveRoom(room_id, participant_id, reason, moment)
            await self._rooms.handle(room_stream(room_id), command, Context.begin(_participant(participant_id)))

    async def set_consent(self, room_id: str, participant_id: str, *, consent: bool, turn: asyncio.Lock) -> None:
        """Take a participant's word at this moment. Returns when it is in the log, however long that takes.

        `turn` is the participant's own: their words reach the log in the order in which they were said.
        """
        with self._horizon.saying() as moment:
            async with turn:
                await self._insist_on_consent(room_id, participant_id, consent=consent, moment=moment)

    async def start_recording(self, room_id: str, participant_id: str) -> None:
        """Start a recording. Raises RefusedError, and BusError when the recorder is out of reach."""
        session_id = await self._moderated_session(room_id, participant_id)
        command = StartRecording(
            at=self._clock(),
            room_id=room_id,
            session_id=session_id,
            recording_id=str(uuid4()),
            requested_by=participant_id,
        )
        await self._ask(command, Context.begin(_participant(participant_id)), Accepted)

    async def stop_recording(self, room_id: str, participant_id: str, recording_id: str) -> None:
        """Stop a recording. Raises RefusedError, and BusError when the recorder is out of reach."""
        # As with consent: files end at this moment, so no media after it may be written while this is on its way.
        with self._horizon.saying() as moment:
            session_id = await self._moderated_session(room_id, participant_id)
            command = StopRecording(
                at=moment,
                room_id=room_id,
                session_id=session_id,
                recording_id=recording_id,
                requested_by=participant_id,
            )
            await self._ask(command, Context.begin(_participant(participant_id)), Accepted)

    async def open_rtp_source(
        self, actor: str, room_id: str, participant_id: str, video: RtpTrack | None, audio: RtpTrack | None
    ) -> RtpSourceOpened:
        """Have a worker listen for a participant's RTP. Raises RefusedError and BusError."""
        command = OpenRtpSource(
            at=self._clock(),
            room_id=room_id,
            session_id=await self._session_of(room_id, participant_id),
            participant_id=participant_id,
            video=video,
            audio=audio,
        )
        return await self._ask(command, Context.begin(actor), RtpSourceOpened)

    async def _session_of(self, room_id: str, participant_id: str) -> str:
        room = await self.room(room_id)
        if room.session_id is None or participant_id not in room.participants:
            raise NotInRoomError(room_id, participant_id)
        return room.session_id

    async def _moderated_session(self, room_id: str, participant_id: str) -> str:
        room = await self.room(room_id)
        if room.session_id is None or not room.is_moderator(participant_id):
            raise InsufficientPermissionsError(participant_id)
        return room.session_id

    async def _insist_on_consent(self, room_id: str, participant_id: str, *, consent: bool, moment: datetime) -> None:
        while True:
            try:
                return await self._ask_consent(room_id, participant_id, consent=consent, moment=moment)
            except (BusError, LogUnavailableError) as error:
                _log.warning("consent waits", participant_id=participant_id, error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _ask_consent(self, room_id: str, participant_id: str, *, consent: bool, moment: datetime) -> None:
        command = SetConsent(
            at=moment,
            room_id=room_id,
            session_id=await self._session_of(room_id, participant_id),
            participant_id=participant_id,
            consent=consent,
        )
        await self._ask(command, Context.begin(_participant(participant_id)), Accepted)

    async def _ask(self, command: Command, context: Context, answer: type[Answer]) -> Answer:
        message = await self._bus.ask(command.owner, command_message(command, context, self._timeout), self._timeout)
        reply = read_reply(message, answer)
        if isinstance(reply, Refused):
            raise CommandRefusedError(reply)
        return reply


def _participant(participant_id: str) -> str:
    return f"participant:{participant_id}"


def _room_id(custom_room_id: str | None) -> str:
    """Return an id like `abcd-efgh-ijkl`: drawn, or from the custom id, so that asking twice gives the same room."""
    seed = custom_room_id.encode() if custom_room_id else secrets.token_bytes(32)
    digest = hashlib.sha256(seed).digest()
    letters = "".join(string.ascii_lowercase[byte % 26] for byte in digest[:12])
    return "-".join((letters[:4], letters[4:8], letters[8:]))
