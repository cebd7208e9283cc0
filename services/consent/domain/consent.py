"""One participant's consent in one session. In doubt it is a no, and their own no outweighs what a server says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from shared.contracts.consent import (
    AttestConsent,
    ClearReason,
    ConsentAttested,
    ConsentCleared,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    SetConsent,
)
from shared.eventsourcing.decider import Decider, RefusedError

# ---------------------------------------------------------------------------------------------------------- errors


class ParticipantSaidNoError(RefusedError):
    """Nobody can vouch for a participant who said no themselves."""

    code = "consent_required"

    def __init__(self, participant_id: str) -> None:
        super().__init__(
            f"participant {participant_id} said no themselves in this session: only they can say yes again"
        )
        self.participant_id = participant_id


# ----------------------------------------------------- events: the stored format, defined in shared/contracts/consent

Word = ConsentGiven | ConsentRefused | ConsentWithdrawn
ConsentHappened = Word | ConsentAttested | ConsentCleared

# ----------------------------------------------------------------------------------------------------------- state


Answer = Literal["none", "given", "attested", "refused", "withdrawn", "cleared"]


@dataclass(frozen=True, slots=True)
class Consent:
    """Nobody consents before they said so."""

    answer: Answer = "none"
    #: Since when.
    at: datetime | None = None
    #: The latest moment of any word or clear; words of several gateways arrive out of order.
    newest: datetime | None = None
    #: When the last yes ended, as far as that is known. None: none was ever given, or one holds.
    ended: datetime | None = None
    #: The text that the participant was shown when they last said something, if the client told.
    text_version: str | None = None
    #: Who vouched for them, and on what record, while that is why they consent.
    attested_by: str | None = None
    reference: str | None = None

    @property
    def is_yes(self) -> bool:
        return self.answer in {"given", "attested"}


def evolve(consent: Consent, event: ConsentHappened) -> Consent:
    match event:
        case ConsentGiven():
            return _after(consent, "given", event.at, None, event.text_version)
        case ConsentAttested():
            attested = _after(consent, "attested", event.at, None, consent.text_version)
            return replace(attested, attested_by=event.attested_by, reference=event.reference)
        case ConsentRefused():
            return _after(consent, "refused", event.at, _ended(consent, event.at), event.text_version)
        case ConsentWithdrawn():
            return _after(consent, "withdrawn", event.at, _ended(consent, event.at), event.text_version)
        case ConsentCleared():
            return _after(consent, "cleared", event.at, _ended(consent, event.at), consent.text_version)
        case _:
            assert_never(event)


def _after(consent: Consent, answer: Answer, at: datetime, ended: datetime | None, text_version: str | None) -> Consent:
    since = min(consent.at, at) if consent.at and consent.answer == answer else at
    return Consent(answer, since, max(at, consent.newest or at), ended, text_version)


def _ended(consent: Consent, at: datetime) -> datetime | None:
    if consent.is_yes:
        return at
    return min(consent.ended, at) if consent.ended else None


# ------------------------------------- commands; SetConsent and AttestConsent are in shared/contracts/consent


@dataclass(frozen=True, slots=True)
class ClearConsent:
    """The consent service to itself: the room does not keep a yes beyond this moment."""

    room_id: str
    session_id: str
    participant_id: str
    reason: ClearReason
    at: datetime


ConsentCommand = SetConsent | AttestConsent | ClearConsent

# ---------------------------------------------------------------------------------------------------------- decide


def decide(consent: Consent, command: ConsentCommand) -> list[ConsentHappened]:
    match command:
        case SetConsent():
            return _give(consent, command) if command.consent else _deny(consent, command)
        case AttestConsent():
            return _attest(consent, command)
        case ClearConsent():
            return _clear(consent, command)
        case _:
            assert_never(command)


def _attest(consent: Consent, command: AttestConsent) -> list[ConsentHappened]:
    """Write down who vouches, unless the participant said yes themselves or the same was attested before.

    One that comes after something newer is refused by whoever asks next: it must not undo that.
    """
    if consent.answer in {"refused", "withdrawn"}:
        raise ParticipantSaidNoError(command.participant_id)
    if consent.newest is not None and command.at <= consent.newest:
        return []
    known = consent.answer == "attested" and (consent.attested_by, consent.reference) == (
        command.attested_by,
        command.reference,
    )
    if consent.answer == "given" or known:
        return []
    return [
        ConsentAttested(
            at=command.at,
            room_id=command.room_id,
            session_id=command.session_id,
            participant_id=command.participant_id,
            attested_by=command.attested_by,
            reference=command.reference,
        )
    ]


def _give(consent: Consent, command: SetConsent) -> list[ConsentHappened]:
    """Write down each yes, also while one holds: it may be to another text.

    One that was said before the newest word or clear, or with it, but arrives after it must not undo a no.
    """
    outdated = consent.newest is not None and command.at <= consent.newest
    return [] if outdated else [_said(ConsentGiven, command)]


def _deny(consent: Consent, command: SetConsent) -> list[ConsentHappened]:
    """Write down a no that ends a yes, or ends it earlier than was known, or is newer than every word.

    A newer one outdates every yes before it that is still on its way. One that was said before a yes was cleared, and
    arrives after it, is a withdrawal: nothing between the two may be kept. One of the very moment of a clear is a
    refusal: after a clear, servers may vouch for the participant, and after a no they may not.
    """
    ends_earlier = consent.ended is not None and command.at < consent.ended
    if consent.is_yes or ends_earlier:
        return [_said(ConsentWithdrawn, command)]
    if consent.newest is None or command.at > consent.newest:
        return [_said(ConsentRefused, command)]
    return [_said(ConsentRefused, command)] if consent.answer == "cleared" and command.at == consent.newest else []


def _clear(consent: Consent, command: ClearConsent) -> list[ConsentHappened]:
    """End a yes, unless it was said after that moment: it is another one then."""
    later = consent.newest is not None and consent.newest > command.at
    if not consent.is_yes or later:
        return []
    return [
        ConsentCleared(
            at=command.at,
            room_id=command.room_id,
            session_id=command.session_id,
            participant_id=command.participant_id,
            reason=command.reason,
        )
    ]


def _said(kind: type[Word], command: SetConsent) -> Word:
    return kind(
        at=command.at,
        room_id=command.room_id,
        session_id=command.session_id,
        participant_id=command.participant_id,
        text_version=command.text_version,
    )


CONSENT = Decider(Consent(), evolve, decide)
