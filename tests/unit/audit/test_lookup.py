"""Finding recordings in the log."""

from __future__ import annotations

import pytest

from services.audit.lookup import RecordingNotFoundError, examine, list_recordings, session_entries
from shared.eventsourcing.errors import MalformedEventError
from tests.support.events import append, new_event, sequence_all
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at
from tests.unit.audit.story import STORY, asked, log_of, recording_failed, requested


async def test_a_recording_is_found_by_its_id_with_the_position_up_to_which_the_log_was_read() -> None:
    found = await examine(await log_of(), "again")
    assert found.told.recording_id == "again"
    assert found.position == len(STORY) + 5
    assert found.told.positions == (6, len(STORY))


async def test_a_participant_recording_gives_the_timeline_of_its_participant_alone() -> None:
    found = await examine(await log_of(), "ann-file")
    assert found.told.recording_id == "rec"
    assert [one.participant_id for one in found.told.participants] == ["ann"]


@pytest.mark.parametrize("identifier", ["nope", "s", "ann", "", "re"])
async def test_an_id_of_no_recording_is_named_with_how_to_find_one(identifier: str) -> None:
    with pytest.raises(RecordingNotFoundError, match="`onrecord audit recordings` lists those it has") as refusal:
        await examine(await log_of(), identifier)
    assert repr(identifier) in str(refusal.value)
    assert refusal.value.recording_id == identifier


async def test_a_part_of_a_recording_that_was_never_asked_for_is_told_as_none() -> None:
    """Seen to fail without `if told is None`."""
    with pytest.raises(RecordingNotFoundError, match="'rec'"):
        await examine(await log_of((requested(1),)), "ann-file")


async def test_what_does_not_concern_the_session_is_not_decoded() -> None:
    """A broken event of another session harms nothing; one of this session does."""
    log = await log_of()
    await append(log, "consent-t:x", [new_event(b'{"session_id": "t"', event_type="consent.given.v1")])
    await sequence_all(log)
    await examine(log, "rec")
    await append(
        log, "consent-s:x", [new_event(b'{"session_id": "s", "recording_id": "rec"', event_type="consent.given.v1")]
    )
    await sequence_all(log)
    with pytest.raises(MalformedEventError):
        await session_entries(log, "s", await log.head())


async def test_recordings_are_listed_in_the_order_of_their_requests() -> None:
    first, second = await list_recordings(await log_of())
    assert (first.recording_id, first.room_id, first.session_id, first.requested_by) == ("rec", "r", "s", "mona")
    assert (first.requested_at, first.begin, first.end, first.failure) == (at(8), at(10), at(60), None)
    assert first.participants == ["ann", "bob"]
    assert (second.recording_id, second.begin, second.end, second.participants) == ("again", at(71), None, ["ann"])


async def test_a_recording_that_failed_is_listed_with_its_reason() -> None:
    (one,) = await list_recordings(await log_of((asked(1), recording_failed(6))))
    assert (one.begin, one.end, one.failure) == (None, at(6), "no worker answered")


async def test_an_empty_log_has_no_recordings() -> None:
    assert await list_recordings(InMemoryEventStore()) == []
