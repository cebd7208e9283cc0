"""What an AV1 sequence header says, and how files tell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.payloads.av1_sequence import (
    ColorConfig,
    SequenceHeader,
    configuration,
    read_sequence_header,
)
from tests.support.av1 import COLOR, PLAIN, TOOLS, Fields, sequence_header
from tests.support.vp9 import bits

ORDINARY = ColorConfig(0, 0, 0, 1, 1, 2)
_TICKS = ((1, 32), (30, 32))


def read(points: Fields = PLAIN, tools: Fields = TOOLS, color: Fields = COLOR, profile: int = 0) -> SequenceHeader:
    header = read_sequence_header(sequence_header(1280, 721, profile=profile, points=points, tools=tools, color=color))
    assert header is not None
    return header


def test_an_ordinary_header_tells_profile_level_size_and_color() -> None:
    assert read() == SequenceHeader(profile=0, level=8, tier=0, width=1280, height=721, color=ORDINARY)


@pytest.mark.parametrize(
    ("points", "level_and_tier"),
    [
        pytest.param(((0, 1), (0, 1), (0, 5), (0, 12), (7, 5)), (7, 0), id="a level without tiers"),
        pytest.param(((0, 1), (0, 1), (0, 5), (0xFFF, 12), (31, 5), (1, 1)), (31, 1), id="the high tier"),
        pytest.param(
            ((0, 1), (0, 1), (1, 5), (3, 12), (9, 5), (1, 1), (1, 12), (5, 5)), (9, 1), id="two operating points"
        ),
        pytest.param(((0, 1), (1, 1), (0, 5), (0, 12), (5, 5), (0, 1)), (5, 0), id="no display delay of this point"),
        pytest.param(((0, 1), (1, 1), (0, 5), (0, 12), (5, 5), (1, 1), (9, 4)), (5, 0), id="a display delay"),
        pytest.param(((1, 1), *_TICKS, (0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (5, 5)), (5, 0), id="timing info"),
        pytest.param(
            ((1, 1), *_TICKS, (1, 1), (0, 2), (0b101, 3), (0, 1), (0, 1), (0, 5), (0, 12), (5, 5)),
            (5, 0),
            id="equal intervals",
        ),
        pytest.param(
            ((1, 1), *_TICKS, (1, 1), (0, 32), (1, 1), (0, 1), (0, 1), (0, 5), (0, 12), (5, 5)),
            (5, 0),
            id="equal intervals of the greatest length",
        ),
        pytest.param(
            ((1, 1), *_TICKS, (0, 1), (1, 1), (9, 5), (1, 32), (3, 5), (4, 5), (0, 1), (0, 5), (0, 12), (5, 5), (0, 1)),
            (5, 0),
            id="a decoder model, not of this point",
        ),
        pytest.param(
            (
                *((1, 1), *_TICKS, (0, 1), (1, 1), (9, 5), (1, 32), (3, 5), (4, 5)),
                *((0, 1), (0, 5), (0, 12), (5, 5), (1, 1), (77, 10), (88, 10), (1, 1)),
            ),
            (5, 0),
            id="a decoder model of this point",
        ),
    ],
)
def test_level_and_tier_are_those_of_the_first_operating_point(points: Fields, level_and_tier: tuple[int, int]) -> None:
    header = read(points=points)
    assert (header.level, header.tier) == level_and_tier
    assert (header.width, header.height, header.color) == (1280, 721, ORDINARY)


@pytest.mark.parametrize(
    "tools",
    [
        pytest.param(((1, 1), (13, 4), (2, 3), *TOOLS[1:]), id="frame ids"),
        pytest.param(((0, 1), (0, 3), (0, 4), (0, 1), (1, 1), (1, 1), (0, 3)), id="no order hints"),
        pytest.param((*TOOLS[:5], (0, 2), (6, 3), (0, 3)), id="never screen content"),
        pytest.param((*TOOLS[:5], (0b01, 2), (1, 1), (6, 3), (0, 3)), id="always screen content"),
        pytest.param((*TOOLS[:5], (1, 1), (0b01, 2), (6, 3), (0, 3)), id="always integer vectors"),
    ],
)
def test_whatever_tools_are_used_the_color_is_found(tools: Fields) -> None:
    assert read(tools=tools).color == ORDINARY


@pytest.mark.parametrize(
    ("profile", "color", "told"),
    [
        pytest.param(0, ((1, 1), (0, 1), (0, 1), (1, 1), (3, 2)), ColorConfig(1, 0, 0, 1, 1, 3), id="10 bits"),
        pytest.param(0, ((0, 1), (1, 1), (0, 1), (1, 1)), ColorConfig(0, 0, 1, 1, 1), id="no color"),
        pytest.param(
            0,
            (*COLOR[:2], (1, 1), (1, 8), (13, 8), (1, 8), (0, 1), (1, 2)),
            ColorConfig(0, 0, 0, 1, 1, 1),
            id="described",
        ),
        pytest.param(1, ((0, 1), (0, 1), (1, 1)), ColorConfig(0, 0, 0, 0, 0), id="4:4:4"),
        pytest.param(1, ((1, 1), (1, 1), (1, 8), (13, 8), (0, 8)), ColorConfig(1, 0, 0, 0, 0), id="RGB"),
        pytest.param(2, ((0, 1), (0, 1), (0, 1), (0, 1)), ColorConfig(0, 0, 0, 1, 0), id="4:2:2"),
        pytest.param(2, ((1, 1), (0, 1), (0, 1), (0, 1), (0, 1)), ColorConfig(1, 0, 0, 1, 0), id="4:2:2 of 10 bits"),
        pytest.param(2, ((1, 1), (1, 1), (0, 1), (0, 1), (0, 1), (0, 1)), ColorConfig(1, 1, 0, 0, 0), id="12 bits"),
        pytest.param(
            2, ((1, 1), (1, 1), (0, 1), (0, 1), (0, 1), (0b10, 2)), ColorConfig(1, 1, 0, 1, 0), id="4:2:2 of 12 bits"
        ),
        pytest.param(
            2,
            ((1, 1), (1, 1), (0, 1), (0, 1), (0, 1), (0b11, 2), (1, 2)),
            ColorConfig(1, 1, 0, 1, 1, 1),
            id="4:2:0 of 12 bits",
        ),
    ],
)
def test_the_color_of_each_profile_is_told(profile: int, color: Fields, told: ColorConfig) -> None:
    header = read(profile=profile, color=color)
    assert (header.profile, header.color) == (profile, told)


def test_a_size_may_have_as_few_bits_as_it_needs() -> None:
    header = bits((0, 5), *PLAIN, (8, 4), (0, 4), (320, 9), (1, 1), *TOOLS, *COLOR)
    assert read_sequence_header(header) == SequenceHeader(0, 8, 0, 321, 2, ORDINARY)


def test_a_still_picture_is_no_video() -> None:
    assert read_sequence_header(b"\x18" + bytes(40)) is None


@given(st.integers(0, 11))
def test_a_header_that_is_cut_off_tells_nothing(length: int) -> None:
    assert read_sequence_header(sequence_header()[:length]) is None


@pytest.mark.parametrize(
    ("header", "written"),
    [
        (SequenceHeader(0, 8, 0, 1, 1, ORDINARY), "81 08 0e 00"),
        (SequenceHeader(2, 31, 1, 1, 1, ColorConfig(1, 1, 0, 1, 0)), "81 5f e8 00"),
        (SequenceHeader(0, 0, 0, 1, 1, ColorConfig(0, 0, 1, 1, 1)), "81 00 1c 00"),
    ],
)
def test_decoders_are_told_the_same_and_the_header_itself(header: SequenceHeader, written: str) -> None:
    assert configuration(header, b"obu") == bytes.fromhex(written) + b"obu"
