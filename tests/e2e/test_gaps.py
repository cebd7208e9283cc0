"""Why a file holds silence or black: told alike by the log, by the doors and by the timeline beside the file."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import Any

import httpx

from services.demo.media import FRAME_RATE, Clip
from services.recorder.media.flow import FLOW_NS
from services.system import System
from shared.contracts.consent import ConsentGiven, ConsentWithdrawn
from shared.contracts.file_timeline import FileTimeline
from shared.contracts.participant_recording import ParticipantRecordingStopped
from tests.support.meeting import Meeting, events_of, until_happened

_ONE_MS = timedelta(milliseconds=1)
#: What a packet may take from the sender through the kernel to the recorder on a busy machine.
_ON_THE_WAY = timedelta(milliseconds=500)
_MUTED_AFTER_SECONDS = 2
_MUTED_FOR_SECONDS = 2 * FLOW_NS // 10**9


async def test_who_mutes_and_withdraws_finds_both_in_the_timeline_and_in_the_log(
    running: System, room: Meeting, clip: Clip
) -> None:
    await room.join("alice")
    await room.consent("alice", consent=True, seen_by="mona")
    sender = await room.sender("alice", clip)
    recording_id = await room.start("mona")
    frames = (_MUTED_AFTER_SECONDS + _MUTED_FOR_SECONDS) * FRAME_RATE
    sending = asyncio.create_task(sender.run(frames + 90, _MUTED_AFTER_SECONDS * 50))
    await _sent(sender.sent_video, frames)
    muted = datetime.fromtimestamp(sender.sent_audio[-1].at_ns / 1e9).astimezone()
    await room.consent("alice", consent=False, seen_by="mona")
    await _sent(sender.sent_video, frames + 30)
    await room.consent("alice", consent=True, seen_by="mona")
    await sending
    await room.stop("mona", recording_id)
    store = running.infrastructure.store
    stopped = await until_happened(store, ParticipantRecordingStopped)

    assert stopped.timeline
    data = await _get(room, f"{stopped.participant_recording_id}/timeline")
    assert hashlib.sha256(data.content).hexdigest() == stopped.timeline.sha256
    told = FileTimeline.model_validate_json(data.content)
    withdrawn = (await until_happened(store, ConsentWithdrawn)).at
    given = [event.at for event in await events_of(store) if isinstance(event, ConsentGiven)][-1]
    audio, video = ([(gap.reason, gap.begin, gap.end) for gap in track.gaps] for track in told.tracks)
    assert [reason for reason, _, _ in audio] == ["muted", "no_consent", "muted"]
    assert abs(audio[0][1] - muted) <= _ON_THE_WAY
    assert ("no_consent", 0, 0) in [(reason, _off(begin, withdrawn), _off(end, given)) for reason, begin, end in audio]
    assert ("no_consent", 0, 0) in [(reason, _off(begin, withdrawn), _off(end, given)) for reason, begin, end in video]
    # Its keyframes are half a second apart: it may have waited for one as long.
    assert {reason for reason, _, _ in video} <= {"no_consent", "lost"}
    await _assert_the_doors_tell_the_same(room, stopped)


async def _assert_the_doors_tell_the_same(room: Meeting, stopped: ParticipantRecordingStopped) -> None:
    history: list[dict[str, Any]] = (await _get(room, f"{stopped.participant_recording_id}/events")).json()["data"]
    assert stopped.gaps
    assert history[-1]["data"]["gaps"] == stopped.gaps.model_dump(mode="json")
    flowing = [each["data"]["track"] for each in history if each["type"] == "participant-recording.flow-started.v1"]
    assert sorted(flowing) == ["audio", "video"]


def _off(told: datetime, said: datetime) -> int:
    """Return by how many whole ms a moment was missed."""
    return abs(told - said) // _ONE_MS


async def _get(room: Meeting, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=room.base_url) as http:
        answer = await http.get(f"/v2/recordings/participant/{path}", headers={"Authorization": room.server_token()})
    assert answer.status_code == 200, answer.text
    return answer


async def _sent(sent: list[Any], count: int) -> None:
    while len(sent) < count:  # noqa: ASYNC110  the sender sends in real time
        await asyncio.sleep(0.01)
