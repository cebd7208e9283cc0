"""What is recorded is exactly what was sent and permitted."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.demo.media import Clip
from services.demo.rtp_sender import RtpSender, Sent
from services.recorder.media.black import BlackPictures
from services.recorder.media.frame import PictureFormat
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.probe import decode_errors
from services.recorder.moments import nanoseconds
from services.system import System
from shared.contracts.consent import ConsentGiven, ConsentWithdrawn
from shared.contracts.participant_recording import ParticipantRecordingStarted, ParticipantRecordingStopped
from tests.support.meeting import Meeting, events_of, until_happened
from tests.support.webm import Packet, read_packets

#: What a packet may take from the sender through the kernel to the recorder on a busy machine.
_ON_THE_WAY_NS = 500_000_000


async def test_every_frame_and_packet_sent_while_recorded_is_in_the_file_in_order_and_once(
    running: System, room: Meeting, clip: Clip, ffmpeg: Path
) -> None:
    await room.join("alice")
    await room.consent("alice", consent=True, seen_by="mona")
    sender = await room.sender("alice", clip)
    recording_id = await room.start("mona")
    await until_happened(running.infrastructure.store, ParticipantRecordingStarted)

    await sender.run(video_frames=150, audio_packets=250)
    await room.stop("mona", recording_id)
    stopped = await until_happened(running.infrastructure.store, ParticipantRecordingStopped)

    path = running.storage_root / stopped.file.path
    packets = await asyncio.to_thread(read_packets, path)
    assert await _pictures(packets, ffmpeg) == [sent.data for sent in sender.sent_video]
    assert _sounds(packets) == [sent.data for sent in sender.sent_audio]
    assert await decode_errors(ffmpeg, path) == ""


async def test_a_file_begins_with_a_keyframe_and_lasts_as_long_as_the_participant_was_recorded(
    running: System, room: Meeting, clip: Clip
) -> None:
    await room.join("alice")
    await room.consent("alice", consent=True, seen_by="mona")
    sender = await room.sender("alice", clip)
    recording_id = await room.start("mona")
    await sender.run(video_frames=60, audio_packets=100)
    await room.stop("mona", recording_id)

    store = running.infrastructure.store
    started = await until_happened(store, ParticipantRecordingStarted)
    stopped = await until_happened(store, ParticipantRecordingStopped)
    packets = await asyncio.to_thread(read_packets, running.storage_root / stopped.file.path)
    pictures = [packet for packet in packets if packet.kind == "video"]
    assert pictures[0].keyframe
    assert pictures[0].time_ms == 0
    wall_ms = (stopped.at - started.at).total_seconds() * 1000
    assert abs(stopped.file.duration_ms - wall_ms) <= 40


async def test_nothing_that_was_sent_before_the_yes_or_after_the_no_is_in_the_file(
    running: System, room: Meeting, clip: Clip, ffmpeg: Path
) -> None:
    await room.join("alice")
    sender = await room.sender("alice", clip)
    await room.start("mona")
    sending = asyncio.create_task(sender.run(video_frames=240, audio_packets=400))
    await _sent(sender, 60)
    await room.consent("alice", consent=True, seen_by="mona")
    await _sent(sender, 150)
    await room.consent("alice", consent=False, seen_by="mona")
    await sending
    await room.clients["mona"].send("recording", action="stop", recording_id=await _recording_id(room))
    store = running.infrastructure.store
    stopped = await until_happened(store, ParticipantRecordingStopped)

    yes_ns = nanoseconds((await until_happened(store, ConsentGiven)).at)
    started = await until_happened(store, ParticipantRecordingStarted)
    no_ns = nanoseconds((await until_happened(store, ConsentWithdrawn)).at)
    packets = await asyncio.to_thread(read_packets, running.storage_root / stopped.file.path)
    pictures, sounds = await _pictures(packets, ffmpeg), _sounds(packets)
    permitted_since_ns = max(yes_ns, nanoseconds(started.at))
    _assert_run_between(sounds, sender.sent_audio, permitted_since_ns, no_ns, slack_ns=0)
    # A picture begins with a keyframe, half a second apart here.
    _assert_run_between(pictures, sender.sent_video, permitted_since_ns, no_ns, slack_ns=600_000_000)


async def test_whoever_never_consents_has_no_file_and_no_folder(running: System, room: Meeting, clip: Clip) -> None:
    await room.join("alice")
    await room.join("dave")
    await room.consent("alice", consent=True, seen_by="mona")
    sender = await room.sender("dave", clip)
    recording_id = await room.start("mona")
    await sender.run(video_frames=30, audio_packets=50)
    await room.stop("mona", recording_id)
    await until_happened(running.infrastructure.store, ParticipantRecordingStopped)
    assert {path.parent.name for path in running.storage_root.rglob("*") if path.is_file()} == {"alice"}
    named = {getattr(event, "participant_id", None) for event in await events_of(running.infrastructure.store)}
    assert "dave" in named


def _assert_run_between(recorded: list[bytes], sent: list[Sent], begin_ns: int, end_ns: int, *, slack_ns: int) -> None:
    """Assert that what was recorded is one unbroken run of what was sent, within the span and nearly all of it."""
    first = [each.data for each in sent].index(recorded[0])
    run = sent[first : first + len(recorded)]
    assert recorded == [each.data for each in run]
    assert run[0].at_ns >= begin_ns - _ON_THE_WAY_NS
    assert run[-1].at_ns < end_ns
    expected = [each for each in sent if begin_ns + slack_ns <= each.at_ns < end_ns - _ON_THE_WAY_NS]
    assert len(run) >= len(expected) - 1


async def _pictures(packets: list[Packet], ffmpeg: Path) -> list[bytes]:
    pictures = BlackPictures(ffmpeg)
    black = [await pictures.of(PictureFormat("vp8", 640, height)) for height in (360, 480)]
    return [packet.data for packet in packets if packet.kind == "video" and packet.data not in black]


def _sounds(packets: list[Packet]) -> list[bytes]:
    return [packet.data for packet in packets if packet.kind == "audio" and packet.data != OPUS_SILENCE]


async def _sent(sender: RtpSender, frames: int) -> None:
    while len(sender.sent_video) < frames:  # noqa: ASYNC110  the sender sends in real time
        await asyncio.sleep(0.01)


async def _recording_id(room: Meeting) -> str:
    return str((await room.clients["mona"].wait_for("recording", "started"))["recording_id"])
