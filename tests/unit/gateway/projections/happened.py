"""What happens in room `r` and its session `s`, and how others see somebody there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from services.gateway.projections.live_session import LiveSession
from services.gateway.projections.roster import Goodbye, Notice, Roster, target_id
from services.gateway.signaling.events import StreamStatus, StreamUpdated
from shared.contracts.consent import ClearReason, ConsentCleared, ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.recording import (
    RecordingFailed,
    RecordingPaused,
    RecordingRequested,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
)
from shared.contracts.room import (
    HandLowered,
    HandRaised,
    LeaveReason,
    ParticipantJoined,
    ParticipantLeft,
    Role,
    RoleChanged,
    SessionEnded,
    SessionStarted,
)
from tests.support.moments import at

_IN = {"room_id": "r", "session_id": "s"}

SESSION = SessionStarted(at=at(), **_IN)
#: The same in a room that keeps consent.
KEEPING = SESSION.model_copy(update={"consent_policy": "keep"})
ENDED = SessionEnded(at=at(9), **_IN)


# --- people


def joined(
    who: str = "ann", role: Role = "user", second: float = 1, connection: str | None = None
) -> ParticipantJoined:
    return ParticipantJoined(
        at=at(second),
        **_IN,
        participant_id=who,
        display_name=who.title(),
        role=role,
        gateway_id="gateway" if connection else None,
        connection_id=connection,
    )


def left(who: str = "ann", reason: LeaveReason = "quit", second: float = 5) -> ParticipantLeft:
    return ParticipantLeft(at=at(second), **_IN, participant_id=who, reason=reason)


def role_changed(who: str = "ann", role: Role = "moderator") -> RoleChanged:
    return RoleChanged(at=at(4), **_IN, participant_id=who, role=role, changed_by="mona")


def raised(who: str = "ann", second: float = 4) -> HandRaised:
    return HandRaised(at=at(second), **_IN, participant_id=who)


def lowered(who: str = "ann", second: float = 5) -> HandLowered:
    return HandLowered(at=at(second), **_IN, participant_id=who)


# --- consent


def gave(who: str = "ann", second: float = 2) -> ConsentGiven:
    return ConsentGiven(at=at(second), **_IN, participant_id=who, text_version="v1")


def withdrew(who: str = "ann") -> ConsentWithdrawn:
    return ConsentWithdrawn(at=at(3), **_IN, participant_id=who)


def refused(who: str = "ann") -> ConsentRefused:
    return ConsentRefused(at=at(3), **_IN, participant_id=who)


def cleared(who: str = "ann", reason: ClearReason = "recording_stopped") -> ConsentCleared:
    return ConsentCleared(at=at(4), **_IN, participant_id=who, reason=reason)


# --- the recording


def requested(recording_id: str = "rec", by: str = "mona") -> RecordingRequested:
    return RecordingRequested(at=at(2), **_IN, recording_id=recording_id, requested_by=by)


REQUESTED = requested()
STARTED = RecordingStarted(at=at(3), **_IN, recording_id="rec", worker_id="worker")
PAUSED = RecordingPaused(at=at(4), **_IN, recording_id="rec", requested_by="mona")
RESUMED = RecordingResumed(at=at(5), **_IN, recording_id="rec", requested_by="mona")
STOPPED = RecordingStopped(at=at(6), **_IN, recording_id="rec", reason="requested", requested_by="mona")
FAILED = RecordingFailed(at=at(7), **_IN, recording_id="rec", reason="no worker answered")


# --- what comes of it


def roster(*events: Event) -> Roster:
    known = Roster()
    for event in events:
        known.apply(event)
    return known


def session(*events: Event) -> LiveSession:
    live = roster(*events).session("r")
    assert live
    return live


def notices(told: Iterable[Notice | Goodbye]) -> list[Notice]:
    return [each for each in told if isinstance(each, Notice)]


def stream(status: StreamStatus) -> Notice:
    return Notice("r", StreamUpdated(target_id=target_id("r"), status=status))


def seen(
    who: str = "ann",
    *,
    role: Role = "user",
    came_as: Role | None = None,
    hand: tuple[bool, datetime] = (False, at(1)),
    left_at: datetime | None = None,
    consents: bool = False,
) -> dict[str, Any]:
    """How others see somebody who joined at second 1, as JSON."""
    hand_is_up, hand_updated_at = hand
    return {
        "id": who,
        "control": {
            "display_name": who.title(),
            "role": role,
            "participation_kind": "guest" if (came_as or role) == "guest" else "user",
            "hand_is_up": hand_is_up,
            "hand_updated_at": json_moment(hand_updated_at),
            "joined_at": "2030-05-17T12:00:01Z",
            "left_at": json_moment(left_at) if left_at else None,
        },
        "recording": {"consents_recording": consents},
    }


def json_moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
