"""What the gateway is asked."""

from __future__ import annotations

from services.gateway.recordings import RoomRecordings
from shared.contracts.recording import ConfirmRecording
from shared.eventsourcing.codec import Context
from shared.messaging.answering import answering
from shared.messaging.bus import Answerer
from shared.messaging.message import ACCEPTED, Message


def gateway_answerer(recordings: RoomRecordings) -> Answerer:
    """Return what answers the gateway's commands."""

    async def confirm(command: ConfirmRecording, context: Context) -> Message:
        await recordings.give(command, context)
        return ACCEPTED

    return answering({ConfirmRecording: confirm})
