"""What the file looks like: its size, its beginning, its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.recorder.media.frame import NS_PER_MS, PictureFormat
from services.recorder.media.hold_back import SETTLE_NS
from services.recorder.media.probe import decode_errors, probe, remux
from services.recorder.media.webm_writer import CLUSTER_TIME_LIMIT_MS
from tests.support.film import START_NS, Film, delta, end_ms, keyframe, on_disk, recorded, silences, sound, times


@pytest.fixture
def permitted(film: Film) -> Film:
    film.say(-1000, holds=True)
    return film


async def test_the_size_of_the_first_picture_becomes_the_files(permitted: Film, ffmpeg: Path) -> None:
    small, large = keyframe(0, size=(320, 180)), keyframe(500, size=(1280, 720))
    permitted.send(small, large)
    packets = await permitted.end(1000)
    found = await probe(ffmpeg, permitted.path)
    assert (found.width, found.height) == (320, 180)
    assert recorded(packets, small, large) == [True, True], "a change of size does not split the file"


async def test_black_has_the_size_of_the_picture_before_it(permitted: Film) -> None:
    permitted.say(700, holds=False)
    permitted.send(keyframe(0, size=(320, 180)), keyframe(500, size=(1280, 720)))
    packets = await permitted.end(1000)
    assert times(packets, await permitted.black(1280, 720)) == [700, 980]
    assert times(packets, await permitted.black(320, 180)) == []


async def test_a_picture_that_is_not_permitted_does_not_tell_its_size(film: Film, ffmpeg: Path) -> None:
    film.send(keyframe(0, size=(320, 180)))
    await film.end(1000)
    found = await probe(ffmpeg, film.path)
    assert (found.width, found.height) == (640, 480)


async def test_the_header_waits_a_second_for_the_first_picture(permitted: Film, ffmpeg: Path) -> None:
    await permitted.known_until(999)
    permitted.send(sound(0), keyframe(950, arrival_ms=1000, size=(320, 180)))
    await permitted.known_until(1000)
    packets = await permitted.end(1500)
    found = await probe(ffmpeg, permitted.path)
    assert (found.width, found.height) == (320, 180)
    assert times(packets, await permitted.black(320, 180)) == [0, 500]


async def test_without_any_picture_there_is_black_of_640_by_480_and_all_the_sound(
    permitted: Film, ffmpeg: Path
) -> None:
    sounds = [sound(at) for at in range(0, 3000, 20)]
    permitted.send(*sounds)
    await permitted.known_until(1000)
    packets = await permitted.end(3000)
    assert times(packets, await permitted.black()) == [*range(0, 3000, 500), 2980]
    assert [packet.data for packet in packets if packet.kind == "audio"] == [each.frame.data for each in sounds]
    assert (await probe(ffmpeg, permitted.path)).width == 640


async def test_sound_without_a_picture_is_not_kept_from_the_disk_for_long(permitted: Film) -> None:
    """ffmpeg keeps it to itself until a picture comes that is later: black, which was last due at 4500."""
    permitted.send(*(sound(at) for at in range(0, 5000, 20)))
    await permitted.known_until(4600 + SETTLE_NS // NS_PER_MS)
    await on_disk(permitted.path, 4500 - CLUSTER_TIME_LIMIT_MS - 20)


async def test_without_any_media_there_is_black_and_silence_to_the_end(permitted: Film, ffmpeg: Path) -> None:
    for at in range(0, 2000, 100):
        await permitted.known_until(at)
    packets = await permitted.end(2000)
    assert times(packets, await permitted.black()) == [0, 500, 1000, 1500, 1980]
    assert silences(packets) == list(range(0, 2000, 20))
    assert await decode_errors(ffmpeg, permitted.path) == ""


async def test_frames_from_before_the_beginning_are_left_out(permitted: Film) -> None:
    before, first = keyframe(-1, arrival_ms=5), keyframe(0)
    permitted.send(before, first)
    packets = await permitted.end(500)
    assert recorded(packets, before, first) == [False, True]
    assert [packet.time_ms for packet in packets if packet.kind == "video"] == [0]


@pytest.mark.parametrize("end", [1000, 1007, 1013, 1019])
async def test_frames_after_the_end_are_left_out_and_the_file_lasts_until_there(permitted: Film, end: int) -> None:
    sounds = [sound(at) for at in range(0, 2000, 20)]
    pictures = [keyframe(0), *(delta(at) for at in range(33, 2000, 33))]
    permitted.send(*sorted([*sounds, *pictures], key=lambda frame: frame.frame.arrival_ns))
    packets = await permitted.end(end)
    assert recorded(packets, *sounds) == [at < end for at in range(0, 2000, 20)]
    assert recorded(packets, *pictures) == [at < end for at in range(0, 2000, 33)]
    assert abs(end_ms(packets) - end) <= 40


async def test_what_is_said_after_the_end_does_not_make_the_file_longer(permitted: Film) -> None:
    permitted.say(1100, holds=False)
    caught = delta(990, arrival_ms=1150)
    permitted.send(keyframe(0), delta(500), caught)
    packets = await permitted.end(1000)
    assert recorded(packets, caught) == [False]
    assert max(packet.time_ms for packet in packets) <= 990


async def test_a_file_is_complete_when_its_last_frame_must_have_come(permitted: Film) -> None:
    start = START_NS
    assert not permitted.pipeline.is_complete(start + 10**12)
    permitted.pipeline.end_at(start + 10**9)
    assert not permitted.pipeline.is_complete(start + 10**9 + SETTLE_NS - 1)
    assert permitted.pipeline.is_complete(start + 10**9 + SETTLE_NS)


async def test_a_file_that_ends_before_it_begins_is_one_black_picture(permitted: Film, ffmpeg: Path) -> None:
    permitted.send(keyframe(0), sound(0))
    packets = await permitted.end(-5000)
    assert [(packet.time_ms, packet.data) for packet in packets] == [(0, await permitted.black())]
    done = permitted.path.with_name("done.webm")
    await remux(ffmpeg, permitted.path, done)
    found = await probe(ffmpeg, done)
    assert (found.video_codec, found.audio_codec, found.video_frames) == ("vp8", "opus", 1)
    assert found.starts_with_keyframe
    assert found.monotonic


async def test_a_sender_that_changes_its_size_all_the_time_has_no_black_encoded_that_is_not_due(
    permitted: Film,
) -> None:
    """Seen to fail: each size that was permitted was an ffmpeg run of its own."""
    sizes = [(320 + 2 * step, 180) for step in range(60)]
    pictures = [keyframe(33 * at, size=size) for at, size in enumerate(sizes)]
    permitted.send(*pictures)
    packets = await permitted.end(2000)
    assert recorded(packets, *pictures) == [True] * 60
    assert [permitted.pictures.known(PictureFormat("vp8", *size)) for size in sizes] == [None] * 60


async def test_when_such_a_picture_stops_black_of_its_last_size_is_there(permitted: Film) -> None:
    permitted.say(1000, holds=False)
    permitted.send(*(keyframe(33 * at, size=(320 + 2 * at, 180)) for at in range(31)))
    packets = await permitted.end(2500)
    assert times(packets, await permitted.black(380, 180)) == [1000, 1500, 2000, 2480]
