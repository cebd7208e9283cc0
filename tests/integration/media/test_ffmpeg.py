"""What real ffmpeg makes of the outbound media path: every promise is checked in the file that came out."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import struct
import subprocess
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import pytest
import structlog
import uvloop
from structlog.typing import FilteringBoundLogger

from services.recorder.media.black import BlackPictures
from services.recorder.media.ffmpeg import LAST_WORDS_BYTES, find_ffmpeg, run
from services.recorder.media.ffmpeg_errors import FfmpegFailedError, FfmpegMissingError, FfmpegStalledError
from services.recorder.media.frame import NS_PER_MS as MS
from services.recorder.media.frame import NS_PER_SECOND as S
from services.recorder.media.frame import Black, Block, EncodedFrame, PictureFormat, TimedFrame
from services.recorder.media.gap_filler import OPUS_SILENCE, AudioGapFiller, VideoGapFiller
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.probe import decode_errors, probe, remux
from services.recorder.media.webm_writer import WebmWriter
from tests.support.stand_in import program

START = 1_700_000_000 * S
FORMAT = PictureFormat("vp8", 320, 240)
FRAME = S // 30

BINARIES = sorted({shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe(), imageio_ffmpeg.get_ffmpeg_exe()})


@pytest.fixture(params=BINARIES, ids=lambda path: Path(path).name)
def ffmpeg(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def log() -> FilteringBoundLogger:
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.ReturnLogger(), processors=[], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    return logger


@dataclass(frozen=True)
class Media:
    """Six seconds that a browser could have sent: 30 pictures a second, a keyframe each second; and sound."""

    pictures: list[TimedFrame]
    sounds: list[TimedFrame]


@pytest.fixture(scope="session")
def media() -> Media:
    vp8 = encode("-f lavfi -i testsrc2=size=320x240:rate=30 -c:v libvpx -deadline realtime -cpu-used 8 -g 30 -f ivf")
    opus = encode("-f lavfi -i sine=440:sample_rate=48000 -ac 2 -c:a libopus -page_duration 20000 -f ogg")
    return Media(
        [timed("video", at * FRAME, not data[0] & 1, data) for at, data in enumerate(ivf_frames(vp8))],
        [timed("audio", at * 20 * MS, True, data) for at, data in enumerate(ogg_packets(opus)[2:302])],
    )


def encode(options: str) -> bytes:
    argv = [BINARIES[0], "-v", "error", *options.split(), "-t", "6.1", "pipe:1"]
    return subprocess.run(argv, check=True, capture_output=True).stdout


def ivf_frames(ivf: bytes) -> list[bytes]:
    frames, at = [], 32
    while at < len(ivf):
        (size,) = struct.unpack_from("<I", ivf, at)
        frames.append(ivf[at + 12 : at + 12 + size])
        at += 12 + size
    return frames[:180]


def ogg_packets(ogg: bytes) -> list[bytes]:
    """One packet per page, as `-page_duration 20000` makes it (RFC 3533 section 6)."""
    packets, at = [], 0
    while at < len(ogg):
        segments = ogg[at + 26]
        body = at + 27 + segments
        size = sum(ogg[at + 27 : body])
        packets.append(ogg[body : body + size])
        at = body + size
    return packets


def timed(kind: str, at: int, keyframe: bool, data: bytes) -> TimedFrame:
    if kind == "audio":
        return TimedFrame(START + at, EncodedFrame("audio", 0, 0, 0, keyframe, data, 20 * MS))
    return TimedFrame(START + at, EncodedFrame("video", 0, 0, 0, keyframe, data, 0, FORMAT if keyframe else None))


def with_permission(media: Media, black: bytes, until: int, again: int, end: int) -> list[Block]:
    """What the fillers make of the media if permission was withdrawn at `until` and given `again`."""
    sound, picture = AudioGapFiller(START), VideoGapFiller(START, FORMAT)
    blocks: list[Block | Black] = []
    for frame in (f for f in media.sounds if not until <= f.time_ns - START < again):
        blocks += sound.push(frame)
    for frame in (f for f in media.pictures if f.time_ns - START < until):
        blocks += picture.push(frame)
    blocks += picture.cut(START + until)
    for frame in (f for f in media.pictures if f.time_ns - START >= again):
        blocks += picture.push(frame)
    return encoded([*blocks, *sound.finish(START + end), *picture.finish(START + end)], black)


def silent_and_black(black: bytes, until: int) -> list[Block]:
    picture = VideoGapFiller(START, FORMAT)
    return AudioGapFiller(START).finish(START + until) + encoded(picture.finish(START + until), black)


def encoded(blocks: list[Block | Black], black: bytes) -> list[Block]:
    return [each if isinstance(each, Block) else Block("video", each.time_ns, True, black) for each in blocks]


def in_batches(blocks: list[Block], batch_ns: int = 100 * MS) -> Iterator[bytes]:
    """The stream as the pipeline writes it, with the tracks that the blocks are of: some milliseconds at a time."""
    kinds = {block.kind for block in blocks}
    muxer = MatroskaMuxer(FORMAT if "video" in kinds else None, sound="audio" in kinds)
    yield muxer.header()
    for begin in range(0, max(block.time_ns for block in blocks) + 1, batch_ns):
        yield muxer.cluster([block for block in blocks if begin <= block.time_ns < begin + batch_ns])


async def feed(writer: WebmWriter, blocks: list[Block]) -> None:
    for data in in_batches(blocks):
        await writer.write(data)


async def write_for_ever(writer: WebmWriter, data: bytes) -> None:
    while True:
        await writer.write(data)


async def record(ffmpeg: Path, path: Path, blocks: list[Block], log: FilteringBoundLogger) -> None:
    writer = await WebmWriter.start(ffmpeg, path, log)
    await feed(writer, blocks)
    await writer.close()


async def brightest(ffmpeg: Path, path: Path) -> list[int]:
    """The brightest pixel of each frame, in the order of the file; black is 16 in VP8's limited range."""
    arguments = f"-v error -i file:{path} -an -fps_mode passthrough -pix_fmt yuv420p -f rawvideo pipe:1".split()
    pixels, _ = await run([str(ffmpeg), "-nostdin", *arguments], 30)
    luma = FORMAT.width * FORMAT.height
    size = luma * 3 // 2
    return [max(pixels[at : at + luma]) for at in range(0, len(pixels), size)]


async def eventually_on_disk(ffmpeg: Path, path: Path, until_ms: int) -> None:
    """Wait until a file that is being written reads back up to that time."""
    async with asyncio.timeout(20):
        while True:
            with suppress(FfmpegFailedError):
                if (await probe(ffmpeg, path)).duration_ms >= until_ms:
                    return


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def is_reaped(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


# --- the file


async def test_withdrawn_consent_is_black_and_silent_in_one_continuous_file(
    ffmpeg: Path, media: Media, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    black = await BlackPictures(ffmpeg).of(FORMAT)
    blocks = with_permission(media, black, until=2500 * MS, again=4500 * MS, end=6 * S)
    await record(ffmpeg, tmp_path / "written.webm", blocks, log)
    await remux(ffmpeg, tmp_path / "written.webm", tmp_path / "done.webm")

    pictures = [block for block in blocks if block.kind == "video"]
    found = await probe(ffmpeg, tmp_path / "done.webm")
    assert (found.video_codec, found.audio_codec) == ("vp8", "opus")
    assert (found.width, found.height) == (FORMAT.width, FORMAT.height)
    assert found.video_frames == len(pictures)
    assert found.audio_packets == 300
    assert found.starts_with_keyframe
    assert found.monotonic
    assert abs(found.duration_ms - 6000) <= 40
    assert await decode_errors(ffmpeg, tmp_path / "done.webm") == ""
    is_black = [light <= 20 for light in await brightest(ffmpeg, tmp_path / "done.webm")]
    assert is_black == [block.data == black for block in pictures]
    assert [block.time_ns // MS for block in pictures if block.data == black] == [2509, 3009, 3509, 4009, 4509]


async def test_a_participant_without_camera_gets_black(
    ffmpeg: Path, media: Media, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    sound = AudioGapFiller(START)
    black = await BlackPictures(ffmpeg).of(FORMAT)
    pictures = encoded(VideoGapFiller(START, FORMAT).finish(START + 6 * S), black)
    blocks = [block for frame in media.sounds for block in sound.push(frame)]
    await record(ffmpeg, tmp_path / "a.webm", blocks + pictures, log)
    found = await probe(ffmpeg, tmp_path / "a.webm")
    assert (found.audio_packets, found.video_frames, found.duration_ms) == (300, 13, 6000)
    assert found.monotonic
    assert await decode_errors(ffmpeg, tmp_path / "a.webm") == ""


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_one_track_alone_is_a_whole_file_and_on_disk_while_it_is_written(
    ffmpeg: Path, media: Media, tmp_path: Path, log: FilteringBoundLogger, kind: str
) -> None:
    frames = media.sounds if kind == "audio" else media.pictures
    blocks = [Block(each.frame.kind, each.time_ns - START, each.frame.keyframe, each.frame.data) for each in frames]
    written, done = tmp_path / "written.webm", tmp_path / "done.webm"
    writer = await WebmWriter.start(ffmpeg, written, log)
    await feed(writer, blocks)
    await eventually_on_disk(ffmpeg, written, until_ms=5500)
    await writer.close()
    await remux(ffmpeg, written, done)
    found = await probe(ffmpeg, done)
    assert (found.audio_codec, found.video_codec) == (("opus", None) if kind == "audio" else (None, "vp8"))
    assert (found.audio_packets, found.video_frames) == ((300, 0) if kind == "audio" else (0, 180))
    assert found.starts_with_keyframe == (kind == "video")
    assert found.monotonic
    assert abs(found.duration_ms - 6000) <= 40
    assert await decode_errors(ffmpeg, done) == ""


async def test_the_header_tells_how_long_the_file_is_and_no_strange_rate(
    ffmpeg: Path, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    blocks = silent_and_black(await BlackPictures(ffmpeg).of(FORMAT), 3 * S)
    await record(ffmpeg, tmp_path / "written.webm", blocks, log)
    await remux(ffmpeg, tmp_path / "written.webm", tmp_path / "done.webm")
    for name in ("written.webm", "done.webm"):
        header = await asyncio.to_thread(described, ffmpeg, tmp_path / name)
        assert "Duration: 00:00:03.00, start: 0.000000" in header
        assert "120 fps" in header


def described(ffmpeg: Path, path: Path) -> str:
    return subprocess.run([ffmpeg, "-i", path], capture_output=True, text=True, check=False).stderr


async def test_sound_seconds_before_its_picture_loses_nothing(
    ffmpeg: Path, media: Media, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    black = await BlackPictures(ffmpeg).of(FORMAT)
    blocks = with_permission(media, black, until=6 * S, again=6 * S, end=6 * S)
    muxer = MatroskaMuxer(FORMAT)
    writer = await WebmWriter.start(ffmpeg, tmp_path / "a.webm", log)
    await writer.write(muxer.header() + muxer.cluster(blocks[:1] + [b for b in blocks if b.kind == "video"][:1]))
    await writer.write(muxer.cluster([b for b in blocks if b.kind == "audio"][1:]))
    await writer.write(muxer.cluster([b for b in blocks if b.kind == "video"][1:]))
    await writer.close()
    found = await probe(ffmpeg, tmp_path / "a.webm")
    assert found.audio_packets + found.video_frames == len(blocks)
    assert found.monotonic


@pytest.mark.parametrize(
    "name",
    [
        "-y.webm",
        "two words.webm",
        "Größe 日本 🎥.webm",
        "100%d %s %%.webm",
        "a:b.webm",
        'it\'s [a] \\ & "b";$(c).webm',
    ],
)
async def test_any_file_name_will_do(
    ffmpeg: Path, name: str, tmp_path: Path, log: FilteringBoundLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = silent_and_black(await BlackPictures(ffmpeg).of(FORMAT), 1 * S)
    await record(ffmpeg, Path(name), blocks, log)
    await remux(ffmpeg, Path(name), Path("done" + name))
    assert (await probe(ffmpeg, Path("done" + name))).duration_ms == 1000
    assert await decode_errors(ffmpeg, Path("done" + name)) == ""
    assert names_in(tmp_path) == sorted([name, "done" + name])


async def test_a_file_that_is_there_is_never_overwritten(
    ffmpeg: Path, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    path = tmp_path / "a.webm"
    path.write_bytes(b"an earlier segment")
    with pytest.raises(FileExistsError, match=r"a\.webm"):
        await WebmWriter.start(ffmpeg, path, log)
    assert path.read_bytes() == b"an earlier segment"


async def test_a_remuxed_file_has_its_index_in_front(ffmpeg: Path, tmp_path: Path, log: FilteringBoundLogger) -> None:
    cues, cluster = b"\x1c\x53\xbb\x6b", b"\x1f\x43\xb6\x75"
    blocks = silent_and_black(await BlackPictures(ffmpeg).of(FORMAT), 3 * S)
    await record(ffmpeg, tmp_path / "a.webm", blocks, log)
    await remux(ffmpeg, tmp_path / "a.webm", tmp_path / "done.webm")
    data = (tmp_path / "done.webm").read_bytes()
    assert 0 < data.rindex(cues) < data.index(cluster)


# --- a file that is being written


async def test_a_killed_ffmpeg_leaves_all_but_the_last_second(
    ffmpeg: Path, media: Media, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    path = tmp_path / "killed.webm"
    black = await BlackPictures(ffmpeg).of(FORMAT)
    writer = await WebmWriter.start(ffmpeg, path, log)
    await feed(writer, with_permission(media, black, until=6 * S, again=6 * S, end=6 * S))
    await eventually_on_disk(ffmpeg, path, until_ms=5500)
    os.kill(writer.pid, signal.SIGKILL)
    with pytest.raises(FfmpegFailedError) as failed:
        await writer.close()
    assert failed.value.returncode == -signal.SIGKILL
    await remux(ffmpeg, path, tmp_path / "repaired.webm")
    assert (await probe(ffmpeg, tmp_path / "repaired.webm")).duration_ms >= 5500
    assert await decode_errors(ffmpeg, tmp_path / "repaired.webm") == ""


async def test_the_first_second_is_on_disk_at_once_even_if_its_picture_is_rubbish(
    ffmpeg: Path, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    writer = await WebmWriter.start(ffmpeg, tmp_path / "a.webm", log)
    await feed(writer, silent_and_black(b"\x10rubbish", 1 * S))
    await eventually_on_disk(ffmpeg, tmp_path / "a.webm", until_ms=600)
    await writer.close()


async def test_sound_reaches_the_disk_while_the_camera_is_off(
    ffmpeg: Path, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    """Some 300 bytes per second: an ffmpeg that buffers would have written nothing at all by then."""
    writer = await WebmWriter.start(ffmpeg, tmp_path / "a.webm", log)
    await feed(writer, silent_and_black(await BlackPictures(ffmpeg).of(FORMAT), 8 * S))
    await eventually_on_disk(ffmpeg, tmp_path / "a.webm", until_ms=6700)
    await writer.close()


async def test_a_write_to_a_dead_ffmpeg_fails_with_its_last_words(
    ffmpeg: Path, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    writer = await WebmWriter.start(ffmpeg, tmp_path / "a.webm", log)
    with pytest.raises(FfmpegFailedError, match="Invalid data") as failed:
        await write_for_ever(writer, b"this is not Matroska" * 10_000)
    assert failed.value.returncode > 0
    assert failed.value.last_words == writer.last_words
    assert is_reaped(writer.pid)
    with pytest.raises(FfmpegFailedError, match="Invalid data"):
        await writer.write(b"more")
    with pytest.raises(FfmpegFailedError, match="Invalid data"):
        await writer.close()


async def test_an_ffmpeg_that_ends_well_before_its_input_does_has_failed(
    tmp_path: Path, log: FilteringBoundLogger
) -> None:
    writer = await WebmWriter.start(program(tmp_path / "ffmpeg", "exit 0"), tmp_path / "a.webm", log)
    with pytest.raises(FfmpegFailedError, match="status 0"):
        await write_for_ever(writer, bytes(1_000_000))
    with pytest.raises(FfmpegFailedError, match="status 0"):
        await writer.close()


async def test_an_ffmpeg_that_reads_nothing_is_noticed(ffmpeg: Path, tmp_path: Path, log: FilteringBoundLogger) -> None:
    writer = await WebmWriter.start(ffmpeg, tmp_path / "a.webm", log, patience=0.1)
    os.kill(writer.pid, signal.SIGSTOP)
    with pytest.raises(FfmpegStalledError, match=r"a\.webm"):
        await write_for_ever(writer, bytes(100_000))
    with pytest.raises(FfmpegFailedError) as failed:
        await writer.close(0.1)
    assert failed.value.returncode == -signal.SIGKILL
    assert is_reaped(writer.pid)


async def test_an_ffmpeg_that_does_not_end_is_asked_to_before_it_is_killed(
    tmp_path: Path, log: FilteringBoundLogger
) -> None:
    writer = await WebmWriter.start(program(tmp_path / "ffmpeg", "exec sleep 60"), tmp_path / "a.webm", log)
    with pytest.raises(FfmpegFailedError) as failed:
        await writer.close(0.2)
    assert failed.value.returncode == -signal.SIGTERM


async def test_stderr_is_read_and_only_its_end_is_kept(tmp_path: Path, log: FilteringBoundLogger) -> None:
    chatter = program(tmp_path / "ffmpeg", "head -c 500000 /dev/zero >&2; printf 'the end' >&2; exit 3")
    writer = await WebmWriter.start(chatter, tmp_path / "a.webm", log)
    with pytest.raises(FfmpegFailedError) as failed:
        await writer.close()
    assert failed.value.returncode == 3
    assert failed.value.last_words.endswith("the end")
    assert len(failed.value.last_words) == LAST_WORDS_BYTES


async def test_ctrl_c_in_the_terminal_does_not_reach_ffmpeg(
    ffmpeg: Path, tmp_path: Path, log: FilteringBoundLogger
) -> None:
    writer = await WebmWriter.start(ffmpeg, tmp_path / "a.webm", log)
    assert os.getsid(writer.pid) == os.getpgid(writer.pid) == writer.pid
    await feed(writer, silent_and_black(await BlackPictures(ffmpeg).of(FORMAT), 1 * S))
    await writer.close()


def test_it_works_on_uvloop_too(ffmpeg: Path, tmp_path: Path, log: FilteringBoundLogger) -> None:
    async def killed_under_write() -> None:
        blocks = silent_and_black(await BlackPictures(ffmpeg).of(FORMAT), 2 * S)
        await record(ffmpeg, tmp_path / "a.webm", blocks, log)
        writer = await WebmWriter.start(ffmpeg, tmp_path / "b.webm", log)
        os.kill(writer.pid, signal.SIGKILL)
        with suppress(FfmpegFailedError):
            await write_for_ever(writer, bytes(100_000))
        await writer.write(b"more")

    with pytest.raises(FfmpegFailedError, match="status -9"):
        uvloop.run(killed_under_write())


# --- looking into a file


async def test_a_file_that_begins_with_a_delta_frame_is_found_out(ffmpeg: Path, media: Media, tmp_path: Path) -> None:
    blocks = [Block("video", at * FRAME, f.frame.keyframe, f.frame.data) for at, f in enumerate(media.pictures[1:9])]
    blocks.append(Block("audio", 0, keyframe=True, data=OPUS_SILENCE))
    (tmp_path / "a.mkv").write_bytes(b"".join(in_batches(blocks)))
    found = await probe(ffmpeg, tmp_path / "a.mkv")
    assert not found.starts_with_keyframe
    assert found.video_frames == 8
    assert await decode_errors(ffmpeg, tmp_path / "a.mkv") != ""


async def test_times_that_go_back_are_found_out(ffmpeg: Path, tmp_path: Path) -> None:
    black = await BlackPictures(ffmpeg).of(FORMAT)
    muxer = MatroskaMuxer(FORMAT)
    stream = [
        muxer.header(),
        *(muxer.cluster([Block("video", at * MS, True, black)]) for at in (0, 200, 100)),
    ]
    (tmp_path / "a.mkv").write_bytes(b"".join(stream))
    assert not (await probe(ffmpeg, tmp_path / "a.mkv")).monotonic


async def test_the_times_of_a_file_are_told_as_they_are(ffmpeg: Path, tmp_path: Path) -> None:
    blocks = [Block("audio", at * MS, keyframe=True, data=OPUS_SILENCE) for at in (500, 520)]
    (tmp_path / "a.mkv").write_bytes(b"".join(in_batches(blocks)))
    found = await probe(ffmpeg, tmp_path / "a.mkv")
    assert (found.duration_ms, found.audio_packets, found.video_frames) == (540, 2, 0)
    assert not found.starts_with_keyframe


async def test_a_file_that_is_no_media_fails_the_probe(ffmpeg: Path, tmp_path: Path) -> None:
    (tmp_path / "a.webm").write_bytes(b"no webm at all")
    with pytest.raises(FfmpegFailedError):
        await probe(ffmpeg, tmp_path / "a.webm")
    assert "Invalid data" in await decode_errors(ffmpeg, tmp_path / "a.webm")


async def test_a_listing_of_hours_is_counted_as_it_comes(tmp_path: Path) -> None:
    """Seen to fail: all of it was kept, twice over."""
    lines = 60_000
    lists = f'for (n = 0; n < {lines}; n++) printf "0, %d, %d, 20, 3, 0x00000001\\n", n * 20, n * 20'
    script = f"""exec awk 'BEGIN {{ print "#tb 0: 1/1000"; print "#media_type 0: audio"; {lists} }}'"""
    tracemalloc.start()
    try:
        found = await probe(program(tmp_path / "ffmpeg", script), tmp_path / "a.webm")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.audio_packets, found.duration_ms, found.monotonic) == (lines, lines * 20, True)
    assert most < 1_000_000 < lines * len("0, 1000000, 1000000, 20, 3, 0x00000001")


async def test_a_pass_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(FfmpegStalledError, match=r"0\.1 s"):
        await run(
            [str(program(tmp_path / "ffmpeg", f"echo $$ > '{tmp_path}/pid'; exec sleep 60")), "file"], patience=0.1
        )
    pid = tmp_path / "pid"
    assert not pid.exists() or is_reaped(int(pid.read_text()))


# --- finding ffmpeg


def test_the_configured_ffmpeg_goes_before_all_others(tmp_path: Path) -> None:
    mine = program(tmp_path / "ffmpeg", "exit 0")
    assert find_ffmpeg(str(mine)) == mine


def test_a_configured_ffmpeg_that_is_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(FfmpegMissingError, match="ONRECORD_FFMPEG"):
        find_ffmpeg(str(tmp_path / "nothing"))


def test_the_ffmpeg_on_the_path_goes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg(None) == Path(imageio_ffmpeg.get_ffmpeg_exe())
    assert find_ffmpeg("") != tmp_path / "ffmpeg"
    mine = program(tmp_path / "ffmpeg", "exit 0")
    assert find_ffmpeg(None) == mine


async def test_an_ffmpeg_that_went_away_is_named_and_leaves_no_file(tmp_path: Path, log: FilteringBoundLogger) -> None:
    with pytest.raises(FfmpegMissingError, match="/gone/ffmpeg cannot be run"):
        await WebmWriter.start(Path("/gone/ffmpeg"), tmp_path / "a.webm", log)
    assert names_in(tmp_path) == []


def test_no_ffmpeg_anywhere_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise RuntimeError

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none)
    with pytest.raises(FfmpegMissingError, match="install it, or set ONRECORD_FFMPEG"):
        find_ffmpeg(None)
