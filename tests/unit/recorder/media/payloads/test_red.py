"""Redundant audio: the primary sound passes, and lost ones come back where they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.frame import EncodedFrame
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.depacketizer import FrameCounters
from services.recorder.media.payloads.opus import OpusDepacketizer
from services.recorder.media.payloads.red import RedBlock, RedDepacketizer, parse_red
from services.recorder.media.rtp import RtpPacket
from tests.support import red
from tests.support.payloads import push_all

OPUS, RED = 111, 63
TICKS = 960


@pytest.fixture
def depacketizer() -> RedDepacketizer:
    return RedDepacketizer(OpusDepacketizer(), OPUS, RED)


def sound(number: int) -> bytes:
    """Make an Opus packet of 20 ms that no other one is like."""
    return b"\x78" + number.to_bytes(2, "big")


def received(
    number: int, payload: bytes, payload_type: int = RED, *, lost_before: int = 0, restarted: bool = False
) -> BufferedPacket:
    packet = RtpPacket(payload_type, number, number * TICKS, 1, marker=False, payload=payload)
    return BufferedPacket(packet, number, number * TICKS, 5, lost_before, restarted)


def redundant(number: int, *distances: int) -> bytes:
    """Make the payload of a packet that also holds the sounds of those so far before it."""
    blocks = (red.block(sound(number - distance), earlier=distance * TICKS) for distance in distances)
    return red.payload(*blocks, primary=sound(number))


def numbers(frames: list[EncodedFrame]) -> list[int]:
    """Tell whose sounds came, each at its time."""
    assert [frame.data for frame in frames] == [sound(frame.timestamp // TICKS) for frame in frames]
    return [frame.timestamp // TICKS for frame in frames]


def test_without_loss_the_primary_sounds_pass_once_each(depacketizer: RedDepacketizer) -> None:
    packets = [received(n, redundant(n, 2, 1)) for n in range(2, 6)]
    assert numbers(push_all(depacketizer, packets)) == [2, 3, 4, 5]
    assert depacketizer.counters == FrameCounters(frames=4)
    assert not depacketizer.needs_keyframe


def test_lost_sounds_come_back_with_the_next_packet_in_their_order(depacketizer: RedDepacketizer) -> None:
    packets = [received(2, redundant(2, 1)), received(5, redundant(5, 2, 1), lost_before=2)]
    assert numbers(push_all(depacketizer, packets)) == [2, 3, 4, 5]
    assert depacketizer.counters == FrameCounters(frames=4, repaired=2)


def test_a_sound_that_came_back_arrived_with_the_packet_that_brought_it(depacketizer: RedDepacketizer) -> None:
    _, back, _ = push_all(depacketizer, [received(2, redundant(2)), received(4, redundant(4, 1), lost_before=1)])
    assert (back.first_arrival_ns, back.arrival_ns, back.kind, back.timestamp) == (5, 5, "audio", 3 * TICKS)


def test_blocks_may_come_in_any_order(depacketizer: RedDepacketizer) -> None:
    packets = [received(2, redundant(2)), received(5, redundant(5, 1, 2, 1), lost_before=2)]
    assert numbers(push_all(depacketizer, packets)) == [2, 3, 4, 5]


def test_what_was_heard_already_does_not_come_again(depacketizer: RedDepacketizer) -> None:
    packets = [received(2, redundant(2)), received(4, redundant(4, 3, 2, 1), lost_before=1)]
    assert numbers(push_all(depacketizer, packets)) == [2, 3, 4]


def test_what_was_not_lost_does_not_come_back(depacketizer: RedDepacketizer) -> None:
    """A sender that is silent sends nothing; what it repeats then is no more than that."""
    packets = [received(2, redundant(2)), received(4, redundant(4, 1))]
    assert numbers(push_all(depacketizer, packets)) == [2, 4]


def test_before_the_first_sound_and_after_a_restart_nothing_comes_back(depacketizer: RedDepacketizer) -> None:
    assert numbers(depacketizer.push(received(5, redundant(5, 1), lost_before=1))) == [5]
    assert numbers(depacketizer.push(received(9, redundant(9, 1), lost_before=1, restarted=True))) == [9]


def test_a_packet_may_come_in_plain(depacketizer: RedDepacketizer) -> None:
    packets = [received(2, sound(2), OPUS), received(4, redundant(4, 1), lost_before=1), received(5, sound(5), OPUS)]
    assert numbers(push_all(depacketizer, packets)) == [2, 3, 4, 5]


def test_blocks_of_another_payload_type_are_left_out(depacketizer: RedDepacketizer) -> None:
    tone = red.block(b"tone", earlier=TICKS, payload_type=126)
    depacketizer.push(received(2, redundant(2)))
    assert numbers(depacketizer.push(received(4, red.payload(tone, primary=sound(4)), lost_before=1))) == [4]
    assert depacketizer.push(received(5, red.payload(primary=b"tone", payload_type=126))) == []
    assert depacketizer.counters == FrameCounters(frames=2)


def test_a_redundant_sound_that_is_malformed_is_dropped_by_itself(depacketizer: RedDepacketizer) -> None:
    depacketizer.push(received(2, redundant(2)))
    payload = red.payload(red.block(b"\x03", earlier=TICKS), primary=sound(4))
    assert numbers(depacketizer.push(received(4, payload, lost_before=1))) == [4]
    assert depacketizer.counters == FrameCounters(frames=2, dropped=1)


def test_a_payload_that_is_cut_off_is_dropped(depacketizer: RedDepacketizer) -> None:
    assert depacketizer.push(received(2, b"\xef\x0f")) == []
    assert depacketizer.counters == FrameCounters(dropped=1)


def test_a_bandwidth_probe_is_nothing(depacketizer: RedDepacketizer) -> None:
    assert depacketizer.push(received(2, b"")) == []
    assert depacketizer.counters == FrameCounters()


# --- its bytes


def test_each_block_tells_its_type_and_time() -> None:
    payload = bytes.fromhex("ef 0f0002 fe fffc01 6f") + b"aab" + b"primary"
    assert parse_red(payload) == [
        RedBlock(111, 960, b"aa"),
        RedBlock(126, 16_383, b"b"),
        RedBlock(111, 0, b"primary"),
    ]


def test_blocks_may_be_empty() -> None:
    assert parse_red(bytes.fromhex("ef000000 6f")) == [RedBlock(111, 0, b""), RedBlock(111, 0, b"")]


@pytest.mark.parametrize(
    "payload",
    ["", "ef", "ef0f00", "ef0f0002", "ef0f0002 6f61", "ef0f0001 ef0f0001 6f61"],
    ids=["nothing", "a byte", "half a header", "no primary header", "half a block", "one of two blocks"],
)
def test_what_is_cut_off_has_no_blocks(payload: str) -> None:
    assert parse_red(bytes.fromhex(payload)) is None


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 16_383), st.binary(max_size=1023)), max_size=5))
def test_what_was_written_is_read_again(blocks: list[tuple[int, int, bytes]]) -> None:
    written = (red.block(each, earlier=earlier, payload_type=kind) for kind, earlier, each in blocks)
    payload = red.payload(*written, primary=b"primary", payload_type=5)
    assert parse_red(payload) == [*(RedBlock(*block) for block in blocks), RedBlock(5, 0, b"primary")]
