"""The outbox: who hears of what, whose turn it is, and that a rebuild is what was kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notifier.domain.webhook import WEBHOOK, ReportAttempt, RequestResend, Webhook
from services.notifier.projections import webhook_outbox_read as read_side
from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX
from services.notifier.projections.webhook_outbox_read import WebhookOutbox
from shared.contracts.merge import MergeClaimed, MergeCompleted, MergedFile, MergeInput, MergeRequested
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    TrackFileFinished,
    TrackRecordingStopped,
)
from shared.contracts.room import RoomCreated, SessionEnded, SessionStarted
from shared.contracts.webhook import webhook_id, webhook_stream
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.projection_builds import Build, advance, drop_build
from shared.eventsourcing.projection_runner import rebuild
from shared.eventsourcing.store import EventStore
from tests.support.derived import dump
from tests.support.events import append, sequence_all
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at
from tests.support.participant_recordings import FILE

ROOM_URL, CALL_URL = "https://room.example/hook", "https://call.example/hook"
URLS = (ROOM_URL, CALL_URL)
#: Later than any moment of these tests.
LATE = datetime(2040, 1, 1, tzinfo=UTC)


def about(recording: str = "a", room: str = "r") -> dict[str, Any]:
    return {
        "room_id": room,
        "session_id": f"s-{room}",
        "participant_id": "ann",
        "participant_recording_id": recording,
    }


def merge_about(merge: str) -> dict[str, Any]:
    return {"room_id": "r", "session_id": "s-r", "merge_id": merge, "set_id": "set"}


def requested(recording: str = "a", url: str | None = None, room: str = "r") -> ParticipantRecordingRequested:
    return ParticipantRecordingRequested(at=at(), **about(recording, room), webhook_url=url)


def started(recording: str = "a", room: str = "r") -> ParticipantRecordingStarted:
    return ParticipantRecordingStarted(at=at(1), **about(recording, room), worker_id="w")


def failed(recording: str = "a", room: str = "r") -> ParticipantRecordingFailed:
    return ParticipantRecordingFailed(at=at(2), **about(recording, room), reason="disk full")


def created(url: str | None = ROOM_URL, events: Sequence[str] = (), room: str = "r") -> RoomCreated:
    return RoomCreated(at=at(), room_id=room, webhook_url=url, webhook_events=tuple(events))


async def log_of(*events: Event) -> InMemoryEventStore:
    store = InMemoryEventStore()
    for event in events:
        await say(store, event)
    return store


async def say(store: EventStore, event: Event) -> UUID:
    new = encode(event, Context.begin("service:test"))
    await append(store, event.stream, [new])
    await sequence_all(store)
    return new.id


async def rows_of(pool: asyncpg.Pool, store: EventStore) -> list[asyncpg.Record]:
    await rebuild(WEBHOOK_OUTBOX, store, pool, lambda *_: None)
    rows: list[asyncpg.Record] = await pool.fetch("SELECT * FROM webhook_outbox.webhooks ORDER BY global_position, url")
    return rows


async def told(pool: asyncpg.Pool, *events: Event) -> list[tuple[str, str]]:
    """Who is told what, in order."""
    return [(row["url"], row["webhook_type"]) for row in await rows_of(pool, await log_of(*events))]


async def test_a_room_without_a_target_tells_nobody(database: asyncpg.Pool) -> None:
    assert await told(database, created(None), requested(), started()) == []


async def test_the_room_s_target_and_the_call_s_hear_of_the_call_s_recording(database: asyncpg.Pool) -> None:
    heard = await told(database, created(), requested(url=CALL_URL), started(), requested("b"))
    assert heard == [
        (CALL_URL, "participant-recording-starting"),
        (ROOM_URL, "participant-recording-starting"),
        (CALL_URL, "participant-recording-started"),
        (ROOM_URL, "participant-recording-started"),
        (ROOM_URL, "participant-recording-starting"),
    ]


async def test_a_target_that_is_both_hears_once(database: asyncpg.Pool) -> None:
    assert await told(database, created(), requested(url=ROOM_URL)) == [(ROOM_URL, "participant-recording-starting")]


async def test_the_room_s_target_hears_what_it_wants_and_the_call_s_everything(database: asyncpg.Pool) -> None:
    wanted = ["participant-recording-f*", "session-started"]
    session = {"room_id": "r", "session_id": "s-r"}
    heard = await told(
        database,
        created(events=wanted),
        SessionStarted(at=at(), **session),
        requested(url=CALL_URL),
        failed(),
        SessionEnded(at=at(3), **session),
    )
    assert heard == [
        (ROOM_URL, "session-started"),
        (CALL_URL, "participant-recording-starting"),
        (CALL_URL, "participant-recording-failed"),
        (ROOM_URL, "participant-recording-failed"),
    ]


async def test_a_star_alone_wants_everything(database: asyncpg.Pool) -> None:
    assert len(await told(database, created(events=["*"]), requested(), started())) == 2


async def test_who_is_awaited_is_told_of_once_and_by_the_call_s_target_to_the_end(database: asyncpg.Pool) -> None:
    awaited = ParticipantRecordingAwaited(at=at(), **about(), until=at(60), webhook_url=CALL_URL)
    come = ParticipantRecordingRequested(at=at(1), **about(), awaited=True)
    heard = await told(database, created(None), awaited, come, started(), failed())
    assert heard == [
        (CALL_URL, "participant-recording-starting"),
        (CALL_URL, "participant-recording-started"),
        (CALL_URL, "participant-recording-failed"),
    ]


async def test_a_track_s_end_names_all_its_files(database: asyncpg.Pool) -> None:
    track = {**about(), "kind": "audio"}
    files = [FILE.model_copy(update={"path": f"s/{n}.webm"}) for n in range(2)]
    log = await log_of(
        created(),
        *(TrackFileFinished(at=at(n + 1), **track, begin=at(n), file=file) for n, file in enumerate(files)),
        TrackRecordingStopped(at=at(3), **track),
    )
    (row,) = await rows_of(database, log)
    assert [file["filePath"] for file in json.loads(row["body"])["data"]["fileDetails"]] == ["s/0.webm", "s/1.webm"]


async def test_a_grid_is_told_of_when_it_is_first_made_and_under_its_own_names(database: asyncpg.Pool) -> None:
    one = MergeInput(participant_id="ann", participant_recording_id="a")
    file = MergedFile(path="s/m.mp4", size_bytes=1, sha256="0", duration_ms=1)
    heard = await told(
        database,
        created(None),
        MergeRequested(at=at(), **merge_about("m"), layout="grid", inputs=(one,), webhook_url=CALL_URL),
        MergeClaimed(at=at(1), **merge_about("m"), worker_id="v"),
        MergeClaimed(at=at(2), **merge_about("m"), worker_id="w"),
        MergeCompleted(at=at(3), **merge_about("m"), file=file),
    )
    assert heard == [(CALL_URL, "composite-merge-started"), (CALL_URL, "composite-merge-completed")]


async def test_the_first_of_each_order_has_its_turn(database: asyncpg.Pool) -> None:
    log = await log_of(created(), requested(url=CALL_URL), started(), requested("b"))
    await rows_of(database, log)
    due = await WebhookOutbox(database).due(LATE, 10)
    assert {(each.url, each.global_position) for each in due} == {(ROOM_URL, 2), (CALL_URL, 2), (ROOM_URL, 4)}


@pytest.mark.parametrize("status", [200, 500])
async def test_the_next_has_its_turn_when_the_one_before_is_delivered_or_given_up(
    database: asyncpg.Pool, status: int
) -> None:
    log = await log_of(created(), requested(), started())
    first, second = await rows_of(database, log)
    assert (first["next_at"] is None, second["next_at"] is None) == (False, True)
    await report(log, first["event_id"], ROOM_URL, status)
    first, second = await rows_of(database, log)
    assert first["state"] == ("delivered" if status == 200 else "given_up")
    assert (first["next_at"] is None, second["next_at"] is None) == (True, False)


async def test_what_is_to_be_posted_again_keeps_its_turn_until_then(database: asyncpg.Pool) -> None:
    log = await log_of(created(), requested(), started())
    first, _ = await rows_of(database, log)
    await report(log, first["event_id"], ROOM_URL, 500, retry_at=at(300))
    first, second = await rows_of(database, log)
    assert (first["state"], first["next_at"], first["attempts"], first["last_status"]) == ("pending", at(300), 1, 500)
    assert second["next_at"] is None
    assert await WebhookOutbox(database).due(at(299), 10) == []
    assert await WebhookOutbox(database).next_at(at(299)) == at(300)


async def test_what_was_posted_is_posted_again_as_the_same_bytes(database: asyncpg.Pool) -> None:
    log = await log_of(created(), requested())
    (row,) = await rows_of(database, log)
    await report(log, row["event_id"], ROOM_URL, 500, retry_at=at(5), body='{"as":"it was"}')
    (row,) = await rows_of(database, log)
    assert row["body"] == b'{"as":"it was"}'


async def test_a_target_that_is_gone_holds_all_of_its_room_until_one_is_delivered(database: asyncpg.Pool) -> None:
    log = await log_of(created(), requested(), requested("b"), created(room="q"), requested(room="q"))
    first, *_ = await rows_of(database, log)
    await report(log, first["event_id"], ROOM_URL, 410)
    await say(log, started())
    rows = await rows_of(database, log)
    assert [row["state"] for row in rows] == ["disabled", "disabled", "pending", "disabled"]
    assert [each.room_id for each in await WebhookOutbox(database).due(LATE, 10)] == ["q"]

    await resend(log, rows[1]["event_id"], ROOM_URL)
    await rows_of(database, log)
    due = await WebhookOutbox(database).due(LATE, 10)
    assert {(each.event_id, each.resent) for each in due if each.room_id == "r"} == {(rows[1]["event_id"], True)}

    await report(log, rows[1]["event_id"], ROOM_URL, 200)
    rows = await rows_of(database, log)
    assert [row["state"] for row in rows] == ["pending", "delivered", "pending", "pending"]
    assert [row["next_at"] is not None for row in rows] == [True, False, True, False]


async def test_what_is_given_up_while_its_target_is_gone_stays_so_when_the_target_is_back(
    database: asyncpg.Pool,
) -> None:
    """Seen to fail with a target that is gone coming first: what was given up was posted again."""
    log = await log_of(created(), requested(), started())
    gone, last = await rows_of(database, log)
    await report(log, gone["event_id"], ROOM_URL, 410)
    await report(log, last["event_id"], ROOM_URL, 500)
    await report(log, gone["event_id"], ROOM_URL, 200)
    assert [row["state"] for row in await rows_of(database, log)] == ["delivered", "given_up"]


async def report(
    log: EventStore,
    event_id: UUID,
    url: str,
    status: int,
    retry_at: datetime | None = None,
    body: str = "{}",
    room: str = "r",
) -> None:
    webhook = await webhook_of(log, event_id, url)
    attempt = ReportAttempt(
        room, event_id, url, "webhook", at(5), webhook.attempts + 1, body, 1, status, retry_at=retry_at
    )
    for event in WEBHOOK.decide(webhook, attempt):
        await say(log, event)


async def resend(log: EventStore, event_id: UUID, url: str, room: str = "r") -> None:
    command = RequestResend(room, event_id, url, "webhook", at(6), "server:key")
    for event in WEBHOOK.decide(await webhook_of(log, event_id, url), command):
        await say(log, event)


async def webhook_of(log: EventStore, event_id: UUID, url: str) -> Webhook:
    stored = await log.read(webhook_stream(event_id, url))
    return WEBHOOK.fold([decode(each) for each in stored])  # type: ignore[misc]


# ------------------------------------------------------------------------------------------------------ the law

_happenings = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["tell", "tell", "resend"]), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("report"), st.integers(0, 9), st.sampled_from([200, 200, 410, 500, 503])),
    ),
    min_size=4,
    max_size=25,
)
_pages = st.lists(st.integers(1, 6), min_size=1, max_size=6)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=_happenings, pages=_pages)
async def test_what_was_kept_page_by_page_is_what_is_rebuilt_and_what_each_webhook_says_of_itself(
    database: asyncpg.Pool, happenings: list[tuple[str, int, int]], pages: list[int]
) -> None:
    log = await _lived(happenings)
    stored = await log.read_all(limit=10_000)
    await _forget(database)
    await rebuild(WEBHOOK_OUTBOX, InMemoryEventStore(), database, lambda *_: None)
    await _keep(database, stored, pages)
    kept = await dump(database, "webhook_outbox")

    rows = await rows_of(database, log)

    assert await dump(database, "webhook_outbox") == kept
    for row in rows:
        webhook = await webhook_of(log, row["event_id"], row["url"])
        assert (row["attempts"], row["resent"]) == (webhook.attempts, webhook.resend_asked)
        # What a target's other webhooks did to it, it does not know itself.
        held = row["state"] == "disabled" or (webhook.outcome == "disabled" and row["state"] == "pending")
        assert row["state"] == webhook.outcome or held
        assert row["id"] == webhook_id(row["event_id"], row["url"])
    _assert_turns(rows)


def _assert_turns(rows: list[asyncpg.Record]) -> None:
    """Said anew, in a few words: the first pending one of each order, and what is resent."""
    firsts: dict[UUID, UUID] = {}
    for row in rows:
        if row["state"] == "pending":
            firsts.setdefault(row["order_key"], row["id"])
    for row in rows:
        has_turn = row["resent"] or firsts.get(row["order_key"]) == row["id"]
        assert (row["next_at"] is not None) == has_turn


async def test_what_was_given_up_and_is_to_be_posted_again_takes_its_turn_back(database: asyncpg.Pool) -> None:
    log = await log_of(created(), requested(), started())
    first, _ = await rows_of(database, log)
    await report(log, first["event_id"], ROOM_URL, 500)
    await resend(log, first["event_id"], ROOM_URL)
    await report(log, first["event_id"], ROOM_URL, 503, retry_at=at(300))
    await rebuild(WEBHOOK_OUTBOX, InMemoryEventStore(), database, lambda *_: None)
    await _keep(database, await log.read_all(), [1])
    rows = await database.fetch("SELECT next_at FROM webhook_outbox.webhooks ORDER BY global_position")
    assert [row["next_at"] for row in rows] == [at(300), None]


async def _lived(happenings: list[tuple[str, int, int]]) -> InMemoryEventStore:
    """Let two recordings of one room, one of them with a target of its own, go their way."""
    log = await log_of(created())
    webhooks: list[tuple[UUID, str]] = []
    for what, number, status in happenings:
        if what == "tell" or not webhooks:
            recording = "ab"[number % 2]
            event = requested(recording, CALL_URL if recording == "b" else None) if number < 4 else started(recording)
            event_id = await say(log, event)
            webhooks.append((event_id, ROOM_URL))
        elif what == "report":
            retry_at = at(100 + number) if status == 503 else None
            await report(log, *webhooks[number % len(webhooks)], status, retry_at)
        else:
            await resend(log, *webhooks[number % len(webhooks)])
    return log


async def _keep(pool: asyncpg.Pool, log: list[StoredEvent], pages: list[int]) -> None:
    live, n = Build(WEBHOOK_OUTBOX.name, "live", WEBHOOK_OUTBOX.version), 0
    async with pool.acquire() as connection:
        while live.position < len(log):
            reading = WEBHOOK_OUTBOX.read(log[live.position : live.position + pages[n % len(pages)]])
            live = await advance(connection, WEBHOOK_OUTBOX, live, reading.told, reading.position)
            n += 1


async def _forget(pool: asyncpg.Pool) -> None:
    """Begin without a projection: the last example has left one."""
    async with pool.acquire() as connection:
        await drop_build(connection, WEBHOOK_OUTBOX)
        await connection.execute("DROP SCHEMA IF EXISTS webhook_outbox CASCADE")
        await connection.execute("DELETE FROM projections")


async def test_what_is_due_is_found_quickly_among_many_that_were_delivered(database: asyncpg.Pool) -> None:
    """Seen to fail without the indexes of what is to be posted."""
    await rows_of(database, await log_of(created(), requested()))
    await database.execute(
        """INSERT INTO webhook_outbox.webhooks SELECT gen_random_uuid(), gen_random_uuid(), 100 + n, gen_random_uuid(),
           'r' || n % 100, 's', 's/' || n, gen_random_uuid(), 'http://h/' || n, 'h', 't', '{}', now(), 'delivered'
           FROM generate_series(1, 50000) AS n"""
    )
    await database.execute("ANALYZE webhook_outbox.webhooks")
    for query, arguments in (
        (read_side._DUE, (LATE, [], [], [], [], 100)),
        (read_side._NEXT_AT, (LATE,)),
        (read_side._NEXT, (UUID(int=1), 5, LATE)),
        (read_side._FIND, (UUID(int=1),)),
        (read_side._POSITIONS, ([UUID(int=1)],)),
    ):
        plan = "\n".join(row[0] for row in await database.fetch(f"EXPLAIN {query}", *arguments))
        assert "Index" in plan, plan
        assert "Seq Scan" not in plan, plan
