"""Media never outruns consent: what the pipeline lets into the file, and when."""

from __future__ import annotations

from services.recorder.media.frame import TimedFrame
from tests.support.film import Film, delta, keyframe, recorded, silences, sound, times


def second_of_video(begin_ms: int) -> list[TimedFrame]:
    """A keyframe and nine frames that build on it, 100 ms apart."""
    return [keyframe(begin_ms), *(delta(begin_ms + 100 * n) for n in range(1, 10))]


async def test_a_frame_is_held_back_until_everything_said_up_to_its_arrival_is_known(film: Film) -> None:
    film.say(-1000, holds=True)
    known, unknown = sound(100, arrival_ms=150), sound(200, arrival_ms=250)
    film.send(keyframe(0), known, unknown)
    await film.known_until(249)
    packets = await film.end(300, known_until_ms=249)
    assert recorded(packets, known, unknown) == [True, False]


async def test_a_withdrawal_that_is_heard_of_two_seconds_late_keeps_out_every_frame_since_it_was_said(
    film: Film,
) -> None:
    film.say(-1000, holds=True)
    pictures = [frame for second in range(3) for frame in second_of_video(second * 1000)]
    sounds = [sound(at) for at in range(0, 3000, 20)]
    film.send(*sorted([*pictures, *sounds], key=lambda frame: frame.frame.arrival_ns))
    await film.known_until(1000)  # a gateway has a word that is not in the log yet: the watermark stays
    film.say(1001, holds=False)
    await film.known_until(3000)
    packets = await film.end(3000)
    assert recorded(packets, *pictures) == [True] * 11 + [False] * 19
    assert recorded(packets, *sounds) == [True] * 51 + [False] * 99


async def test_from_the_moment_of_withdrawal_the_file_is_black_and_silent(film: Film) -> None:
    film.say(-1000, holds=True)
    film.say(1050, holds=False)
    film.send(
        *sorted(
            [*second_of_video(0), *second_of_video(1000), *(sound(at) for at in range(0, 2000, 20))],
            key=lambda frame: frame.frame.arrival_ns,
        )
    )
    packets = await film.end(2000)
    assert times(packets, await film.black()) == [1050, 1550, 1980]
    assert silences(packets) == list(range(1060, 2000, 20))


async def test_after_a_withdrawal_a_picture_begins_with_a_keyframe(film: Film) -> None:
    film.say(-1000, holds=True)
    film.say(500, holds=False)
    film.say(1500, holds=True)
    before, during, after = second_of_video(0), second_of_video(1000), second_of_video(2000)
    film.send(*before, *during, *after)
    packets = await film.end(3000)
    assert recorded(packets, *before) == [True] * 5 + [False] * 5
    assert recorded(packets, *during) == [False] * 10
    assert recorded(packets, *after) == [True] * 10


async def test_consent_given_again_continues_the_file_at_once(film: Film) -> None:
    """What is filled in lies behind what is written: it must not turn a picture black that came back in between."""
    film.say(-1000, holds=True)
    film.say(500, holds=False)
    film.say(2000, holds=True)
    again = second_of_video(2050)
    film.send(*second_of_video(0), *again)
    for at in range(0, 3200, 100):
        await film.known_until(at)
    packets = await film.end(3100)
    assert recorded(packets, *again) == [True] * 10
    assert times(packets, await film.black()) == [500, 1000, 1500, 2000]


async def test_a_keyframe_is_wanted_while_the_picture_is_black_and_not_when_it_is_there(film: Film) -> None:
    film.say(-1000, holds=True)
    assert film.pipeline.wants_keyframe
    film.send(keyframe(0))
    assert not film.pipeline.wants_keyframe
    await film.known_until(0)
    assert not film.pipeline.wants_keyframe
    film.say(100, holds=False)
    await film.known_until(700)
    assert film.pipeline.wants_keyframe


async def test_a_frame_that_was_captured_before_the_yes_is_left_out(film: Film) -> None:
    film.say(500, holds=True)
    early, late = sound(499, arrival_ms=600), sound(520, arrival_ms=620)
    film.send(early, late)
    assert recorded(await film.end(1000), early, late) == [False, True]
    assert film.pipeline.counters.refused == 1


async def test_a_frame_whose_first_packet_came_before_the_yes_is_left_out(film: Film) -> None:
    film.say(500, holds=True)
    begun = delta(510, first_arrival_ms=490, arrival_ms=520)
    film.send(keyframe(505), begun, after := delta(540))
    packets = await film.end(1000)
    assert recorded(packets, begun, after) == [False, False], "the last one builds on the one that was left out"


async def test_nothing_builds_on_a_frame_that_was_on_its_way_over_a_moment_of_no_consent(film: Film) -> None:
    film.say(-1000, holds=True)
    film.say(200, holds=False)
    film.say(205, holds=True)
    caught = delta(190, first_arrival_ms=195, arrival_ms=210)
    after = [delta(230), delta(260)]
    again = [keyframe(300), delta(330)]
    film.send(keyframe(0), caught, *after, *again)
    packets = await film.end(1000)
    assert recorded(packets, caught, *after) == [False] * 3
    assert recorded(packets, *again) == [True] * 2


async def test_nothing_builds_on_a_picture_from_before_a_withdrawal_that_no_frame_fell_into(film: Film) -> None:
    film.say(-1000, holds=True)
    film.say(150, holds=False)
    film.say(160, holds=True)
    before, after, again = [keyframe(0), delta(100)], delta(200), keyframe(300)
    film.send(*before, after, again)
    packets = await film.end(1000)
    assert recorded(packets, *before, after, again) == [True, True, False, True]
    assert times(packets, await film.black()) == [150]


async def test_consent_without_presence_is_not_enough(film: Film) -> None:
    film.say(-1000, holds=True)
    film.say(500, "presence", holds=False)
    here, gone = sound(400), sound(600)
    film.send(here, gone)
    assert recorded(await film.end(1000), here, gone) == [True, False]


async def test_without_any_watermark_nothing_that_was_sent_is_in_the_file(film: Film) -> None:
    film.say(-1000, holds=True)
    sent = [*second_of_video(0), sound(0)]
    film.send(*sent)
    packets = await film.end(1000, known_until_ms=-5000)
    assert recorded(packets, *sent) == [False] * 11
    assert times(packets, await film.black()) == [0, 500, 980]
    assert silences(packets) == list(range(0, 1000, 20))
