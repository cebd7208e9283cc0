"""A live session as its participants see it: who is and was there, who consents, and what is being recorded."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from services.gateway.signaling import events as told
from shared.contracts.consent import ConsentEvent
from shared.contracts.recording import (
    RecordingEvent,
    RecordingPaused,
    RecordingRequested,
    RecordingResumed,
    RecordingStarted,
)
from shared.contracts.room import (
    HandLowered,
    HandRaised,
    ParticipantJoined,
    ParticipantLeft,
    Role,
    RoleChanged,
    SessionStarted,
    WithdrawalPolicy,
)
from shared.contracts.yeses import Yeses

#: So many of those who left are told of; before that, the first to leave are forgotten.
_REMEMBERED = 1000

Status = Literal["starting", "active", "paused"]


@dataclass(slots=True)
class Peer:
    """A participant, present or not."""

    display_name: str
    role: Role
    own_role: Role
    joined_at: datetime
    hand_updated_at: datetime
    gateway_id: str | None = None
    connection_id: str | None = None
    hand_is_up: bool = False
    left_at: datetime | None = None
    #: What others see, unless it has to be made anew.
    view: told.Participant | None = None

    def control(self) -> told.ControlData:
        return told.ControlData(
            display_name=self.display_name,
            role=self.role,
            participation_kind="guest" if self.own_role == "guest" else "user",
            hand_is_up=self.hand_is_up,
            hand_updated_at=self.hand_updated_at,
            joined_at=self.joined_at,
            left_at=self.left_at,
        )


@dataclass(slots=True)
class RoomRecording:
    recording_id: str
    requested_by: str
    status: Status = "starting"
    started_at: datetime | None = None


@dataclass(slots=True)
class LiveSession:
    session_id: str
    withdrawal_policy: WithdrawalPolicy = "keep"
    present: dict[str, Peer] = field(default_factory=dict)
    gone: OrderedDict[str, Peer] = field(default_factory=OrderedDict)
    #: Who consents, present or not: a room may keep consent over leaving.
    yeses: Yeses = field(default_factory=Yeses)
    recording: RoomRecording | None = None

    @classmethod
    def started(cls, event: SessionStarted) -> LiveSession:
        return cls(event.session_id, event.withdrawal_policy, yeses=Yeses.under(event.consent_policy))

    @property
    def stream_status(self) -> told.StreamStatus:
        return self.recording.status if self.recording else "inactive"

    def seen(self, participant_id: str) -> told.Participant | None:
        """Return what others see of somebody who is present."""
        peer = self.present.get(participant_id)
        return self._view(participant_id, peer) if peer else None

    def others(self, participant_id: str) -> tuple[told.Participant, ...]:
        """Return everybody else, those who left included."""
        everybody = {**self.gone, **self.present}
        return tuple(self._view(who, peer) for who, peer in everybody.items() if who != participant_id)

    def _view(self, participant_id: str, peer: Peer) -> told.Participant:
        # Kept until something about them changes: a thousand people who come at once are shown a thousand each.
        if peer.view is None:
            consents = told.ConsentData(consents_recording=self.yeses.holds(participant_id))
            peer.view = told.Participant(id=participant_id, control=peer.control(), recording=consents)
        return peer.view

    # --- what happened

    def joined(self, event: ParticipantJoined) -> None:
        self.gone.pop(event.participant_id, None)
        self.present[event.participant_id] = Peer(
            event.display_name, event.role, event.role, event.at, event.at, event.gateway_id, event.connection_id
        )

    def left(self, event: ParticipantLeft) -> str | None:
        """Take note and return the connection that they were here by."""
        peer = self.present.pop(event.participant_id, None)
        if peer is None:
            return None
        peer.left_at, peer.view = event.at, None
        self.yeses = self.yeses.after(event)
        self.gone[event.participant_id] = peer
        if len(self.gone) > _REMEMBERED:
            self.gone.popitem(last=False)
        return peer.connection_id

    def role_changed(self, event: RoleChanged) -> None:
        if peer := self.present.get(event.participant_id):
            peer.role, peer.view = event.role, None

    def hand_moved(self, event: HandRaised | HandLowered) -> None:
        if peer := self.present.get(event.participant_id):
            peer.hand_is_up, peer.hand_updated_at, peer.view = isinstance(event, HandRaised), event.at, None

    def consent_changed(self, event: ConsentEvent) -> None:
        self.yeses = self.yeses.after(event)
        if peer := self.present.get(event.participant_id) or self.gone.get(event.participant_id):
            peer.view = None

    def recorded(self, event: RecordingEvent) -> None:
        match event:
            case RecordingRequested():
                self.recording = RoomRecording(event.recording_id, event.requested_by)
            case RecordingStarted() if self.recording:
                self.recording.status, self.recording.started_at = "active", event.at
            case RecordingResumed() if self.recording:
                self.recording.status = "active"
            case RecordingPaused() if self.recording:
                self.recording.status = "paused"
            case _:
                self.recording = None
                self._stopped(event)

    def _stopped(self, event: RecordingEvent) -> None:
        self.yeses = self.yeses.after(event)
        for peer in (*self.present.values(), *self.gone.values()):
            peer.view = None
