"""What the consent service is asked, and what it asks of itself."""

from __future__ import annotations

from services.consent.domain.consent import CONSENT, ClearConsent, Consent, ConsentCommand, ConsentHappened
from shared.contracts.consent import AttestConsent, SetConsent, consent_stream
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.store import EventStore
from shared.messaging.answering import answering
from shared.messaging.bus import Answerer
from shared.messaging.message import ACCEPTED, Message


class Consents:
    """The streams of consents, and what is decided on them."""

    def __init__(self, store: EventStore) -> None:
        self._streams: CommandHandler[Consent, ConsentCommand, ConsentHappened] = CommandHandler(store, CONSENT)

    async def say(self, command: SetConsent, context: Context) -> None:
        """Take a participant's word, which may come again as the same message."""
        await self._streams.handle_once(_stream(command), command, context)

    async def attest(self, command: AttestConsent, context: Context) -> None:
        """Take a server's word for a participant. Raises RefusedError when they said no themselves."""
        await self._streams.handle_once(_stream(command), command, context)

    async def clear(self, command: ClearConsent, context: Context) -> None:
        """End a yes that holds; nothing is written where that is done."""
        await self._streams.handle(_stream(command), command, context)


def consent_answerer(consents: Consents) -> Answerer:
    """Return what answers the consent service's commands."""

    async def set_consent(command: SetConsent, context: Context) -> Message:
        await consents.say(command, context)
        return ACCEPTED

    async def attest_consent(command: AttestConsent, context: Context) -> Message:
        await consents.attest(command, context)
        return ACCEPTED

    return answering({SetConsent: set_consent, AttestConsent: attest_consent})


def _stream(command: ConsentCommand) -> str:
    return consent_stream(command.session_id, command.participant_id)
