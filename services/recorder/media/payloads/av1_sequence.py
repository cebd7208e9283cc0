"""What an AV1 sequence header says of all its pictures, and the same as files tell it to decoders.

Pure. By the "AV1 Bitstream & Decoding Process Specification", version 1.0.0 with errata 1, section 5.5, and by "AV1
Codec ISO Media File Format Binding", version 1.2.0, section 2.3.
"""

from __future__ import annotations

from typing import NamedTuple

from services.recorder.media.payloads.bits import BitReader

#: More than any header has: 32 operating points of 12 bytes, and the rest.
_HEADER_BYTES = 512
#: From this level on, an operating point has a tier.
_FIRST_LEVEL_WITH_TIER = 8
#: BT.709, sRGB, identity: color primaries, transfer characteristics and matrix coefficients of RGB.
_SRGB = (1, 13, 0)


class ColorConfig(NamedTuple):
    """Section 5.5.2, as far as decoders are told it beforehand."""

    high_bitdepth: int
    twelve_bit: int
    monochrome: int
    subsampling_x: int
    subsampling_y: int
    #: 0..3
    chroma_sample_position: int = 0


class SequenceHeader(NamedTuple):
    #: 0..7; of which 0 to 2 are in use
    profile: int
    #: Of the first operating point, 0..31 and 0..1.
    level: int
    tier: int
    #: Pixels; no picture of the sequence is larger.
    width: int
    height: int
    color: ColorConfig


def read_sequence_header(payload: bytes) -> SequenceHeader | None:
    """Read a sequence header OBU behind its own header; None if it is cut off, or of a still picture."""
    try:
        return _sequence_header(BitReader(payload[:_HEADER_BYTES]))
    except IndexError:
        return None


def configuration(header: SequenceHeader, obu: bytes) -> bytes:
    """Write the AV1CodecConfigurationRecord (`av1C`) of a sequence header, given also as an OBU with its size."""
    color = header.color
    depth = color.high_bitdepth << 6 | color.twelve_bit << 5 | color.monochrome << 4
    subsampling = color.subsampling_x << 3 | color.subsampling_y << 2 | color.chroma_sample_position
    return bytes((0x81, header.profile << 5 | header.level, header.tier << 7 | depth | subsampling, 0)) + obu


def _sequence_header(bits: BitReader) -> SequenceHeader | None:
    profile, _still_picture, is_reduced = bits.take(3), bits.take(1), bits.take(1)
    if is_reduced:
        return None
    level, tier = _operating_points(bits, _decoder_model(bits))
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    width, height = bits.take(width_bits) + 1, bits.take(height_bits) + 1
    _skip_tools(bits)
    return SequenceHeader(profile, level, tier, width, height, _color_config(bits, profile))


def _decoder_model(bits: BitReader) -> int | None:
    """Read over timing_info; return how long the delays of the decoder model are, if there is one."""
    if not bits.take(1):  # timing_info_present_flag
        return None
    bits.take(64)  # num_units_in_display_tick, time_scale
    if bits.take(1):  # equal_picture_interval
        _skip_uvlc(bits)
    if not bits.take(1):  # decoder_model_info_present_flag
        return None
    delay_bits = bits.take(5) + 1
    bits.take(32 + 5 + 5)  # num_units_in_decoding_tick, and lengths of what frame headers tell
    return delay_bits


def _skip_uvlc(bits: BitReader) -> None:
    zeros = 0
    while not bits.take(1):
        zeros += 1
    bits.take(zeros if zeros < 32 else 0)


def _operating_points(bits: BitReader, delay_bits: int | None) -> tuple[int, int]:
    """Read over the operating points; return level and tier of the first."""
    has_display_delay = bits.take(1)
    levels = [_operating_point(bits, delay_bits, has_display_delay) for _ in range(bits.take(5) + 1)]
    return levels[0]


def _operating_point(bits: BitReader, delay_bits: int | None, has_display_delay: int) -> tuple[int, int]:
    bits.take(12)  # operating_point_idc
    level = bits.take(5)
    tier = bits.take(1) if level >= _FIRST_LEVEL_WITH_TIER else 0
    if delay_bits and bits.take(1):  # decoder_model_present_for_this_op
        bits.take(2 * delay_bits + 1)
    if has_display_delay and bits.take(1):  # initial_display_delay_present_for_this_op
        bits.take(4)
    return level, tier


def _skip_tools(bits: BitReader) -> None:
    """Read over which tools the pictures use: what is between the size and the color."""
    if bits.take(1):  # frame_id_numbers_present_flag
        bits.take(4 + 3)
    bits.take(3)  # use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
    bits.take(4)  # enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
    has_order_hint = bits.take(1)
    bits.take(2 if has_order_hint else 0)  # enable_jnt_comp, enable_ref_frame_mvs
    has_screen_content = bits.take(1) or bits.take(1)  # seq_choose_, or else seq_force_screen_content_tools
    if has_screen_content and not bits.take(1):  # seq_choose_integer_mv
        bits.take(1)  # seq_force_integer_mv
    bits.take(3 if has_order_hint else 0)  # order_hint_bits_minus_1
    bits.take(3)  # enable_superres, enable_cdef, enable_restoration


def _color_config(bits: BitReader, profile: int) -> ColorConfig:
    high_bitdepth = bits.take(1)
    twelve_bit = bits.take(1) if profile == 2 and high_bitdepth else 0
    monochrome = bits.take(1) if profile != 1 else 0
    described = (bits.take(8), bits.take(8), bits.take(8)) if bits.take(1) else None
    depth = high_bitdepth, twelve_bit, monochrome
    if monochrome:
        return ColorConfig(*depth, 1, 1)
    if described == _SRGB:
        return ColorConfig(*depth, 0, 0)
    bits.take(1)  # color_range
    subsampling = _subsampling(bits, profile, twelve_bit)
    return ColorConfig(*depth, *subsampling, bits.take(2) if subsampling == (1, 1) else 0)


def _subsampling(bits: BitReader, profile: int, twelve_bit: int) -> tuple[int, int]:
    """Tell in which directions color has half the pixels: profile 0 both, 1 none; 2 across, with 12 bits as it says."""
    if profile < 2:
        return (0, 0) if profile else (1, 1)
    if not twelve_bit:
        return 1, 0
    across = bits.take(1)
    return across, bits.take(1) if across else 0
