"""A story to audit: a session with a withdrawal, a lost connection, a failure and two recordings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.audit.lookup import session_entries
from services.audit.projections.line import Entry
from services.audit.projections.participant_timeline import ParticipantTimeline
from services.audit.projections.timeline import RecordingTimeline, timelines
from shared.contracts.consent import ClearReason, ConsentCleared, ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
)
from shared.contracts.recording import (
    RecordingFailed,
    RecordingPaused,
    RecordingRequested,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
)
from shared.contracts.room import (
    LeaveReason,
    ParticipantJoined,
    ParticipantLeft,
    Role,
    RoleChanged,
    RoomCreated,
    SessionEnded,
    SessionStarted,
)
from shared.contracts.webhook import WebhookDelivered
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.store import EventStore
from tests.support.events import append, sequence_all
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at
from tests.support.participant_recordings import FILE, GAPS


def session(second: float, session_id: str = "s") -> dict[str, Any]:
    return {"at": at(second), "room_id": "r", "session_id": session_id}


def about(second: float, who: str = "ann") -> dict[str, Any]:
    return {**session(second), "participant_id": who}


def joined(second: float, who: str = "ann", name: str | None = None, role: Role = "user") -> Event:
    return ParticipantJoined(**about(second, who), display_name=who.title() if name is None else name, role=role)


def left(second: float, who: str = "ann", reason: LeaveReason = "quit") -> Event:
    return ParticipantLeft(**about(second, who), reason=reason)


def replaced(second: float, who: str = "ann") -> Event:
    return left(second, who, "replaced")


def role_changed(second: float, role: Role, who: str = "ann") -> Event:
    return RoleChanged(**about(second, who), role=role, changed_by="mona")


def given(second: float, who: str = "ann", text: str | None = None) -> Event:
    return ConsentGiven(**about(second, who), text_version=text)


def refused(second: float, who: str = "ann") -> Event:
    return ConsentRefused(**about(second, who))


def withdrawn(second: float, who: str = "ann") -> Event:
    return ConsentWithdrawn(**about(second, who))


def cleared(second: float, who: str = "ann", reason: ClearReason = "left") -> Event:
    return ConsentCleared(**about(second, who), reason=reason)


def asked(second: float, recording: str = "rec") -> Event:
    return RecordingRequested(**session(second), recording_id=recording, requested_by="mona")


def begun(second: float, recording: str = "rec") -> Event:
    return RecordingStarted(**session(second), recording_id=recording, worker_id="worker")


def ended(second: float, recording: str = "rec") -> Event:
    return RecordingStopped(**session(second), recording_id=recording, reason="requested")


def paused(second: float, recording: str = "rec") -> Event:
    return RecordingPaused(**session(second), recording_id=recording, requested_by="mona")


def resumed(second: float, recording: str = "rec") -> Event:
    return RecordingResumed(**session(second), recording_id=recording, requested_by="mona")


def recording_failed(second: float, recording: str = "rec") -> Event:
    return RecordingFailed(**session(second), recording_id=recording, reason="no worker answered")


def _part(second: float, who: str, part: str | None) -> dict[str, Any]:
    return {**about(second, who), "participant_recording_id": part or f"{who}-file"}


def requested(second: float, who: str = "ann", part: str | None = None, recording: str = "rec") -> Event:
    return ParticipantRecordingRequested(**_part(second, who, part), recording_id=recording)


def started(second: float, who: str = "ann", part: str | None = None) -> Event:
    return ParticipantRecordingStarted(**_part(second, who, part), worker_id="worker")


def stop_requested(second: float, who: str = "ann", part: str | None = None) -> Event:
    return ParticipantRecordingStopRequested(**_part(second, who, part))


def stopped(second: float, who: str = "ann", part: str | None = None) -> Event:
    return ParticipantRecordingStopped(**_part(second, who, part), file=FILE, gaps=GAPS)


def failed(second: float, who: str = "ann", part: str | None = None, reason: str = "disk full") -> Event:
    return ParticipantRecordingFailed(**_part(second, who, part), reason=reason)


#: Ann's name is meant to do harm.
HARMFUL = '<script>alert("1")</script>\x1b[31m\u202eAnn'

STORY: tuple[Event, ...] = (
    RoomCreated(at=at(-100), room_id="r", webhook_url="https://example.org/hook"),
    SessionStarted(**session(-90, "earlier")),
    ParticipantJoined(**{**about(-90, "ann"), "session_id": "earlier"}, display_name="Ann", role="user"),
    ParticipantLeft(**{**about(-80, "ann"), "session_id": "earlier"}, reason="quit"),
    SessionEnded(**session(-80, "earlier")),
    SessionStarted(**session(0)),
    joined(1, "mona", role="moderator"),
    joined(2, "ann", HARMFUL),
    joined(3, "bob"),
    given(5, "ann"),
    refused(6, "bob"),
    asked(8),
    begun(10),
    requested(10.1, "ann"),
    started(10.5, "ann"),
    withdrawn(20, "ann"),
    given(30, "ann"),
    left(40, "ann", "timeout"),
    joined(45, "ann", HARMFUL),
    given(50, "bob"),
    requested(50.1, "bob"),
    started(50.5, "bob"),
    failed(52, "bob"),
    ended(60),
    stop_requested(60, "ann"),
    stopped(60, "ann"),
    asked(70, "again"),
    begun(71, "again"),
    requested(71.1, "ann", "ann-again", "again"),
    started(71.5, "ann", "ann-again"),
    joined(72, "cy"),
    given(80, "cy"),
    withdrawn(78, "cy"),  # it was said before that yes, and came later into the log
    left(90, "bob"),
)


async def log_of(events: Iterable[Event] = STORY, store: EventStore | None = None) -> EventStore:
    """Return a log of these events, and a webhook for each recording that began."""
    log = store or InMemoryEventStore()
    begins = []
    for event in events:
        new = encode(event, Context.begin(f"participant:{getattr(event, 'participant_id', 'mona')}"))
        await append(log, event.stream, [new])
        if isinstance(event, RecordingStarted | ParticipantRecordingStarted):
            begins.append((new.id, event.at))
    for event_id, moment in begins:
        told = WebhookDelivered(at=moment, room_id="r", event_id=event_id, url="https://example.org/hook", status=200)
        await append(log, told.stream, [encode(told, Context.begin("service:notifier"))])
    await sequence_all(log)
    return log


def entries(*events: Event) -> list[Entry]:
    """Return the events as the log would hold them."""
    each = []
    positions: dict[str, int] = {}
    for place, event in enumerate(events, 1):
        new = encode(event, Context.begin(f"participant:{getattr(event, 'participant_id', 'mona')}"))
        position = positions[event.stream] = positions.get(event.stream, 0) + 1
        stored = StoredEvent(
            stream=event.stream,
            position=position,
            global_position=place,
            id=new.id,
            type=new.type,
            payload=new.payload,
            occurred_at=new.occurred_at,
            actor=new.actor,
            causation_id=new.causation_id,
            correlation_id=new.correlation_id,
        )
        each.append(Entry(stored, event))
    return each


def told_of(*events: Event) -> RecordingTimeline:
    """Return the timeline of a recording that runs since second 0, for which Ann's file was requested."""
    return timelines(entries(asked(0), begun(0), requested(0), *events))[0]


def ann(*events: Event) -> ParticipantTimeline:
    (participant,) = [one for one in told_of(*events).participants if one.participant_id == "ann"]
    return participant


async def told_story() -> list[RecordingTimeline]:
    log = await log_of()
    return timelines(await session_entries(log, "s", await log.head()))
