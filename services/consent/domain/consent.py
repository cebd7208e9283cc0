"""One participant's consent in one session. In doubt it is a no."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from shared.contracts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn, SetConsent
from shared.eventsourcing.decider import Decider

# ----------------------------------------------------- events: the stored format, defined in shared/contracts/consent

ConsentHappened = ConsentGiven | ConsentRefused | ConsentWithdrawn

# ----------------------------------------------------------------------------------------------------------- state


Answer = Literal["none", "given", "refused", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Consent:
    """Nobody consents before they said so."""

    answer: Answer = "none"
    #: Since when.
    at: datetime | None = None
    #: The latest moment of any word; words of several gateways arrive out of order.
    newest: datetime | None = None


def evolve(consent: Consent, event: ConsentHappened) -> Consent:
    newest = max(event.at, consent.newest or event.at)
    match event:
        case ConsentGiven():
            return Consent("given", event.at, newest)
        case ConsentRefused():
            return Consent("refused", _since(consent, "refused", event.at), newest)
        case ConsentWithdrawn():
            return Consent("withdrawn", _since(consent, "withdrawn", event.at), newest)
        case _:
            assert_never(event)


def _since(consent: Consent, answer: Answer, at: datetime) -> datetime:
    return min(consent.at, at) if consent.at and consent.answer == answer else at


# ---------------------------------------------------------------------------------------------------------- decide


def decide(consent: Consent, command: SetConsent) -> list[ConsentHappened]:
    if command.consent:
        return _give(consent, command)
    if consent.answer == "given":
        return [_event(ConsentWithdrawn, command)]
    return _deny(consent, command)


def _give(consent: Consent, command: SetConsent) -> list[ConsentHappened]:
    # A yes that was said before the newest word, or with it, but arrives after it must not undo a no.
    outdated = consent.newest is not None and command.at <= consent.newest
    if consent.answer == "given" or outdated:
        return []
    return [_event(ConsentGiven, command)]


def _deny(consent: Consent, command: SetConsent) -> list[ConsentHappened]:
    """Write down a no where there is one already, or nothing yet, if it tells something new.

    A newer one outdates every yes before it that is still on its way; an older one is a withdrawal that took effect
    earlier than we knew.
    """
    withdrawn = consent.answer == "withdrawn"
    newer = consent.newest is None or command.at > consent.newest
    older = withdrawn and consent.at is not None and command.at < consent.at
    if newer or older:
        return [_event(ConsentWithdrawn if withdrawn else ConsentRefused, command)]
    return []


def _event(kind: type[ConsentHappened], command: SetConsent) -> ConsentHappened:
    return kind(
        at=command.at,
        room_id=command.room_id,
        session_id=command.session_id,
        participant_id=command.participant_id,
    )


CONSENT = Decider(Consent(), evolve, decide)
