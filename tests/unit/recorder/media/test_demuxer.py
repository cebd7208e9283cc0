"""What was muxed is demuxed again: whole, in pieces, and cut off anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.demuxer import Demuxer
from services.recorder.media.frame import NS_PER_MS, Block, Kind, PictureFormat
from services.recorder.media.muxer import MatroskaMuxer

_MUXER = MatroskaMuxer(PictureFormat("vp8", 640, 480))
_KINDS: st.SearchStrategy[Kind] = st.sampled_from(("audio", "video"))


@st.composite
def _blocks(draw: st.DrawFn) -> list[Block]:
    """Make blocks in order, whose times are whole ms, as they are in a file."""
    steps = draw(st.lists(st.integers(0, 40_000), max_size=20))
    times = [sum(steps[: number + 1]) * NS_PER_MS for number in range(len(steps))]
    return [
        Block(draw(_KINDS), time_ns, draw(st.booleans()), draw(st.binary(min_size=1, max_size=40))) for time_ns in times
    ]


def _muxed(blocks: list[Block]) -> bytes:
    return _MUXER.header() + _MUXER.cluster(blocks)


@given(_blocks(), st.integers(1, 200))
def test_what_was_muxed_is_demuxed_in_pieces_of_any_size(blocks: list[Block], size: int) -> None:
    data, demuxer = _muxed(blocks), Demuxer()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [block for piece in pieces for block in demuxer.take(piece)] == blocks


@given(_blocks(), st.data())
def test_of_a_file_that_is_cut_off_anywhere_what_is_whole_is_there(blocks: list[Block], data: st.DataObject) -> None:
    whole = _muxed(blocks)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    found = Demuxer().take(cut)
    assert found == blocks[: len(found)]


@given(_blocks(), st.integers(1, 1000))
def test_zeros_at_the_end_are_nothing(blocks: list[Block], zeros: int) -> None:
    demuxer = Demuxer()
    assert demuxer.take(_muxed(blocks) + bytes(zeros)) + demuxer.take(bytes(zeros)) == blocks


def test_a_block_in_a_group_is_read_and_is_no_keyframe_if_it_refers_to_another() -> None:
    """As ffmpeg writes blocks that have more to tell than a simple one can (RFC 9559 section 5.1.3.5)."""
    cluster = bytes.fromhex("1f43b675 01ffffffffffffff e7 81 0a".replace(" ", ""))
    group = bytes.fromhex("a0 8a a1 85 81 0005 00 aa fb 81 01".replace(" ", ""))
    plain = bytes.fromhex("a0 87 a1 85 82 0007 00 bb".replace(" ", ""))
    assert Demuxer().take(cluster + group + plain) == [
        Block("video", 15 * NS_PER_MS, keyframe=False, data=b"\xaa"),
        Block("audio", 17 * NS_PER_MS, keyframe=True, data=b"\xbb"),
    ]


def test_what_says_that_it_is_larger_than_anything_is_not_waited_for() -> None:
    demuxer = Demuxer()
    assert demuxer.take(bytes.fromhex("a3087fffffffff")) == []
    assert demuxer.take(_muxed([Block("audio", 0, keyframe=True, data=b"x")])) == []
