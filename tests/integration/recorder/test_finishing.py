"""From a segment to the finished file: what is not what was meant stays beside its segment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.recorder import workbench
from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.finishing import UnexpectedFileError, put_in_place
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.keys import TrackKeys
from services.recorder.media.black import BlackPictures
from services.recorder.media.ffmpeg_errors import FfmpegError
from services.recorder.media.frame import NS_PER_MS, Block, Kind, PictureFormat
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.watermark import WatermarkGauge
from services.recorder.workbench import Workbench
from shared.contracts.participant_recording import RecordingKind
from tests.support import vp8, vp9
from tests.support.in_memory import InMemoryEventStore
from tests.support.spooling import spool_disk

KEYS = TrackKeys("s", "ann", "audio", 0)


def sounds() -> list[Block]:
    return [Block("audio", at * NS_PER_MS, keyframe=True, data=OPUS_SILENCE) for at in range(0, 400, 20)]


def pictures() -> list[Block]:
    return [
        Block("video", 0, keyframe=True, data=vp8.keyframe()),
        Block("video", 40 * NS_PER_MS, keyframe=False, data=vp8.delta_frame()),
    ]


def segment(store: LocalObjectStore, blocks: list[Block], *kinds: Kind) -> None:
    tracks = {*kinds, *(block.kind for block in blocks)}
    muxer = MatroskaMuxer(PictureFormat("vp8", 640, 480) if "video" in tracks else None, sound="audio" in tracks)
    store.path(KEYS.segment).write_bytes(muxer.header() + muxer.cluster(blocks))


@pytest.mark.parametrize(
    ("blocks", "kind", "codecs"),
    [
        (sounds(), "audio", ("", "opus")),
        (pictures(), "video", ("vp8", "")),
        (sounds() + pictures(), "audio_video", ("vp8", "opus")),
    ],
    ids=["audio", "video", "audio_video"],
)
async def test_a_whole_segment_becomes_the_file_and_goes(
    ffmpeg: Path, tmp_path: Path, blocks: list[Block], kind: RecordingKind, codecs: tuple[str, str]
) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, blocks)
    file = await put_in_place(ffmpeg, store, KEYS, kind)
    assert (file.video_codec, file.audio_codec) == codecs
    assert file.video_frames + file.audio_packets == len(blocks)
    assert (store.path(KEYS.file).exists(), store.path(KEYS.segment).exists()) == (True, False)


async def test_a_segment_of_vp9_becomes_a_file_as_well(ffmpeg: Path, tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    muxer = MatroskaMuxer(PictureFormat("vp9", 640, 480), sound=False)
    picture = Block("video", 0, keyframe=True, data=vp9.keyframe())
    store.path(KEYS.segment).write_bytes(muxer.header() + muxer.cluster([picture]))
    assert (await put_in_place(ffmpeg, store, KEYS, "video")).video_codec == "vp9"


@pytest.mark.parametrize(
    ("blocks", "kind", "reason"),
    [
        (sounds(), "video", "holds None and opus"),
        (sounds(), "audio_video", "holds None and opus"),
        (pictures(), "audio", "holds vp8 and None"),
    ],
    ids=["no-video", "not-both", "no-audio"],
)
async def test_a_segment_of_something_else_is_kept(
    ffmpeg: Path, tmp_path: Path, blocks: list[Block], kind: RecordingKind, reason: str
) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, blocks)
    with pytest.raises(UnexpectedFileError, match=reason):
        await put_in_place(ffmpeg, store, KEYS, kind)
    assert store.path(KEYS.segment).exists()


async def test_a_segment_that_holds_nothing_is_no_file(ffmpeg: Path, tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, [], "audio")
    with pytest.raises(FfmpegError):
        await put_in_place(ffmpeg, store, KEYS, "audio")


async def test_of_many_recordings_that_end_together_two_are_finished_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail: a hundred remuxed and listed their frames at once."""
    at_once: list[int] = [0]
    most = 0

    async def finish(*_: object) -> None:
        nonlocal most
        at_once[0] += 1
        most = max(most, at_once[0])
        await asyncio.sleep(0)
        at_once[0] -= 1

    monkeypatch.setattr(workbench, "put_in_place", finish)
    ffmpeg, streams = Path("ffmpeg"), ParticipantRecordingStreams(InMemoryEventStore())
    store, black, disk = LocalObjectStore(tmp_path), BlackPictures(ffmpeg), spool_disk(tmp_path)
    bench = Workbench("w", streams, store, ffmpeg, WatermarkGauge(), black, disk)
    await asyncio.gather(*(bench.put_in_place(KEYS, "audio") for _ in range(20)))
    assert most == 2
