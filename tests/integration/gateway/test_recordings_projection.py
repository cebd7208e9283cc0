"""What is kept of participant recordings and merges, in Postgres, and what is read of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.projections.kept_recordings import Delivery, KeptRecording
from services.gateway.projections.recordings import RECORDINGS
from services.gateway.projections.recordings_read import Recordings, WhichMerges, WhichRecordings
from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergedFile,
    MergeFailed,
    MergeProgressed,
    MergeRequested,
)
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingFailed,
    ParticipantRecordingPaused,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    RecordingKind,
    TrackFileFinished,
    TrackRecordingStopped,
)
from shared.contracts.room import ParticipantJoined
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.freshness import ProjectionMissingError
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.projections.keeping import keeping, say
from tests.support.events import append, sequence_all
from tests.support.moments import at
from tests.support.recorded import merged, posted, recorded, recorded_file

_ALL: tuple[RecordingKind, ...] = ("audio_video", "audio", "video")


@pytest.fixture
async def recordings(database: asyncpg.Pool, store: PostgresEventStore) -> AsyncIterator[Recordings]:
    async with keeping(RECORDINGS, store, database):
        yield Recordings(database)


async def tell(store: PostgresEventStore, event: Event) -> UUID:
    """Write an event down and return its id."""
    new = encode(event, Context.begin("service:test"))
    await append(store, event.stream, [new])
    await sequence_all(store)
    return new.id


async def one(recordings: Recordings, recording_id: str = "one") -> KeptRecording:
    found = await recordings.recording(recording_id)
    assert found is not None
    return found


# --- one recording


async def test_a_recording_is_what_happened_to_it(recordings: Recordings, store: PostgresEventStore) -> None:
    file = recorded_file()
    await say(store, recorded(ParticipantRecordingRequested, recording_id="rec", storage_prefix="team/calls"))
    requested = await one(recordings)
    assert requested == KeptRecording(
        id="one",
        position=1,
        room_id="r",
        session_id="s",
        participant_id="ann",
        kind="audio_video",
        recording_id="rec",
        state="requested",
        storage_prefix="team/calls",
    )
    await say(store, recorded(ParticipantRecordingStarted, second=1))
    running = await one(recordings)
    assert (running.state, running.started_at, running.ended_at) == ("started", at(1), None)
    await say(store, recorded(ParticipantRecordingPaused, second=2))
    assert await one(recordings) == running
    await say(store, recorded(ParticipantRecordingStopRequested, second=9))
    assert (await one(recordings)).state == "stopping"
    await say(store, recorded(ParticipantRecordingStopped, second=10, file=file))
    stopped = await one(recordings)
    assert (stopped.state, stopped.ended_at, stopped.files) == ("stopped", at(10), (file,))
    await say(store, recorded(ParticipantRecordingDeleted, second=20), recorded(ParticipantRecordingErased, second=21))
    assert (await one(recordings)).state == "deleted"


async def test_who_was_awaited_keeps_their_place_and_folder(recordings: Recordings, store: PostgresEventStore) -> None:
    await say(store, recorded(ParticipantRecordingAwaited, storage_prefix="team"))
    assert (await one(recordings)).state == "awaited"
    await say(store, recorded(ParticipantRecordingRequested, second=3, awaited=True, storage_prefix="team"))
    found = await one(recordings)
    assert (found.state, found.position, found.storage_prefix, found.recording_id) == ("requested", 1, "team", None)
    await say(store, recorded(ParticipantRecordingFailed, second=5, reason="participant did not come"))
    found = await one(recordings)
    assert (found.state, found.started_at, found.ended_at, found.reason) == (
        "failed",
        None,
        at(5),
        "participant did not come",
    )


async def test_a_track_has_a_file_for_each_stretch(recordings: Recordings, store: PostgresEventStore) -> None:
    files = recorded_file("s/ann/audio/1.webm"), recorded_file("s/ann/audio/2.webm")
    await say(store, recorded(ParticipantRecordingRequested, kind="audio"))
    await say(store, *(recorded(TrackFileFinished, kind="audio", file=file) for file in files))
    assert (await one(recordings)).files == files
    await say(store, recorded(TrackRecordingStopped, second=9, kind="audio"))
    found = await one(recordings)
    assert (found.state, found.ended_at, found.files) == ("stopped", at(9), files)


async def test_a_recording_has_the_name_by_which_its_participant_last_joined(
    recordings: Recordings, store: PostgresEventStore
) -> None:
    await say(store, recorded(ParticipantRecordingRequested), recorded(ParticipantRecordingRequested, "two", who="bob"))
    for name, session in (("Ann", "s"), ("Ann B.", "s"), ("Other", "another")):
        await say(
            store,
            ParticipantJoined(
                at=at(), room_id="r", session_id=session, participant_id="ann", display_name=name, role="user"
            ),
        )
    assert (await one(recordings)).participant_name == "Ann B."
    assert (await one(recordings, "two")).participant_name is None


async def test_what_is_not_known_is_not_there(recordings: Recordings, store: PostgresEventStore) -> None:
    await say(store, recorded(ParticipantRecordingStarted))
    assert await recordings.recording("one") is None
    assert await recordings.merge("m") is None


async def test_without_a_projection_nothing_is_said(database: asyncpg.Pool, store: PostgresEventStore) -> None:
    with pytest.raises(ProjectionMissingError):
        await Recordings(database).recording("one")


# --- lists


async def test_lists_have_the_newest_first_and_neither_refused_nor_deleted_ones(
    recordings: Recordings, store: PostgresEventStore
) -> None:
    for each in ("one", "two", "three"):
        await say(store, recorded(ParticipantRecordingRequested, each))
    await say(store, recorded(ParticipantRecordingRefused, "four"), recorded(ParticipantRecordingDeleted, "two"))
    found = await recordings.recordings(WhichRecordings(kinds=_ALL), 10, 0)
    assert ([each.id for each in found.items], found.total) == (["three", "one"], 2)
    assert sorted(each.id for each in await recordings.named(["four", "two", "one", "none"])) == ["four", "one", "two"]
    assert not (await one(recordings, "two")).is_shown
    assert not (await one(recordings, "four")).is_shown


@pytest.fixture
async def many(recordings: Recordings, store: PostgresEventStore) -> Recordings:
    kinds: list[RecordingKind] = ["audio_video", "audio", "video"]
    for n in range(12):
        event = recorded(
            ParticipantRecordingRequested,
            f"n{n:02}",
            who="ab"[n % 2],
            room="rq"[n // 6],
            session="stuv"[n // 3],
            kind=kinds[n % 3],
        )
        await say(store, event)
    return recordings


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.builds(
        WhichRecordings,
        kinds=st.sampled_from([_ALL, ("audio_video",), ("audio", "video")]),
        room_id=st.sampled_from([None, "r", "q", "x"]),
        session_id=st.sampled_from([None, "s", "v"]),
        participant_id=st.sampled_from([None, "a", "b"]),
    ),
    size=st.integers(1, 13),
)
async def test_pages_together_are_all_that_was_looked_for(many: Recordings, which: WhichRecordings, size: int) -> None:
    everything = (await many.recordings(WhichRecordings(kinds=_ALL), 100, 0)).items
    assert [each.id for each in everything] == [f"n{n:02}" for n in reversed(range(12))]
    expected = [
        each
        for each in everything
        if each.kind in which.kinds
        and which.room_id in {None, each.room_id}
        and which.session_id in {None, each.session_id}
        and which.participant_id in {None, each.participant_id}
    ]
    pages = [await many.recordings(which, size, offset) for offset in range(0, 13, size)]
    assert [each for page in pages for each in page.items] == expected
    assert {page.total for page in pages} == {len(expected)}
    assert all(len(page.items) <= size for page in pages)


# --- webhooks


async def test_the_summary_has_each_webhook_once_and_whether_it_was_delivered_in_the_end(
    recordings: Recordings, store: PostgresEventStore
) -> None:
    requested = await tell(store, recorded(ParticipantRecordingRequested))
    started = await tell(store, recorded(ParticipantRecordingStarted))
    other = "https://other.example/"
    await say(store, posted(started, "participant-recording-started", delivered=False))
    await say(store, posted(requested, "participant-recording-starting", delivered=False))
    assert (await one(recordings)).deliveries == (
        Delivery("participant-recording-starting", delivered=False),
        Delivery("participant-recording-started", delivered=False),
    )
    await say(store, posted(requested, "participant-recording-starting", delivered=True))
    # Resent, and refused this time: it had been delivered.
    await say(store, posted(requested, "participant-recording-starting", delivered=False))
    await say(store, posted(started, "participant-recording-started", delivered=True, url=other))
    assert (await one(recordings)).deliveries == (
        Delivery("participant-recording-starting", delivered=True),
        Delivery("participant-recording-started", delivered=True),
        Delivery("participant-recording-started", delivered=False),
    )
    assert (await recordings.recordings(WhichRecordings(kinds=_ALL), 10, 0)).items[0] == await one(recordings)


async def test_webhooks_about_others_are_not_in_the_summary(recordings: Recordings, store: PostgresEventStore) -> None:
    await say(store, recorded(ParticipantRecordingRequested))
    two = await tell(store, recorded(ParticipantRecordingRequested, "two"))
    elsewhere = await tell(store, merged(MergeRequested))
    await say(store, posted(two, "participant-recording-starting", delivered=True))
    await say(store, posted(elsewhere, "composite-merge-started", delivered=True))
    await say(store, posted(UUID(int=7), "session-started", delivered=True))
    assert (await one(recordings)).deliveries == ()
    merge = await recordings.merge("m")
    assert merge is not None
    assert merge.deliveries == (Delivery("composite-merge-started", delivered=True),)


# --- merges


async def test_a_merge_is_what_happened_to_it(recordings: Recordings, store: PostgresEventStore) -> None:
    await say(store, merged(MergeRequested, storage_prefix="team"))
    pending = await recordings.merge("m")
    assert pending is not None
    assert (pending.state, pending.percent, pending.requested_at, pending.storage_prefix) == (
        "pending",
        0,
        at(),
        "team",
    )
    assert (pending.inputs[0].participant_id, pending.layout, pending.started_at) == ("ann", "stereo", None)
    await say(store, merged(MergeClaimed, second=1), merged(MergeClaimed, second=2), merged(MergeProgressed, second=3))
    running = await recordings.merge("m")
    assert running is not None
    assert (running.state, running.percent, running.started_at, running.file) == ("processing", 40, at(1), None)
    file = MergedFile(path="s/m.mp3", size_bytes=9, sha256="cd" * 32, duration_ms=3)
    await say(store, merged(MergeCompleted, second=4, file=file))
    done = await recordings.merge("m")
    assert done is not None
    assert (done.state, done.percent, done.ended_at, done.file) == ("completed", 100, at(4), file)


async def test_merges_are_found_by_what_they_are(recordings: Recordings, store: PostgresEventStore) -> None:
    await say(store, merged(MergeRequested, "failed"), merged(MergeFailed, "failed", 5))
    await say(store, merged(MergeRequested, "cancelled"), merged(MergeCancelled, "cancelled", 6))
    await say(store, merged(MergeRequested, "grid", room="q", session="t", layout="grid"))
    await say(store, merged(MergeRequested, "elsewhere", room="q", session="t"))

    async def ids(which: WhichMerges) -> list[str]:
        found = await recordings.merges(which, 10, 0)
        assert found.total == len(found.items)
        return [each.id for each in found.items]

    assert await ids(WhichMerges(layout="stereo")) == ["elsewhere", "cancelled", "failed"]
    assert await ids(WhichMerges(layout="grid")) == ["grid"]
    assert await ids(WhichMerges(layout="stereo", room_id="q")) == ["elsewhere"]
    assert await ids(WhichMerges(layout="stereo", session_id="s")) == ["cancelled", "failed"]
    assert await ids(WhichMerges(layout="stereo", merge_id="failed")) == ["failed"]
    assert await ids(WhichMerges(layout="stereo", states=("failed", "completed"))) == ["failed"]
    assert await ids(WhichMerges(layout="stereo", states=())) == []
    page = await recordings.merges(WhichMerges(layout="stereo"), 1, 1)
    assert ([each.id for each in page.items], page.total) == (["cancelled"], 3)
    failed = await recordings.merge("failed")
    assert failed is not None
    assert (failed.state, failed.reason, failed.ended_at) == ("failed", "no file", at(5))
