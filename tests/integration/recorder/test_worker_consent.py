"""A yes that ends by itself: what is sent after that is in no file until its participant says yes again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.recorder.wall_clock import now_ns
from shared.contracts.consent import ConsentCleared
from tests.integration.recorder.talking import among, finished, talking
from tests.support.studio import Studio, now, studio


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    """A room that clears consent, as rooms do unless told otherwise."""
    async with studio(tmp_path, ffmpeg) as one:
        one.begins("clear")
        one.arrives("ann")
        yield one


@pytest.fixture
async def keeping(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path, ffmpeg) as one:
        one.begins("keep")
        one.arrives("ann")
        yield one


# --- leaving and coming back


async def test_who_comes_back_is_in_the_same_file_again_once_they_say_yes(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with talking(opened) as ann:
        before = await ann.both()
    room.leaves("ann")
    room.joins("ann")
    with talking(await room.opens_source("ann")) as ann:
        meanwhile = await ann.both()
        room.consents("ann")
        after = await ann.both()
    await room.stops("ann")
    packets = await finished(room, "ann")
    assert [all(among(packets, sent)) for sent in (*before, *after)] == [True] * 4
    assert [any(among(packets, sent)) for sent in meanwhile] == [False] * 2
    assert room.files() == ["ann/timeline.json", "ann/webm"]


async def test_where_consent_is_kept_who_comes_back_is_in_the_file_at_once(keeping: Studio) -> None:
    await keeping.records("ann")
    keeping.leaves("ann")
    keeping.joins("ann")
    with talking(await keeping.opens_source("ann")) as ann:
        sounds, pictures = await ann.both()
    await keeping.stops("ann")
    assert all(among(await finished(keeping, "ann"), sounds + pictures))


async def test_who_comes_in_by_another_connection_has_to_say_yes_again_and_keeps_the_source(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with talking(opened) as ann:
        before = await ann.both()
        replaced = now()
        room.leaves("ann", replaced, "replaced")
        room.joins("ann", replaced)
        meanwhile = await ann.both()
        room.consents("ann")
        after = await ann.both()
    await room.stops("ann")
    packets = await finished(room, "ann")
    assert [all(among(packets, sent)) for sent in (*before, *after)] == [True] * 4
    assert [any(among(packets, sent)) for sent in meanwhile] == [False] * 2


async def test_where_consent_is_kept_another_connection_changes_nothing(keeping: Studio) -> None:
    opened = await keeping.opens_source("ann")
    await keeping.records("ann")
    with talking(opened) as ann:
        before = await ann.sounds()
        replaced = now()
        keeping.leaves("ann", replaced, "replaced")
        keeping.joins("ann", replaced)
        after = await ann.sounds()
    await keeping.stops("ann")
    assert all(among(await finished(keeping, "ann"), before + after))


# --- a second recording


async def test_a_second_recording_needs_another_yes(room: Studio) -> None:
    """Even if its file was asked for before that."""
    opened = await room.opens_source("ann")
    await room.records("ann")
    with talking(opened) as ann:
        first = await ann.sounds()
        room.stops_recording()
        await room.stops("ann")
        assert all(among(await finished(room, "ann"), first))
        await room.records("ann", 2)
        without = await ann.both()
        room.consents("ann")
        second = await ann.both()
    await room.stops("ann", 2)
    packets = await finished(room, "ann", 2)
    assert [any(among(packets, sent)) for sent in without] == [False] * 2
    assert [all(among(packets, sent)) for sent in second] == [True] * 2


async def test_where_consent_is_kept_a_second_recording_needs_no_other_yes(keeping: Studio) -> None:
    opened = await keeping.opens_source("ann")
    await keeping.records("ann")
    with talking(opened) as ann:
        await ann.sounds(2)
        keeping.stops_recording()
        await keeping.stops("ann")
        await finished(keeping, "ann")
        await keeping.records("ann", 2)
        sounds, pictures = await ann.both()
    await keeping.stops("ann", 2)
    assert all(among(await finished(keeping, "ann", 2), sounds + pictures))


async def test_a_yes_that_was_said_after_the_stop_counts_although_it_was_heard_of_before(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with talking(opened) as ann:
        await ann.sounds(2)
        stopped = now()
        room.consents("ann", stopped + timedelta(milliseconds=1))
        room.stops_recording(stopped)
        await room.stops("ann")
        await finished(room, "ann")
        await room.records("ann", 2)
        sounds = await ann.sounds()
        room.worker.apply(cleared(stopped))
        later = await ann.sounds()
    await room.stops("ann", 2)
    assert all(among(await finished(room, "ann", 2), sounds + later))


# --- words that are late


async def test_a_withdrawal_of_before_the_stop_counts_although_it_is_heard_of_after_it(
    ffmpeg: Path, tmp_path: Path
) -> None:
    async with studio(tmp_path, ffmpeg, watermark=False) as room:
        room.arrives("ann")
        opened = await room.opens_source("ann")
        await room.records("ann")
        with talking(opened) as ann:
            permitted = await ann.sounds()
            room.worker.watermark.raise_to(now_ns() - 1000)
            withdrawn = now()
            refused = await ann.sounds()
        room.stops_recording()
        room.withdraws("ann", withdrawn)
        await room.stops("ann")
        room.worker.watermark.raise_to(2 * 10**18)
        packets = await finished(room, "ann")
        assert all(among(packets, permitted))
        assert not any(among(packets, refused))


def cleared(at: datetime) -> ConsentCleared:
    """Return what the consent service writes down a little after the stop."""
    about = {"room_id": "r", "session_id": "s", "participant_id": "ann"}
    return ConsentCleared(at=at, **about, reason="recording_stopped")
