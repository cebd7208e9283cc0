"""Black pictures, encoded when they are due, and as seldom as can be."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from services.recorder.media import black as black_module
from services.recorder.media.black import BlackPictures, BlackTrack
from services.recorder.media.ffmpeg import find_ffmpeg
from services.recorder.media.frame import PictureFormat
from services.recorder.media.payloads.av1 import temporal_unit
from services.recorder.media.payloads.av1_obu import read_obus
from services.recorder.media.payloads.vp9_bitstream import FrameHeader, read_header, split_superframe


@pytest.fixture
def ffmpeg() -> Path:
    return find_ffmpeg(None)


class Encoders:
    """Instead of ffmpeg: what was encoded, and how many at the same time."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def encode(self, _: Path, picture: PictureFormat) -> bytes:
        self.sizes.append((picture.width, picture.height))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return b"%dx%d" % self.sizes[-1]


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> Encoders:
    encoders = Encoders()
    monkeypatch.setattr(black_module, "_encode", encoders.encode)
    return encoders


def sized(width: int, height: int) -> PictureFormat:
    return PictureFormat("vp8", width, height)


@pytest.mark.parametrize("size", [(1, 1), (15, 17), (321, 241), (640, 480), (1281, 721)])
async def test_black_is_a_keyframe_of_exactly_that_size(ffmpeg: Path, size: tuple[int, int]) -> None:
    frame = await BlackPictures(ffmpeg).of(PictureFormat("vp8", *size))
    # RFC 6386 section 9.1: bit 0 clear is a keyframe; start code; 14 bits each of width and height.
    assert not frame[0] & 1
    assert frame[3:6] == b"\x9d\x01\x2a"
    assert struct.unpack("<HH", frame[6:10]) == size


@pytest.mark.parametrize("size", [(1, 1), (15, 17), (321, 241), (640, 480), (1281, 721)])
async def test_black_of_vp9_is_a_keyframe_of_exactly_that_size(ffmpeg: Path, size: tuple[int, int]) -> None:
    frame = await BlackPictures(ffmpeg).of(PictureFormat("vp9", *size))
    assert read_header(frame) == FrameHeader(True, *size)
    assert split_superframe(frame) == [frame]


@pytest.mark.parametrize("size", [(1, 1), (15, 17), (321, 241), (640, 480), (1281, 721)])
async def test_black_of_av1_is_a_keyframe_of_exactly_that_size(ffmpeg: Path, size: tuple[int, int]) -> None:
    pictures = BlackPictures(ffmpeg)
    frame = await pictures.of(PictureFormat("av1", *size))
    unit = temporal_unit(read_obus(frame))
    assert unit is not None
    assert (unit.data, unit.width, unit.height) == (frame, *size)
    assert await pictures.configured(PictureFormat("av1", *size)) == PictureFormat("av1", *size, unit.configuration)
    assert unit.configuration


async def test_what_a_senders_pictures_are_told_by_makes_no_other_black(ffmpeg: Path, encoders: Encoders) -> None:
    pictures = BlackPictures(ffmpeg)
    black = await pictures.of(PictureFormat("vp9", 64, 48, b"told"))
    assert pictures.known(PictureFormat("vp9", 64, 48, b"told otherwise")) == black
    assert await pictures.configured(PictureFormat("vp9", 64, 48)) == PictureFormat("vp9", 64, 48)
    assert encoders.sizes == [(64, 48)]


async def test_each_codec_has_black_of_its_own(ffmpeg: Path) -> None:
    pictures = BlackPictures(ffmpeg)
    first, other, again = [await pictures.of(PictureFormat(codec, 64, 48)) for codec in ("vp8", "vp9", "vp8")]
    assert first == again != other


async def test_of_many_that_need_a_size_at_once_one_encodes_it(ffmpeg: Path, encoders: Encoders) -> None:
    pictures = BlackPictures(ffmpeg)
    assert await asyncio.gather(*(pictures.of(sized(64, 48)) for _ in range(20))) == [b"64x48"] * 20
    assert encoders.sizes == [(64, 48)]


async def test_sizes_are_encoded_one_after_the_other(ffmpeg: Path, encoders: Encoders) -> None:
    pictures = BlackPictures(ffmpeg)
    await asyncio.gather(*(pictures.of(sized(width, 48)) for width in range(20)))
    assert (len(encoders.sizes), encoders.most_at_once) == (20, 1)


async def test_only_so_many_sizes_are_kept(ffmpeg: Path, encoders: Encoders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(black_module, "_PICTURES", 2)
    pictures = BlackPictures(ffmpeg)
    for width in (16, 32, 48):
        await pictures.of(sized(width, 16))
    assert [pictures.known(sized(width, 16)) for width in (16, 32, 48)] == [None, b"32x16", b"48x16"]


async def test_a_track_that_changes_its_size_too_often_has_black_of_an_earlier_one(
    ffmpeg: Path, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = BlackPictures(ffmpeg)
    track = BlackTrack(pictures)
    assert [await track.of(sized(width, 16)) for width in (16, 32, 48)] == [b"16x16"] * 3
    assert encoders.sizes == [(16, 16)]
    monkeypatch.setattr(black_module, "_APART_SECONDS", 0)
    assert await track.of(sized(48, 16)) == b"48x16"


async def test_a_size_that_is_known_already_is_had_at_once(ffmpeg: Path, encoders: Encoders) -> None:
    pictures = BlackPictures(ffmpeg)
    await pictures.of(sized(32, 16))
    track = BlackTrack(pictures)
    assert [await track.of(sized(width, 16)) for width in (16, 32, 16)] == [b"16x16", b"32x16", b"16x16"]
    assert encoders.sizes == [(32, 16), (16, 16)]
