"""Where a participant's media is sent to."""

from __future__ import annotations

from services.gateway.handlers import Rooms
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened, RtpTrack
from shared.eventsourcing.codec import Context
from shared.messaging.asking import Owners
from shared.runtime.clock import Clock


class Sources:
    """Has workers listen."""

    def __init__(self, rooms: Rooms, owners: Owners, clock: Clock) -> None:
        self._rooms = rooms
        self._owners = owners
        self._clock = clock

    async def open_rtp(
        self, actor: str, room_id: str, participant_id: str, video: RtpTrack | None, audio: RtpTrack | None
    ) -> RtpSourceOpened:
        """Have a worker listen for a participant's RTP. Raises RefusedError and BusError."""
        command = OpenRtpSource(
            at=self._clock(),
            room_id=room_id,
            session_id=await self._rooms.session_of(room_id, participant_id),
            participant_id=participant_id,
            video=video,
            audio=audio,
        )
        return await self._owners.ask(command, Context.begin(actor), RtpSourceOpened)
