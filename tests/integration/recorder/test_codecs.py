"""Every codec the whole way: what a real encoder made is in a file that a real decoder plays to its end."""

from __future__ import annotations

import asyncio
import random
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest
import structlog

from services.recorder.media.frame import NS_PER_SECOND, Block, TimedFrame, VideoCodec
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.payloads.av1_obu import IGNORED, read_obus
from services.recorder.media.probe import decode_errors, probe, remux
from services.recorder.media.receiver import TrackReceiver
from services.recorder.media.rtp import RtpPacket
from services.recorder.media.webm_writer import WebmWriter
from services.recorder.sources import SourceRefusedError
from shared.contracts.participant_recording import ParticipantRecordingStopped
from shared.contracts.rtp_source import RtpSourceOpened, RtpTrack
from tests.support import av1, vp8, vp9
from tests.support.datagrams import datagram
from tests.support.encoded import (
    FRAME_RATE,
    configuration_of,
    decoded,
    encoded,
    encoded_file,
    encoder,
    moving_picture,
    spoken,
)
from tests.support.eventually import eventually
from tests.support.film import START_NS, Film, delta, end_ms, keyframe, recorded, silences, times
from tests.support.studio import Studio, studio

CODECS: list[VideoCodec] = ["vp8", "vp9", "av1"]
SECONDS = 5


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path, ffmpeg) as one:
        one.arrives("ann")
        yield one


def announced(codec: str) -> RtpTrack:
    return RtpTrack(codec=codec, payload_type=96)


def received(codec: VideoCodec, pictures: list[bytes], loss: float = 0) -> list[TimedFrame]:
    """Send pictures over a network without delay, which loses packets by chance; return what is received."""
    chance = random.Random(4)
    receiver = TrackReceiver("video", announced(codec))
    frames, sequence = list[TimedFrame](), 0
    for index, picture in enumerate(pictures):
        packets = packetized(codec, picture, index * 3000, sequence)
        sequence += len(packets)
        arrive = [packet for packet in packets if chance.random() >= loss]
        frames += [frame for packet in arrive for frame in receiver.take([(datagram(packet), at_ns(index))])]
    return frames + receiver.finish()


def packetized(codec: VideoCodec, picture: bytes, timestamp: int, sequence: int) -> list[RtpPacket]:
    if codec == "vp8":
        return vp8.packetize(picture, timestamp=timestamp, sequence=sequence, mtu=1000)
    if codec == "vp9":
        return vp9.packetize(picture, timestamp=timestamp, sequence=sequence, mtu=1000)
    obus = [obu for obu in read_obus(picture) if obu.type not in IGNORED]
    return av1.packetize(obus, timestamp=timestamp, sequence=sequence, mtu=1000)


def at_ns(index: int) -> int:
    return START_NS + index * NS_PER_SECOND // FRAME_RATE


async def written(ffmpeg: Path, path: Path, frames: list[TimedFrame]) -> Path:
    """Write the frames as they are, with nothing filled in."""
    muxer = MatroskaMuxer(frames[0].frame.format, sound=False)
    blocks = [Block("video", each.time_ns - START_NS, each.frame.keyframe, each.frame.data) for each in frames]
    writer = await WebmWriter.start(ffmpeg, path, structlog.get_logger())
    await writer.write(muxer.header() + muxer.cluster(blocks))
    await writer.close()
    return path


# --- by a real sender


@pytest.mark.parametrize("codec", CODECS)
async def test_what_ffmpeg_sends_by_rtp_is_recorded_and_decoded(room: Studio, ffmpeg: Path, codec: VideoCodec) -> None:
    """In real time: a machine that is busy sends in bursts, of which not every picture finds its place."""
    opened = await room.opens_source("ann", video=announced(codec))
    await room.records("ann")
    await ffmpeg_sends(ffmpeg, codec, opened, seconds=2)
    await room.stops("ann")
    file = (await room.until("ann", ParticipantRecordingStopped)).file
    path = room.root / file.path
    assert (file.video_codec, file.audio_codec, file.width, file.height) == (codec, "opus", 320, 240)
    assert (await probe(ffmpeg, path)).starts_with_keyframe
    assert len(set(decoded(ffmpeg, path).values())) > FRAME_RATE // 2


async def ffmpeg_sends(ffmpeg: Path, codec: VideoCodec, to: RtpSourceOpened, seconds: int) -> None:
    """Send pictures and a tone in real time."""
    assert to.video is not None
    assert to.audio is not None
    tone = f"-re -f lavfi -i sine=440:sample_rate=48000:duration={seconds}"
    sound = "-map 1:a -c:a libopus -ac 2 -payload_type 111 -f rtp"
    rtp = "-strict experimental -payload_type 96 -f rtp"  # of VP9, ffmpeg calls it experimental
    picture = ["-map", "0:v", *encoder(codec), *rtp.split()]
    video, audio = (f"rtp://127.0.0.1:{ports.rtp_port}?rtcpport={ports.rtcp_port}" for ports in (to.video, to.audio))
    argv = ["-re", *moving_picture(seconds), *tone.split(), *picture, video, *sound.split(), audio]
    process = await asyncio.create_subprocess_exec(ffmpeg, "-v", "error", *argv, stdout=DEVNULL)
    assert await process.wait() == 0


async def test_the_file_is_as_large_as_the_largest_layer(ffmpeg: Path, tmp_path: Path) -> None:
    """Seen to fail: ffmpeg decoded the first picture, and took the lowest layer's size."""
    lowest, *_ = encoded(ffmpeg, "vp9", seconds=1)
    sizes = vp9.structure((320, 240), (640, 480))
    packets = vp9.packetize(lowest, vp9.delta_frame(), timestamp=0, sequence=0, mtu=1000, declares=sizes)
    receiver = TrackReceiver("video", announced("vp9"))
    frames = [frame for packet in packets for frame in receiver.take([(datagram(packet), START_NS)])]
    frames += receiver.finish()
    segment = await written(ffmpeg, tmp_path / "segment.webm", frames)
    await remux(ffmpeg, segment, tmp_path / "file.webm")
    for path in (segment, tmp_path / "file.webm"):
        found = await probe(ffmpeg, path)
        assert (found.width, found.height, found.video_frames) == (640, 480, 1)


async def test_decoders_of_av1_are_told_what_the_encoder_itself_would_tell_them(ffmpeg: Path, tmp_path: Path) -> None:
    path = await written(ffmpeg, tmp_path / "ours.webm", received("av1", encoded(ffmpeg, "av1", seconds=1)))
    theirs = encoded_file(ffmpeg, "av1", tmp_path / "theirs.webm")
    assert configuration_of(path) == configuration_of(theirs) != b""


def test_of_a_superframe_the_decoder_of_browsers_shows_the_largest_layer_alone(ffmpeg: Path) -> None:
    """Two keyframes in the place of two layers: ffmpeg has no encoder of layers."""
    layers = [encoded(ffmpeg, "vp9", seconds=1, size=size)[0] for size in ("160x120", "320x240")]
    packets = vp9.packetize(*layers, timestamp=0, sequence=0, mtu=1000)
    receiver = TrackReceiver("video", announced("vp9"))
    assert [receiver.take([(datagram(packet), START_NS)]) for packet in packets] == [[]] * len(packets)
    (picture,) = receiver.finish()
    libvpx = av.CodecContext.create("libvpx-vp9", "r")
    shown = libvpx.decode(av.Packet(picture.frame.data))
    assert [(frame.width, frame.height) for frame in shown] == [(320, 240)]


# --- sound


@pytest.mark.parametrize(
    "options",
    [
        pytest.param("-ac 1", id="mono"),
        pytest.param("-ac 2 -application lowdelay -frame_duration 2.5", id="2.5 ms"),
        pytest.param("-ac 2 -frame_duration 60", id="60 ms"),
        pytest.param("-ac 2 -frame_duration 120", id="120 ms"),
        pytest.param("-ac 1 -application voip -fec 1 -packet_loss 20", id="FEC"),
        pytest.param("-ac 1 -application voip -dtx 1", id="DTX"),
        pytest.param("-ac 2 -application voip -dtx 1 -frame_duration 60", id="DTX of 60 ms"),
    ],
)
async def test_opus_of_every_kind_is_recorded_and_decoded(film: Film, ffmpeg: Path, options: str) -> None:
    film.say(-1000, holds=True)
    receiver = TrackReceiver("audio", RtpTrack(codec="opus", payload_type=111))
    frames = list[TimedFrame]()
    for sequence, (ticks, packet) in enumerate(spoken(ffmpeg, options.split())):
        rtp = RtpPacket(111, sequence, ticks, 1, marker=False, payload=packet)
        frames += receiver.take([(datagram(rtp), START_NS + ticks * NS_PER_SECOND // 48_000)])
    film.send(*frames)
    packets = await film.end(3000)
    assert frames
    assert all(recorded(packets, *frames))
    assert receiver.frames["dropped"] == 0
    filled = sum(packet.kind == "audio" for packet in packets) - len(frames)
    assert (filled > 0) == ("dtx" in options)
    assert await decode_errors(ffmpeg, film.path) == ""
    assert abs(end_ms(packets) - 3000) <= 120


# --- with loss, and in the dark


@pytest.mark.parametrize("loss", [0.01, 0.04])
@pytest.mark.parametrize("codec", CODECS)
async def test_with_loss_every_picture_that_is_shown_is_as_it_was_sent(
    ffmpeg: Path, tmp_path: Path, codec: VideoCodec, loss: float
) -> None:
    pictures = encoded(ffmpeg, codec, SECONDS)
    sent = decoded(ffmpeg, await written(ffmpeg, tmp_path / "sent.webm", received(codec, pictures)))
    path = await written(ffmpeg, tmp_path / "lossy.webm", received(codec, pictures, loss))
    shown = decoded(ffmpeg, path)
    assert len(set(sent.values())) == len(pictures)
    assert FRAME_RATE // 2 < len(shown) < len(sent)
    assert shown.items() <= sent.items()
    assert (await probe(ffmpeg, path)).starts_with_keyframe


@pytest.mark.parametrize("codec", CODECS)
async def test_black_of_the_files_codec_is_decoded_as_well(film: Film, ffmpeg: Path, codec: VideoCodec) -> None:
    film.say(-1000, holds=True)
    film.say(1000, holds=False)
    film.say(2500, holds=True)
    film.send(*received(codec, encoded(ffmpeg, codec, SECONDS)))
    await film.end(SECONDS * 1000)
    shown = decoded(ffmpeg, film.path)
    assert (await probe(ffmpeg, film.path)).video_codec == codec
    (black,) = {shown[at] for at in shown if 1000 <= at < 3000}  # up to the next keyframe
    assert {at for at in shown if shown[at] == black} == {1000, 1500, 2000, 2500}
    assert len(shown) == 4 + 3 * FRAME_RATE


# --- a file keeps the codec that it began in


@pytest.mark.parametrize("codec", CODECS)
async def test_a_file_without_a_picture_is_of_the_codec_that_was_announced(
    room: Studio, ffmpeg: Path, codec: VideoCodec
) -> None:
    await room.opens_source("ann", video=announced(codec))
    await room.records("ann")
    await room.stops("ann")
    file = (await room.until("ann", ParticipantRecordingStopped)).file
    assert (file.video_codec, file.width, file.height) == (codec, 640, 480)
    assert await decode_errors(ffmpeg, room.root / file.path) == ""


async def test_media_that_is_announced_within_five_seconds_tells_the_codec(film: Film, ffmpeg: Path) -> None:
    await film.known_until(4999)
    assert film.pipeline.codec is None
    film.pipeline.expect("vp9")
    await film.known_until(5000)
    assert film.pipeline.codec == "vp9"
    film.pipeline.expect("vp8")
    await film.end(5500)
    assert film.pipeline.codec == "vp9"
    assert (await probe(ffmpeg, film.path)).video_codec == "vp9"
    assert await decode_errors(ffmpeg, film.path) == ""


async def test_without_an_announcement_the_file_begins_after_five_seconds(film: Film) -> None:
    await film.known_until(5000)
    assert film.pipeline.codec == "vp8"
    packets = await film.end(5500)
    assert silences(packets) == list(range(0, 5500, 20))
    assert times(packets, await film.black()) == [*range(0, 5500, 500), 5480]


@pytest.mark.parametrize("codec", ["vp9", None])
async def test_a_picture_that_was_announced_is_waited_for_a_second(film: Film, codec: VideoCodec | None) -> None:
    film.pipeline.expect(codec)
    await film.known_until(999)
    assert film.pipeline.codec is None
    await film.known_until(1000)
    assert film.pipeline.codec == (codec or "vp8")


async def test_the_first_picture_outweighs_what_was_announced(film: Film, ffmpeg: Path) -> None:
    film.say(-1000, holds=True)
    film.pipeline.expect("vp9")
    film.send(keyframe(0))
    await film.end(1500)
    assert (await probe(ffmpeg, film.path)).video_codec == "vp8"


async def test_pictures_of_another_codec_are_left_out_with_what_builds_on_them(film: Film) -> None:
    film.say(-1000, holds=True)
    before, others = [keyframe(0), delta(40)], [keyframe(80, codec="vp9"), delta(120), delta(160)]
    after = [keyframe(200), delta(240)]
    film.send(*before, *others, *after)
    packets = await film.end(1000)
    assert recorded(packets, *before, *others, *after) == [True] * 2 + [False] * 3 + [True] * 2
    assert (film.pipeline.counters.other_codec, film.pipeline.counters.baseless) == (1, 2)


async def test_another_codec_is_refused_while_a_file_grows(room: Studio) -> None:
    await room.opens_source("ann", video=announced("vp8"))
    await room.records("ann")
    await eventually(lambda: any(each.video_codec for each in room.worker._recordings.values()))
    with pytest.raises(SourceRefusedError, match=r"^codec 'vp9' cannot go into a file that began in vp8: send VP8, or"):
        await room.opens_source("ann", video=announced("vp9"))
    await room.opens_source("ann", video=announced("vp8"))
    await room.opens_source("ann", video=None)
    await room.stops("ann")
    await room.until("ann", ParticipantRecordingStopped)
    await room.idle()
    await room.opens_source("ann", video=announced("vp9"))
