"""What a VP9 frame says of itself, and superframes: several frames in one.

Pure. By the "VP9 Bitstream & Decoding Process Specification", version 0.6, section 6.2 and annex B.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.recorder.media.payloads.bits import BitReader

#: The number of frames is told in 3 bits.
MAX_FRAMES = 8

_SYNC_CODE = 0x49_83_42
_RGB = 7
#: More than any header needs up to the size.
_HEADER_BYTES = 16


class FrameHeader(NamedTuple):
    keyframe: bool
    #: Pixels; 0 where the frame is as large as one that it refers to.
    width: int = 0
    height: int = 0


def read_header(frame: bytes) -> FrameHeader | None:
    """Read the beginning of the uncompressed header; None if it is malformed or cut off."""
    try:
        return _header(BitReader(frame[:_HEADER_BYTES]))
    except IndexError:
        return None


def split_superframe(data: bytes) -> list[bytes] | None:
    """Return the frames, without the index; one that is none is a frame by itself. None if the index is wrong."""
    marker = data[-1]
    count, width = (marker & 0x07) + 1, (marker >> 3 & 0x03) + 1
    index = len(data) - 2 - count * width
    if marker & 0xE0 != 0xC0 or index < 0 or data[index] != marker:
        return [data]
    frames, begin = [], 0
    for at in range(index + 1, len(data) - 1, width):
        end = begin + int.from_bytes(data[at : at + width], "little")
        frames.append(data[begin:end])
        begin = end
    return frames if begin <= index else None


def superframe(frames: Sequence[bytes]) -> bytes:
    """Join frames, at most `MAX_FRAMES`, so that decoders find each: with an index behind them."""
    width = (max(map(len, frames)).bit_length() + 7) // 8
    marker = bytes((0xC0 | (width - 1) << 3 | len(frames) - 1,))
    sizes = (len(frame).to_bytes(width, "little") for frame in frames)
    return b"".join((*frames, marker, *sizes, marker))


def _header(bits: BitReader) -> FrameHeader | None:
    if bits.take(2) != 0b10:  # frame_marker
        return None
    profile = bits.take(1) | bits.take(1) << 1
    bits.take(profile == 3)  # reserved_zero
    if bits.take(1):  # show_existing_frame
        bits.take(3)
        return FrameHeader(keyframe=False)
    is_inter, is_shown, is_resilient = bits.take(1), bits.take(1), bits.take(1)
    if not is_inter:
        return _keyframe(bits, profile)
    is_intra_only = not is_shown and bits.take(1)
    bits.take(0 if is_resilient else 2)  # reset_frame_context
    return _intra_only(bits, profile) if is_intra_only else _inter(bits)


def _keyframe(bits: BitReader, profile: int) -> FrameHeader | None:
    if bits.take(24) != _SYNC_CODE:
        return None
    _skip_color_config(bits, profile)
    return FrameHeader(True, *_size(bits))


def _intra_only(bits: BitReader, profile: int) -> FrameHeader | None:
    if bits.take(24) != _SYNC_CODE:
        return None
    if profile > 0:
        _skip_color_config(bits, profile)
    bits.take(8)  # refresh_frame_flags
    return FrameHeader(False, *_size(bits))


def _inter(bits: BitReader) -> FrameHeader:
    bits.take(8 + 3 * 4)  # refresh_frame_flags; three times ref_frame_idx and ref_frame_sign_bias
    is_as_large = any(bits.take(1) for _ in range(3))  # found_ref
    return FrameHeader(False) if is_as_large else FrameHeader(False, *_size(bits))


def _skip_color_config(bits: BitReader, profile: int) -> None:
    """Skip section 6.2.2; profiles 1 and 3 are those with other subsampling than 4:2:0."""
    bits.take(1 if profile >= 2 else 0)  # ten_or_twelve_bit
    is_rgb = bits.take(3) == _RGB
    if not is_rgb:
        bits.take(1)  # color_range
    if profile in {1, 3}:
        bits.take(1 if is_rgb else 3)  # subsampling_x, subsampling_y, reserved_zero


def _size(bits: BitReader) -> tuple[int, int]:
    return bits.take(16) + 1, bits.take(16) + 1
