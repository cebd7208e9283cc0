"""Blocks to bytes: the Matroska stream that ffmpeg reads from its pipe.

Pure: no I/O and no clock. Only what ffmpeg's demuxer needs is written; the file that people keep is ffmpeg's.
Sources: EBML is RFC 8794, Matroska RFC 9559 (ids in section 5.1), OpusHead RFC 7845 section 5.1.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, PictureFormat, VideoCodec

#: Sections 8.1 and 10 of RFC 8794 and 5.1 of RFC 9559; an id carries its own length marker.
_EBML, _SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_TIMESTAMP_SCALE, _MUXING_APP, _WRITING_APP = 0x2AD7B1, 0x4D80, 0x5741
_TRACK_ENTRY, _TRACK_NUMBER, _TRACK_UID, _TRACK_TYPE, _FLAG_LACING = 0xAE, 0xD7, 0x73C5, 0x83, 0x9C
_CODEC_ID, _CODEC_PRIVATE, _LANGUAGE, _SEEK_PRE_ROLL = 0x86, 0x63A2, 0x22B59C, 0x56BB
_DEFAULT_DURATION = 0x23E383
_VIDEO, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0xE0, 0xB0, 0xBA
_AUDIO, _SAMPLING_FREQUENCY, _CHANNELS = 0xE1, 0xB5, 0x9F
_TIMESTAMP, _SIMPLE_BLOCK = 0xE7, 0xA3

#: All bits of the size set: the segment ends when the pipe does (RFC 8794 section 6.2).
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
#: Version 1, 2 channels, pre-skip 0 (nothing was cut off at the start), 48 kHz, gain 0, mapping family 0.
_OPUS_HEAD = struct.pack("<8sBBHIhB", b"OpusHead", 1, 2, 0, 48_000, 0, 0)
#: What a decoder needs to hear before it is right again after a seek (RFC 7845 section 4.6: 80 ms).
_OPUS_PRE_ROLL_NS = 80 * NS_PER_MS

#: What the file says a picture lasts, and what the last one does. Pictures come when they come; but ffmpeg 9,
#: told nothing, writes "1000 per second", and ffmpeg 5 makes a last black picture last a second.
PICTURE_NS = NS_PER_SECOND // 120

#: A block's time is a signed 16-bit number of milliseconds after its cluster's (RFC 9559 section 11.2).
_MAX_RELATIVE_MS = 0x7FFF
#: Four octets of size: the marker bit leaves 28 bits (RFC 8794 section 4).
_SIZE_4, _MAX_SIZE_4 = 0x1000_0000, 0x0FFF_FFFE
#: Track, relative time, flags (RFC 9559 section 10.2), after the element's id and size.
_BLOCK_HEAD = struct.Struct(">BIBhB")
_BLOCK_HEAD_IN_SIZE = 4
_TRACK = {"video": 0x81, "audio": 0x82}
_KEYFRAME = 0x80
_CODEC_IDS: dict[VideoCodec, bytes] = {"vp8": b"V_VP8", "vp9": b"V_VP9", "av1": b"V_AV1"}

_time_ns = attrgetter("time_ns")


class MatroskaMuxer:
    """One participant's stream: track 1 is the picture, track 2 is stereo Opus at 48 kHz; or one of them alone.

    The format is that of the first picture (at least 1 pixel each way), or None without any; later pictures may be of
    another size, but not of another codec. A track that is named must flow: ffmpeg holds the other one back while it is
    silent.
    """

    def __init__(self, picture_format: PictureFormat | None, *, sound: bool = True) -> None:
        self._format = picture_format
        self._has_sound = sound

    def header(self) -> bytes:
        """Write what comes before the first cluster."""
        video = _video_track(self._format) if self._format else b""
        audio = _audio_track() if self._has_sound else b""
        return _ebml_header() + _id(_SEGMENT) + _UNKNOWN_SIZE + _info() + _element(_TRACKS, video + audio)

    def cluster(self, blocks: Sequence[Block]) -> bytes:
        """Write the blocks, sorted by time, as one cluster or, if they span more than 32 s, as several."""
        return b"".join(_cluster(run) for run in _runs(sorted(blocks, key=_time_ns)))


def _video_track(picture: PictureFormat) -> bytes:
    size = _uint(_PIXEL_WIDTH, picture.width) + _uint(_PIXEL_HEIGHT, picture.height)
    pace = _uint(_DEFAULT_DURATION, PICTURE_NS)
    codec = _track(1, 1, _CODEC_IDS[picture.codec])
    if picture.configuration:
        codec += _element(_CODEC_PRIVATE, picture.configuration)
    return _element(_TRACK_ENTRY, codec + pace + _element(_VIDEO, size))


def _audio_track() -> bytes:
    sound = _element(_SAMPLING_FREQUENCY, struct.pack(">d", 48_000)) + _uint(_CHANNELS, 2)
    codec = _element(_CODEC_PRIVATE, _OPUS_HEAD) + _uint(_SEEK_PRE_ROLL, _OPUS_PRE_ROLL_NS)
    return _element(_TRACK_ENTRY, _track(2, 2, b"A_OPUS") + codec + _element(_AUDIO, sound))


def _track(number: int, track_type: int, codec: bytes) -> bytes:
    """Write what both tracks have (RFC 9559 section 5.1.4.1); type 1 is video, 2 is audio."""
    numbers = _uint(_TRACK_NUMBER, number) + _uint(_TRACK_UID, number) + _uint(_TRACK_TYPE, track_type)
    return numbers + _uint(_FLAG_LACING, 0) + _element(_LANGUAGE, b"und") + _element(_CODEC_ID, codec)


def _info() -> bytes:
    """Set one tick to a millisecond (RFC 9559 section 5.1.2)."""
    apps = _element(_MUXING_APP, b"onrecord") + _element(_WRITING_APP, b"onrecord")
    return _element(_INFO, _uint(_TIMESTAMP_SCALE, NS_PER_MS) + apps)


def _ebml_header() -> bytes:
    """Name the format (RFC 8794 section 11.2); a reader needs version 2 for SimpleBlocks."""
    versions = _uint(0x4286, 1) + _uint(0x42F7, 1) + _uint(0x42F2, 4) + _uint(0x42F3, 8)
    document = _element(0x4282, b"matroska") + _uint(0x4287, 4) + _uint(0x4285, 2)
    return _element(_EBML, versions + document)


def _runs(blocks: list[Block]) -> Iterator[list[Block]]:
    """Split the sorted blocks into runs whose times fit one cluster."""
    while blocks:
        end = bisect_right(blocks, blocks[0].time_ns + _MAX_RELATIVE_MS * NS_PER_MS, key=_time_ns)
        yield blocks[:end]
        blocks = blocks[end:]


def _cluster(blocks: list[Block]) -> bytes:
    base_ms = blocks[0].time_ns // NS_PER_MS
    parts = [_uint(_TIMESTAMP, base_ms)]
    for block in blocks:
        relative_ms = block.time_ns // NS_PER_MS - base_ms
        size = _SIZE_4 | len(block.data) + _BLOCK_HEAD_IN_SIZE
        flags = _KEYFRAME if block.keyframe else 0
        parts += (_BLOCK_HEAD.pack(_SIMPLE_BLOCK, size, _TRACK[block.kind], relative_ms, flags), block.data)
    return _element(_CLUSTER, b"".join(parts))


def _uint(element_id: int, value: int) -> bytes:
    """Write an unsigned integer in as few octets as it needs (RFC 8794 section 7.2)."""
    return _element(element_id, value.to_bytes((value.bit_length() + 7) // 8 or 1, "big"))


def _element(element_id: int, data: bytes) -> bytes:
    if len(data) > _MAX_SIZE_4:
        raise ValueError(f"an element of {len(data)} bytes: at most {_MAX_SIZE_4}; write fewer blocks at a time")
    return _id(element_id) + struct.pack(">I", _SIZE_4 | len(data)) + data


def _id(element_id: int) -> bytes:
    return element_id.to_bytes((element_id.bit_length() + 7) // 8, "big")
