"""Where a participant's media is sent to."""

from __future__ import annotations

from services.gateway.rooms import Rooms
from shared.concurrency.clock import Clock
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened, RtpTrack
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.messaging.asking import Owners
from shared.messaging.errors import BusError


class Sources:
    """Has workers listen."""

    def __init__(self, rooms: Rooms, owners: Owners, clock: Clock) -> None:
        self._rooms = rooms
        self._owners = owners
        self._clock = clock

    async def open_rtp(
        self, actor: str, room_id: str, participant_id: str, video: RtpTrack | None, audio: RtpTrack | None
    ) -> RtpSourceOpened:
        """Have a worker listen for the RTP of a participant who is in the room. Raises RefusedError and BusError."""
        command = OpenRtpSource(
            at=self._clock(),
            room_id=room_id,
            session_id=await self._rooms.session_of(room_id, participant_id),
            participant_id=participant_id,
            video=video,
            audio=audio,
        )
        return await self._owners.ask(command, Context.begin(actor), RtpSourceOpened)

    async def bring(
        self,
        actor: str,
        room_id: str,
        participant_id: str,
        name: str,
        video: RtpTrack | None,
        audio: RtpTrack | None,
    ) -> RtpSourceOpened:
        """Do so for whom a server brings, who joins by it if the room is one of such media and they are not there."""
        joined = await self._joins(room_id, participant_id) and await self._rooms.join_by_media(
            actor, room_id, participant_id, name
        )
        try:
            return await self.open_rtp(actor, room_id, participant_id, video, audio)
        except (RefusedError, BusError):
            if joined:  # by this, and not by another announcement: nobody is there of whom nothing can come
                await self._rooms.leave_by_media(actor, room_id, participant_id)
            raise

    async def take_away(self, actor: str, room_id: str, participant_id: str) -> None:
        """Have somebody leave who was brought so. Raises NotInRoomError."""
        await self._rooms.leave_by_media(actor, room_id, participant_id)

    async def _joins(self, room_id: str, participant_id: str) -> bool:
        room = await self._rooms.room(room_id)
        return room.settings.media is not None and participant_id not in room.participants
