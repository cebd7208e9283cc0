"""Consent of one participant in one session: the gateway asks, the consent service says."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from shared.contracts.identifiers import ParticipantId, RoomId, SessionId
from shared.contracts.message import Command, Event

#: The version of the text that somebody was shown when they were asked, as their client names it. No control
#: characters: Postgres keeps no U+0000 in a column.
TextVersion = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
#: A server's name for its own record of a consent, for instance a contract's number.
Reference = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
ApiKey = Annotated[str, StringConstraints(min_length=1, max_length=256)]
#: What ended a yes that nobody took back.
ClearReason = Literal["left", "recording_stopped"]


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
    text_version: TextVersion | None = None


class AttestConsent(Command):
    """Gateway to consent: a server vouches that the participant agreed, on its own record."""

    type: ClassVar[str] = "consent.attest.v1"
    owner: ClassVar[str] = "consent"
    lapses: ClassVar[bool] = True

    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId
    attested_by: ApiKey
    reference: Reference | None = None


class ConsentEvent(Event):
    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId

    @property
    def stream(self) -> str:
        return consent_stream(self.session_id, self.participant_id)


class ConsentSaid(ConsentEvent):
    """A participant's word."""

    text_version: TextVersion | None = None


class ConsentGiven(ConsentSaid):
    type: ClassVar[str] = "consent.given.v1"


class ConsentRefused(ConsentSaid):
    """The participant was asked and said no, while no yes of theirs held."""

    type: ClassVar[str] = "consent.refused.v1"


class ConsentWithdrawn(ConsentSaid):
    type: ClassVar[str] = "consent.withdrawn.v1"


class ConsentAttested(ConsentEvent):
    """A server vouched that the participant agreed. A yes like their own, until they say no themselves."""

    type: ClassVar[str] = "consent.attested.v1"

    #: The API key of the server that vouched.
    attested_by: ApiKey
    #: Where that server keeps its record of the consent.
    reference: Reference | None = None


#: What makes somebody consent: their own word, or a server's for them.
Yes = ConsentGiven | ConsentAttested


class ConsentCleared(ConsentEvent):
    """A yes ended by itself, at the moment of its reason: the room does not keep it. They may say yes again."""

    type: ClassVar[str] = "consent.cleared.v1"

    reason: ClearReason
