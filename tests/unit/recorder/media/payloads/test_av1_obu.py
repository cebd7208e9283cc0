"""AV1's open bitstream units: what is written is read again, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.payloads.av1_obu import Obu, leb128, read_leb128, read_obu, read_obus

any_obu = st.builds(Obu, st.integers(0, 15), st.sampled_from([b"", b"\x20"]), st.binary(max_size=300))


@pytest.mark.parametrize(
    ("element", "obu"),
    [
        pytest.param("30 aabb", Obu(6, b"", b"\xaa\xbb"), id="without its size"),
        pytest.param("32 02 aabb", Obu(6, b"", b"\xaa\xbb"), id="with its size"),
        pytest.param("32 01 aabb", Obu(6, b"", b"\xaa"), id="with a size, and more behind it"),
        pytest.param("32 8200 aabb", Obu(6, b"", b"\xaa\xbb"), id="with a size in more bytes than it needs"),
        pytest.param("34 28 aabb", Obu(6, b"\x28", b"\xaa\xbb"), id="with its layers"),
        pytest.param("36 28 01 aa", Obu(6, b"\x28", b"\xaa"), id="with its layers and size"),
        pytest.param("79", Obu(15, b"", b""), id="of nothing, with the reserved bit"),
    ],
)
def test_an_obu_is_read_with_its_size_or_without(element: str, obu: Obu) -> None:
    assert read_obu(bytes.fromhex(element)) == obu


@pytest.mark.parametrize(
    "element",
    [
        pytest.param("", id="nothing"),
        pytest.param("b0 aa", id="the forbidden bit"),
        pytest.param("34", id="no layers"),
        pytest.param("32", id="no size"),
        pytest.param("32 80", id="half a size"),
        pytest.param("32 03 aabb", id="less than its size"),
        pytest.param("32 808080808080808000", id="a size of nine bytes"),
    ],
)
def test_a_malformed_obu_is_none(element: str) -> None:
    assert read_obu(bytes.fromhex(element)) is None


def test_an_obu_is_written_with_its_size() -> None:
    assert Obu(6, b"", b"\xaa").with_size() == bytes.fromhex("32 01 aa")
    assert Obu(1, b"\x28", bytes(128)).with_size() == bytes.fromhex("0e 28 8001") + bytes(128)


@given(st.lists(any_obu, max_size=5))
def test_obus_that_follow_one_another_are_read_again(obus: list[Obu]) -> None:
    assert read_obus(b"".join(obu.with_size() for obu in obus)) == obus


def test_of_obus_of_which_one_is_malformed_none_is_read() -> None:
    assert read_obus(bytes.fromhex("3201aa 3202aa")) == []


@pytest.mark.parametrize(
    ("value", "written"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (1 << 55, "8080808080808040")]
)
def test_numbers_have_seven_bits_in_each_byte(value: int, written: str) -> None:
    assert leb128(value) == bytes.fromhex(written)
    assert read_leb128(b"x" + leb128(value) + b"y", 1) == (value, 1 + len(leb128(value)))
