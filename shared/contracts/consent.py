"""Consent of one participant in one session: the gateway asks, the consent service says."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.identifiers import ParticipantId, RoomId, SessionId
from shared.contracts.message import Command, Event


def consent_stream(session_id: str, participant_id: str) -> str:
    return f"consent-{session_id}:{participant_id}"


class SetConsent(Command):
    """Gateway to consent. `at` is the moment the gateway received it, which is when it takes effect."""

    type: ClassVar[str] = "consent.set.v1"
    owner: ClassVar[str] = "consent"

    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId
    consent: bool


class ConsentEvent(Event):
    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId

    @property
    def stream(self) -> str:
        return consent_stream(self.session_id, self.participant_id)


class ConsentGiven(ConsentEvent):
    type: ClassVar[str] = "consent.given.v1"


class ConsentRefused(ConsentEvent):
    """The participant was asked and said no, never having said yes."""

    type: ClassVar[str] = "consent.refused.v1"


class ConsentWithdrawn(ConsentEvent):
    type: ClassVar[str] = "consent.withdrawn.v1"
