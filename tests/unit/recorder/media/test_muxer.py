"""What the muxer promises: a Matroska stream that reads back as what was put in."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media import muxer
from services.recorder.media.frame import NS_PER_MS as MS
from services.recorder.media.frame import Block, PictureFormat, VideoCodec
from services.recorder.media.muxer import MatroskaMuxer

PICTURE = PictureFormat("vp8", 640, 480)
#: Elements that hold elements: EBML, Segment, Info, Tracks, TrackEntry, Video, Audio, Cluster.
MASTERS = {0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0xE1, 0x1F43B675}


@dataclass(frozen=True)
class Element:
    id: int
    data: bytes

    def children(self) -> list[Element]:
        return list(read(self.data))

    def child(self, element_id: int) -> Element:
        (found,) = [child for child in self.children() if child.id == element_id]
        return found

    def number(self) -> int:
        return int.from_bytes(self.data, "big")


def read(data: bytes) -> Iterator[Element]:
    """A tiny EBML reader (RFC 8794 sections 4 to 6)."""
    at = 0
    while at < len(data):
        id_length = 9 - data[at].bit_length()
        size_at = at + id_length
        size_length = 9 - data[size_at].bit_length()
        mask = (1 << 7 * size_length) - 1
        size = int.from_bytes(data[size_at : size_at + size_length], "big") & mask
        body_at = size_at + size_length
        end = len(data) if size == mask else body_at + size
        assert end <= len(data), "an element reaches beyond its parent"
        yield Element(int.from_bytes(data[at:size_at], "big"), data[body_at:end])
        at = end


def blocks_of(clusters: bytes) -> list[tuple[int, int, bool, bytes]]:
    """(track, milliseconds, keyframe, data) of each SimpleBlock."""
    found = []
    for cluster in read(clusters):
        assert cluster.id == 0x1F43B675
        timestamp, *simple_blocks = cluster.children()
        assert timestamp.id == 0xE7
        for block in simple_blocks:
            assert block.id == 0xA3
            track, relative, flags = struct.unpack(">BhB", block.data[:4])
            found.append((track & 0x7F, timestamp.number() + relative, flags == 0x80, block.data[4:]))
    return found


def test_the_header_names_format_and_tracks() -> None:
    ebml, segment = read(MatroskaMuxer(PictureFormat("vp8", 1280, 721)).header())
    assert ebml.child(0x4282).data == b"matroska"
    info, tracks = segment.children()
    assert info.child(0x2AD7B1).number() == MS
    video, audio = tracks.children()
    assert (video.child(0xD7).number(), video.child(0x83).number(), video.child(0x86).data) == (
        1,
        1,
        b"V_VP8",
    )
    assert (video.child(0xE0).child(0xB0).number(), video.child(0xE0).child(0xBA).number()) == (1280, 721)
    assert video.child(0x23E383).number() == 8_333_333
    assert (audio.child(0xD7).number(), audio.child(0x83).number(), audio.child(0x86).data) == (
        2,
        2,
        b"A_OPUS",
    )
    assert struct.unpack(">d", audio.child(0xE1).child(0xB5).data) == (48_000.0,)
    assert audio.child(0xE1).child(0x9F).number() == 2


@pytest.mark.parametrize(
    ("muxer", "codec", "number"),
    [(MatroskaMuxer(PICTURE, sound=False), b"V_VP8", 1), (MatroskaMuxer(None), b"A_OPUS", 2)],
)
def test_a_stream_of_one_track_names_no_other(muxer: MatroskaMuxer, codec: bytes, number: int) -> None:
    _, segment = read(muxer.header())
    (track,) = segment.child(0x1654AE6B).children()
    assert (track.child(0x86).data, track.child(0xD7).number()) == (codec, number)


def test_the_track_of_vp9_says_so() -> None:
    _, segment = read(MatroskaMuxer(PictureFormat("vp9", 640, 480)).header())
    assert segment.child(0x1654AE6B).children()[0].child(0x86).data == b"V_VP9"


def test_the_track_of_av1_says_what_decoders_are_told() -> None:
    _, segment = read(MatroskaMuxer(PictureFormat("av1", 640, 480, b"told")).header())
    video, _ = segment.child(0x1654AE6B).children()
    assert (video.child(0x86).data, video.child(0x63A2).data) == (b"V_AV1", b"told")


@pytest.mark.parametrize("codec", ["vp8", "vp9"])
def test_other_tracks_of_pictures_have_nothing_to_tell(codec: VideoCodec) -> None:
    _, segment = read(MatroskaMuxer(PictureFormat(codec, 640, 480), sound=False).header())
    (video,) = segment.child(0x1654AE6B).children()
    assert 0x63A2 not in {child.id for child in video.children()}


def test_the_opus_head_says_stereo_and_nothing_to_skip() -> None:
    _, segment = read(MatroskaMuxer(PICTURE).header())
    head = segment.child(0x1654AE6B).children()[1].child(0x63A2).data
    assert head == b"OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00"


def test_the_segment_has_no_known_end() -> None:
    assert b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" in MatroskaMuxer(PICTURE).header()


def test_sound_and_picture_are_interleaved_by_time() -> None:
    video = [Block("video", at * MS, at == 0, b"v") for at in (0, 33)]
    audio = [Block("audio", at * MS, keyframe=True, data=b"a") for at in (0, 20, 40)]
    assert blocks_of(MatroskaMuxer(PICTURE).cluster(video + audio)) == [
        (1, 0, True, b"v"),
        (2, 0, True, b"a"),
        (2, 20, True, b"a"),
        (1, 33, False, b"v"),
        (2, 40, True, b"a"),
    ]


def test_no_blocks_are_no_bytes() -> None:
    assert MatroskaMuxer(PICTURE).cluster([]) == b""


@pytest.mark.parametrize(("apart_ms", "clusters"), [(32_767, 1), (32_768, 2)])
def test_a_cluster_ends_before_the_relative_time_overflows(apart_ms: int, clusters: int) -> None:
    # The first block ends its millisecond: both are rounded down, each by itself.
    first, last = MS - 1, apart_ms * MS
    data = MatroskaMuxer(PICTURE).cluster([Block("audio", at, keyframe=True, data=b"a") for at in (first, last)])
    assert len(list(read(data))) == clusters
    assert [at for _, at, _, _ in blocks_of(data)] == [0, apart_ms]


def test_more_bytes_than_an_element_can_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(muxer, "_MAX_SIZE_4", 100)
    with pytest.raises(ValueError, match="fewer blocks at a time"):
        MatroskaMuxer(PICTURE).cluster([Block("video", 0, keyframe=True, data=bytes(101))])


any_block = st.builds(
    Block,
    kind=st.sampled_from(["audio", "video"]),
    time_ns=st.integers(0, 1 << 47),
    keyframe=st.booleans(),
    data=st.binary(max_size=300),
)


@given(st.lists(any_block, max_size=50))
def test_what_is_written_reads_back(blocks: list[Block]) -> None:
    ordered = sorted(blocks, key=lambda block: block.time_ns)
    assert blocks_of(MatroskaMuxer(PICTURE).cluster(blocks)) == [
        (1 if block.kind == "video" else 2, block.time_ns // MS, block.keyframe, block.data) for block in ordered
    ]
