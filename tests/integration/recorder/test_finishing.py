"""From a segment to the finished file: what is not what was meant stays a segment, and nothing lies beside it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import av
import pytest

from services.recorder import workbench
from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.finishing import Meant, UnexpectedFileError, put_in_place
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.keys import TrackKeys
from services.recorder.media import sampling
from services.recorder.media.black import BlackPictures
from services.recorder.media.ffmpeg_errors import FfmpegError
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, Kind, PictureFormat
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.tags import Tags
from services.recorder.media.written import Written
from services.recorder.watermark import WatermarkGauge
from services.recorder.workbench import Workbench
from shared.contracts.participant_recording import RecordingKind
from tests.support import vp8, vp9
from tests.support.encoded import FRAME_RATE, encoded
from tests.support.in_memory import InMemoryEventStore
from tests.support.spooling import spool_disk
from tests.support.stand_in import ailing

KEYS = TrackKeys("s", "ann", "audio", 0)
TAGS = Tags("ann", "abcd-efgh-ijkl", datetime(2026, 7, 18, 7, 10, 30, 247_000, tzinfo=UTC))


def sounds(until_ms: int = 400) -> list[Block]:
    return [Block("audio", at * NS_PER_MS, keyframe=True, data=OPUS_SILENCE) for at in range(0, until_ms, 20)]


def pictures() -> list[Block]:
    return [
        Block("video", 0, keyframe=True, data=vp8.keyframe()),
        Block("video", 40 * NS_PER_MS, keyframe=False, data=vp8.delta_frame()),
    ]


@cache
def _moving(ffmpeg: Path) -> list[bytes]:
    return encoded(ffmpeg, "vp8", 1)


def moving(ffmpeg: Path, seconds: int) -> list[Block]:
    """Return pictures of 320x240 that can be decoded, with a keyframe each second: the same second again and again."""
    frames = enumerate(_moving(ffmpeg) * seconds)
    return [Block("video", at * NS_PER_SECOND // FRAME_RATE, at % FRAME_RATE == 0, data) for at, data in frames]


def segment(store: LocalObjectStore, blocks: list[Block], *kinds: Kind) -> None:
    tracks = {*kinds, *(block.kind for block in blocks)}
    muxer = MatroskaMuxer(PictureFormat("vp8", 640, 480) if "video" in tracks else None, sound="audio" in tracks)
    store.path(KEYS.segment).write_bytes(muxer.header() + muxer.cluster(blocks))


def meant(kind: RecordingKind, blocks: list[Block]) -> Meant:
    written = Written()
    written.add(blocks)
    return Meant(kind, TAGS, written)


def names(store: LocalObjectStore) -> list[str]:
    return sorted(path.name for path in store.path(KEYS.file).parent.iterdir())


SEGMENT_ALONE = [Path(KEYS.segment).name]
FILE_ALONE = [Path(KEYS.file).name]


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
    file = await put_in_place(ffmpeg, store, KEYS, meant(kind, blocks))
    assert (file.video_codec, file.audio_codec) == codecs
    assert file.video_frames + file.audio_packets == len(blocks)
    assert (file.size_bytes, file.sha256) == await store.digest(KEYS.file)
    assert names(store) == FILE_ALONE


async def test_a_segment_of_vp9_becomes_a_file_as_well(ffmpeg: Path, tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    muxer = MatroskaMuxer(PictureFormat("vp9", 640, 480), sound=False)
    picture = Block("video", 0, keyframe=True, data=vp9.keyframe())
    store.path(KEYS.segment).write_bytes(muxer.header() + muxer.cluster([picture]))
    assert (await put_in_place(ffmpeg, store, KEYS, meant("video", [picture]))).video_codec == "vp9"


@pytest.mark.parametrize(
    ("packet", "lasts_ms"),
    [
        (b"\x80" + bytes(8), 2.5),
        (b"\xf8\xff\xfe", 20),
        (b"\x18" + bytes(8), 60),
        (b"\x1b\x02" + bytes(8), 120),
    ],
    ids=["2.5 ms", "20 ms", "60 ms", "120 ms"],
)
async def test_packets_of_any_length_make_a_file_that_is_as_long_as_they_are(
    ffmpeg: Path, tmp_path: Path, packet: bytes, lasts_ms: float
) -> None:
    """RFC 6716 has packets from 2.5 to 120 ms."""
    store = LocalObjectStore(tmp_path)
    blocks = [Block("audio", round(at * lasts_ms * NS_PER_MS), keyframe=True, data=packet) for at in range(10)]
    segment(store, blocks)
    file = await put_in_place(ffmpeg, store, KEYS, meant("audio", blocks))
    assert abs(file.duration_ms - 10 * lasts_ms) <= 1


# --- what it says of itself


async def test_a_file_says_whose_it_is_and_when_it_began(ffmpeg: Path, tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, sounds() + pictures())
    await put_in_place(ffmpeg, store, KEYS, meant("audio_video", sounds() + pictures()))
    title, began, tracks = read_tags(store.path(KEYS.file))
    assert title == "ann in abcd-efgh-ijkl"
    assert began == TAGS.begin
    assert tracks == ["picture of ann", "sound of ann"]


@pytest.mark.parametrize("hostile", ["-y", "=", "title=x", "a=-i=/etc/passwd", ":s:a", "x\ncreation_time=1970", "<b>&"])
async def test_nothing_in_an_identifier_becomes_an_option_or_another_tag(
    ffmpeg: Path, tmp_path: Path, hostile: str
) -> None:
    """Identifiers may hold `-`, `=` and `:`; contracts refuse the others here."""
    store = LocalObjectStore(tmp_path)
    segment(store, sounds())
    await put_in_place(ffmpeg, store, KEYS, replace(meant("audio", sounds()), tags=Tags(hostile, hostile, TAGS.begin)))
    title, began, tracks = read_tags(store.path(KEYS.file))
    assert (title, tracks) == (f"{hostile} in {hostile}", [f"sound of {hostile}"])
    assert began == TAGS.begin
    assert names(store) == FILE_ALONE


def read_tags(path: Path) -> tuple[str, datetime, list[str]]:
    """Return title, date and the names of the tracks; there is nothing else that somebody wrote."""
    with av.open(str(path)) as container:
        tags = {name.lower(): value for name, value in container.metadata.items()}
        tracks = [stream.metadata["title"] for stream in container.streams]
        ours = {name for stream in container.streams for name in stream.metadata} - {"DURATION", "language"}
    assert tags.keys() == {"title", "creation_time", "encoder"}
    assert ours == {"title"}
    return tags["title"], datetime.fromisoformat(tags["creation_time"]), tracks


# --- what is not what was meant


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
        await put_in_place(ffmpeg, store, KEYS, meant(kind, blocks))
    assert names(store) == SEGMENT_ALONE


@pytest.mark.parametrize("lost", [0, 7, 19], ids=["the first", "one in between", "the last"])
async def test_a_file_that_lacks_a_sound_that_was_written_is_not_put_in_place(
    ffmpeg: Path, tmp_path: Path, lost: int
) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, [block for at, block in enumerate(sounds()) if at != lost])
    with pytest.raises(UnexpectedFileError, match="0 pictures and 19 sounds, and 0 and 20 were written; the segment"):
        await put_in_place(ffmpeg, store, KEYS, meant("audio", sounds()))
    assert names(store) == SEGMENT_ALONE


async def test_a_file_that_is_cut_off_is_not_put_in_place(ffmpeg: Path, tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, sounds(360))
    with pytest.raises(UnexpectedFileError, match="lasts 360 ms, and 400 ms were recorded"):
        await put_in_place(ffmpeg, store, KEYS, meant("audio", sounds()))
    assert names(store) == SEGMENT_ALONE


async def test_a_file_that_is_longer_than_what_was_written_is_not_put_in_place(ffmpeg: Path, tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, sounds(440))
    with pytest.raises(UnexpectedFileError, match="lasts 440 ms, and 400 ms were recorded"):
        await put_in_place(ffmpeg, store, KEYS, meant("audio", sounds()))


@pytest.mark.parametrize("written", [True, False], ids=["all is written", "some may be lost"])
async def test_a_file_that_is_shorter_than_its_recording_is_not_put_in_place(
    ffmpeg: Path, tmp_path: Path, *, written: bool
) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, sounds())
    longer = replace(meant("audio", sounds()), extent_ns=421 * NS_PER_MS)
    with pytest.raises(UnexpectedFileError, match="lasts 400 ms, and 421 ms were recorded"):
        await put_in_place(ffmpeg, store, KEYS, longer if written else replace(longer, written=None))


async def test_of_a_file_whose_ffmpeg_died_what_is_there_is_put_in_place(ffmpeg: Path, tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, sounds(360))
    file = await put_in_place(ffmpeg, store, KEYS, Meant("audio", TAGS, written=None))
    assert file.audio_packets == 18


async def test_a_segment_that_holds_nothing_is_no_file(ffmpeg: Path, tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    segment(store, [], "audio")
    with pytest.raises(FfmpegError):
        await put_in_place(ffmpeg, store, KEYS, meant("audio", []))
    assert names(store) == SEGMENT_ALONE


async def test_a_copy_that_cannot_be_put_in_place_is_not_left(ffmpeg: Path, tmp_path: Path) -> None:
    """Seen to fail without its removal: no deletion would name it."""
    store = LocalObjectStore(tmp_path)
    segment(store, sounds())
    store.path(KEYS.file).mkdir()
    with pytest.raises(IsADirectoryError):
        await put_in_place(ffmpeg, store, KEYS, meant("audio", sounds()))
    assert names(store) == sorted(FILE_ALONE + SEGMENT_ALONE)


# --- whether it decodes


@pytest.mark.parametrize("seconds", [2, 12], ids=["a short one", "a longer one"])
async def test_a_file_that_decodes_says_so(ffmpeg: Path, tmp_path: Path, seconds: int) -> None:
    store = LocalObjectStore(tmp_path)
    blocks = moving(ffmpeg, seconds) + sounds(seconds * 1000)
    segment(store, blocks)
    assert (await put_in_place(ffmpeg, store, KEYS, meant("audio_video", blocks))).decodes


@pytest.mark.parametrize("at_second", [0, 6, 9], ids=["at the beginning", "in the middle", "towards the end"])
async def test_a_file_that_does_not_decode_is_kept_and_says_so(ffmpeg: Path, tmp_path: Path, at_second: int) -> None:
    """What cannot be decoded may be encrypted between the participants; or whoever sent it sent nonsense."""
    store = LocalObjectStore(tmp_path)
    blocks = moving(ffmpeg, 12)
    which = at_second * FRAME_RATE + 1
    blocks[which] = blocks[which]._replace(data=b"\xf1\xff\xff" + bytes(20))  # its first part is longer than it
    segment(store, blocks)
    assert not (await put_in_place(ffmpeg, store, KEYS, meant("video", blocks))).decodes
    assert names(store) == FILE_ALONE


async def test_a_file_is_put_in_place_where_no_decoder_gets_on(
    ffmpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "_PATIENCE", 0.2)
    hanging = ailing(ffmpeg, tmp_path / "ffmpeg", "noaccurate_seek", "exec sleep 60")
    store = LocalObjectStore(tmp_path / "store")
    segment(store, sounds())
    assert (await put_in_place(hanging, store, KEYS, meant("audio", sounds()))).decodes is None
    assert names(store) == FILE_ALONE


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
    await asyncio.gather(*(bench.put_in_place(KEYS, meant("audio", [])) for _ in range(20)))
    assert most == 2
