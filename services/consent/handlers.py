"""What the consent service is asked."""

from __future__ import annotations

from services.consent.domain.consent import CONSENT, Consent, ConsentHappened
from shared.contracts.consent import SetConsent, consent_stream
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.store import EventStore
from shared.messaging.answering import answering
from shared.messaging.bus import Answerer
from shared.messaging.message import ACCEPTED, Message


def consent_answerer(store: EventStore) -> Answerer:
    """Return what answers the consent service's commands."""
    consents: CommandHandler[Consent, SetConsent, ConsentHappened] = CommandHandler(store, CONSENT)

    async def set_consent(command: SetConsent, context: Context) -> Message:
        await consents.handle_once(consent_stream(command.session_id, command.participant_id), command, context)
        return ACCEPTED

    return answering({SetConsent: set_consent})
