"""Copies that begin together, made of real files by real ffmpeg, and the project beside them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from services.align.command import align
from services.align.errors import (
    FolderError,
    LibraryMissingError,
    NameTakenError,
    NothingToAlignError,
    SourceChangedError,
    SourceMissingError,
)
from services.align.plan import AlignedCopy, LeftOut, Plan
from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.finishing import Meant, put_in_place
from services.recorder.keys import RecordingKeys
from services.recorder.media.ffmpeg import find_ffmpeg
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, PictureFormat, VideoCodec
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.probe import decode_errors, probe
from services.recorder.media.tags import Tags
from services.recorder.media.written import Written
from services.recorder.moments import moment
from shared.contracts.gaps import FileGaps
from shared.contracts.participant_recording import RecordingKind
from tests.support.encoded import FRAME_RATE, configuration_of, decoded, encoded, encoded_file, spoken
from tests.support.stand_in import program
from tests.support.webm import Packet, read_packets

otio = pytest.importorskip("opentimelineio", reason="there is no package of it for this Python")

START_NS = 1_800_000_000 * NS_PER_SECOND
_NO_GAPS = FileGaps(longest=(), left_out=0, left_out_ms=0)
_SECONDS = 2


@pytest.fixture(scope="module")
def ffmpeg() -> Path:
    return find_ffmpeg(None)


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "store")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "it's an editor's"


def pictures(ffmpeg: Path, codec: VideoCodec = "vp8") -> list[Block]:
    each = enumerate(encoded(ffmpeg, codec, _SECONDS))
    return [Block("video", at * NS_PER_SECOND // FRAME_RATE, at % FRAME_RATE == 0, data) for at, data in each]


def sounds(ffmpeg: Path) -> list[Block]:
    packets = enumerate(packet for _, packet in spoken(ffmpeg, []))
    return [Block("audio", at * 20 * NS_PER_MS, keyframe=True, data=data) for at, data in packets][: _SECONDS * 50]


async def recorded(
    ffmpeg: Path,
    store: LocalObjectStore,
    blocks: list[Block],
    *,
    who: str = "ann",
    after_ms: int = 0,
    picture: PictureFormat | None = None,
) -> AlignedCopy:
    """Put a file in the store that begins so long after its recording, and plan its copy."""
    keys = RecordingKeys("s", who, START_NS + after_ms * NS_PER_MS)
    kinds = {block.kind for block in blocks}
    kind: RecordingKind = "audio_video" if len(kinds) == 2 else next(iter(kinds))
    form = (picture or PictureFormat("vp8", 320, 240)) if "video" in kinds else None
    muxer = MatroskaMuxer(form, sound="audio" in kinds)
    store.path(keys.segment).write_bytes(muxer.header() + muxer.cluster(blocks))
    written = Written()
    written.add(blocks)
    file = await put_in_place(ffmpeg, store, keys, Meant(kind, Tags(who, "room", moment(keys.start_ns)), written))
    return AlignedCopy(who, f"{who}-file", file, moment(keys.start_ns), after_ms, _NO_GAPS)


def planned(*copies: AlignedCopy, left_out: tuple[LeftOut, ...] = ()) -> Plan:
    return Plan("rec", "room", moment(START_NS), copies, left_out)


def names(folder: Path) -> list[str]:
    """Return what is in a folder; nothing where there is none."""
    return sorted(path.name for path in folder.glob("*"))


def occupied(path: Path, content: bytes = b"an editor's work") -> Path:
    """Put somebody else's file there."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def shifted(packets: list[Packet], by_ms: int) -> set[Packet]:
    return {replace(packet, time_ms=packet.time_ms + by_ms) for packet in packets}


@pytest.mark.parametrize("late_ms", [1, 15, 40, 500, 1000, 3210])
async def test_a_copy_is_black_and_silent_first_and_then_the_file_to_the_byte(
    ffmpeg: Path, store: LocalObjectStore, out: Path, late_ms: int
) -> None:
    copy = await recorded(ffmpeg, store, sounds(ffmpeg) + pictures(ffmpeg), after_ms=late_ms)
    await align(planned(copy), ffmpeg, store, out)
    source, packets = read_packets(store.root / copy.source.path), read_packets(out / copy.name)
    own = shifted(source, late_ms)
    assert own <= set(packets)
    lead = sorted((packet for packet in packets if packet not in own), key=lambda packet: packet.time_ms)
    assert all(packet.time_ms < late_ms for packet in lead)
    silence = [packet for packet in lead if packet.kind == "audio"]
    assert [packet.time_ms for packet in silence] == [*range(0, late_ms - 19, 20)]
    assert {packet.data for packet in silence} <= {OPUS_SILENCE}
    black = [packet for packet in lead if packet.kind == "video"]
    assert black[0].time_ms == 0
    assert all(packet.keyframe for packet in black)
    assert await decode_errors(ffmpeg, out / copy.name) == ""


async def test_all_copies_begin_with_the_recording_and_end_where_their_files_do(
    ffmpeg: Path, store: LocalObjectStore, out: Path
) -> None:
    media = sounds(ffmpeg) + pictures(ffmpeg)
    copies = [
        await recorded(ffmpeg, store, media, who="ann"),
        await recorded(ffmpeg, store, media, who="bob", after_ms=1250),
        await recorded(ffmpeg, store, media, who="cy", after_ms=7000),
    ]
    await align(planned(*copies), ffmpeg, store, out)
    found = [await probe(ffmpeg, out / copy.name) for copy in copies]
    assert [each.duration_ms for each in found] == [2000, 3250, 9000]
    assert all(read_packets(out / copy.name)[0].time_ms == 0 for copy in copies)
    assert names(out) == sorted([*(copy.name for copy in copies), "rec.otio"])


async def test_the_same_moment_is_at_the_same_time_in_all_copies(
    ffmpeg: Path, store: LocalObjectStore, out: Path
) -> None:
    """What one sent from the beginning on and the other from its second second on, as decoders show it."""
    media = pictures(ffmpeg)
    later = [block._replace(time_ns=block.time_ns - NS_PER_SECOND) for block in media[FRAME_RATE:]]
    ann = await recorded(ffmpeg, store, media, who="ann")
    bob = await recorded(ffmpeg, store, later, who="bob", after_ms=1000)
    await align(planned(ann, bob), ffmpeg, store, out)
    of_ann, of_bob = decoded(ffmpeg, out / ann.name), decoded(ffmpeg, out / bob.name)
    assert {at: picture for at, picture in of_ann.items() if at >= 1000} == {
        at: picture for at, picture in of_bob.items() if at >= 1000
    }


@pytest.mark.parametrize("codec", ["vp9", "av1"])
async def test_a_file_of_another_codec_gets_black_of_that(
    ffmpeg: Path, store: LocalObjectStore, out: Path, tmp_path: Path, codec: VideoCodec
) -> None:
    told = configuration_of(encoded_file(ffmpeg, codec, tmp_path / "told.mkv")) if codec == "av1" else b""
    form = PictureFormat(codec, 320, 240, told)
    copy = await recorded(ffmpeg, store, sounds(ffmpeg) + pictures(ffmpeg, codec), after_ms=1500, picture=form)
    await align(planned(copy), ffmpeg, store, out)
    found = await probe(ffmpeg, out / copy.name)
    assert (found.video_codec, found.width, found.height, found.duration_ms) == (codec, 320, 240, 3500)
    assert await decode_errors(ffmpeg, out / copy.name) == ""
    shown = decoded(ffmpeg, out / copy.name)
    assert [shown[at + 1500] for at in (0, 1000)] == [
        decoded(ffmpeg, store.root / copy.source.path)[at] for at in (0, 1000)
    ]


@pytest.mark.parametrize("track", ["audio", "video"])
async def test_a_file_of_one_track_gets_a_copy_of_one(
    ffmpeg: Path, store: LocalObjectStore, out: Path, track: str
) -> None:
    media = sounds(ffmpeg) if track == "audio" else pictures(ffmpeg)
    copy = await recorded(ffmpeg, store, media, after_ms=700)
    await align(planned(copy), ffmpeg, store, out)
    assert {packet.kind for packet in read_packets(out / copy.name)} == {track}


@pytest.mark.timeout(300)
async def test_who_comes_an_hour_late_has_an_hour_of_black(ffmpeg: Path, store: LocalObjectStore, out: Path) -> None:
    copy = await recorded(ffmpeg, store, sounds(ffmpeg) + pictures(ffmpeg), after_ms=3_600_000)
    await align(planned(copy), ffmpeg, store, out)
    found = await probe(ffmpeg, out / copy.name)
    assert (found.duration_ms, found.audio_packets) == (3_602_000, 180_000 + _SECONDS * 50)


# --- the project


async def test_the_project_names_copies_that_are_there_and_as_long_as_it_says(
    ffmpeg: Path, store: LocalObjectStore, out: Path
) -> None:
    hostile = "-y:s:a=x~@+"
    media = sounds(ffmpeg) + pictures(ffmpeg)
    copies = [await recorded(ffmpeg, store, media), await recorded(ffmpeg, store, media, who=hostile, after_ms=333)]
    await align(planned(*copies), ffmpeg, store, out)
    timeline: Any = otio.adapters.read_from_file(str(out / "rec.otio"))
    clips = list(timeline.find_clips())
    assert len(clips) == 4
    for clip in clips:
        path = out / unquote(clip.media_reference.target_url)
        lasts = (await probe(ffmpeg, path)).duration_ms / 1000
        assert clip.range_in_parent().start_time.to_seconds() == 0
        assert 0 <= lasts - clip.available_range().duration.to_seconds() < 1 / 30
    assert {clip.name for clip in clips} == {"ann", hostile}


async def test_without_the_library_nothing_is_written(
    ffmpeg: Path, store: LocalObjectStore, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = await recorded(ffmpeg, store, sounds(ffmpeg))
    monkeypatch.setitem(__import__("sys").modules, "services.align.project", None)
    with pytest.raises(LibraryMissingError, match="OpenTimelineIO is not installed"):
        await align(planned(copy), ffmpeg, store, out)
    assert names(out) == []


# --- what is not as the log has it


def _lost(path: Path) -> None:
    path.unlink()


def _tampered(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"x")


@pytest.mark.parametrize(
    ("befalls", "error", "says"),
    [
        (
            _lost,
            SourceMissingError,
            "cannot be read in .*: No such file or directory; see whether ONRECORD_STORAGE_URL",
        ),
        (_tampered, SourceChangedError, "is not the file that was recorded: its SHA-256 is .*, and the log has"),
    ],
    ids=["lost", "tampered"],
)
async def test_a_file_that_is_not_the_one_of_the_log_stops_it_and_nothing_is_left(
    ffmpeg: Path, store: LocalObjectStore, out: Path, befalls: Callable[[Path], None], error: type[Exception], says: str
) -> None:
    good, bad = [await recorded(ffmpeg, store, sounds(ffmpeg), who=who) for who in ("ann", "bob")]
    befalls(store.root / bad.source.path)
    with pytest.raises(error, match=says):
        await align(planned(good, bad), ffmpeg, store, out)
    assert names(out) == []


async def test_where_every_file_is_deleted_it_says_why_there_is_nothing(
    ffmpeg: Path, store: LocalObjectStore, out: Path
) -> None:
    left_out = (LeftOut("ann", "one", "file is to be erased"), LeftOut("bob", "two", "failed: disk full"))
    with pytest.raises(
        NothingToAlignError, match="rec has no file to align: ann: file is to be erased; bob: failed: disk full"
    ):
        await align(planned(left_out=left_out), ffmpeg, store, out)
    assert names(out) == []


@pytest.mark.parametrize("which", ["copy", "project"])
async def test_what_is_there_is_not_written_over(ffmpeg: Path, store: LocalObjectStore, out: Path, which: str) -> None:
    copy = await recorded(ffmpeg, store, sounds(ffmpeg))
    there = occupied(out / (copy.name if which == "copy" else "rec.otio"))
    with pytest.raises(NameTakenError, match="is there, and is not written over"):
        await align(planned(copy), ffmpeg, store, out)
    assert (there.read_bytes(), names(out)) == (b"an editor's work", [there.name])


async def test_a_folder_that_cannot_be_made_is_named(ffmpeg: Path, store: LocalObjectStore, out: Path) -> None:
    copy = await recorded(ffmpeg, store, sounds(ffmpeg))
    occupied(out)
    with pytest.raises(FolderError, match="cannot be written: File exists"):
        await align(planned(copy), ffmpeg, store, out)


async def test_ended_while_it_copies_it_leaves_nothing(
    ffmpeg: Path, store: LocalObjectStore, out: Path, tmp_path: Path
) -> None:
    copy = await recorded(ffmpeg, store, sounds(ffmpeg), after_ms=100)
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    hanging = program(tmp_path / "ffmpeg", f"echo > {begun}\nexec sleep 60")
    task = asyncio.create_task(align(planned(copy), hanging, store, out))
    await asyncio.to_thread(begun.read_text)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(out) == []
