"""The recording of room `r`, as a moderator brings it about."""

from __future__ import annotations

from services.gateway.projections.roster import target_id
from shared.contracts.recording import RecordingRequested
from tests.unit.gateway.signaling.house import Client, House

TARGETS = [target_id("r")]


async def recording(house: House, moderator: Client, status: str) -> str:
    """Bring the room's recording to that status and return its id."""
    if status == "inactive":
        return "none"
    moderator.says("recording", action="start")
    (requested,) = await house.until_written(RecordingRequested)
    if status != "starting":
        await house.recorder_begins()
        await moderator.hears("stream_updated")
    if status == "paused":
        moderator.says("recording", action="pause_stream", target_ids=TARGETS)
        await moderator.hears("stream_updated", 2)
    return requested.recording_id


async def is_done(moderator: Client) -> None:
    """Wait until what they said about recordings before has been done: this comes after it."""
    count = moderator.messages.count("recording invalid_recording_id") + 1
    moderator.says("recording", action="stop")
    await moderator.hears("recording invalid_recording_id", count)
