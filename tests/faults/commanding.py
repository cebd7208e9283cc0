"""Commands, those who ask them, and the one who decides them: one event for every command."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from random import Random
from uuid import UUID

from shared.concurrency.clock import utc_now
from shared.contracts.consent import ConsentGiven, SetConsent, consent_stream
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.decider import Decider
from shared.messaging.answering import answering
from shared.messaging.bus import Bus
from shared.messaging.errors import BusUnavailableError, NoAnswerError
from shared.messaging.message import ACCEPTED, Message, command_message
from shared.messaging.topology import CONSENT_COMMANDS
from shared.runtime.infrastructure import Infrastructure

#: How long an asker waits for an answer before it asks again.
_WITHIN_SECONDS = 1.5
_PAUSE_SECONDS = 0.05
_SESSION = "session"


def _count(count: int, event: ConsentGiven) -> int:
    return count + 1


def _obey(count: int, command: SetConsent) -> Sequence[ConsentGiven]:
    who = {"room_id": command.room_id, "session_id": command.session_id, "participant_id": command.participant_id}
    return [ConsentGiven(at=command.at, **who)]


#: Has no scruples: asked twice, it says it twice. So that once is the doing of the command handler.
OBEDIENT: Decider[int, SetConsent, ConsentGiven] = Decider(0, _count, _obey)


def deciding(infrastructure: Infrastructure) -> AbstractAsyncContextManager[None]:
    """Answer the commands of the consent service."""
    handler = CommandHandler(infrastructure.store, OBEDIENT)

    async def set_consent(command: SetConsent, context: Context) -> Message:
        await handler.handle_once(consent_stream(command.session_id, command.participant_id), command, context)
        return ACCEPTED

    return infrastructure.bus.answer(CONSENT_COMMANDS, answering({SetConsent: set_consent}))


class Asker:
    """Asks one command after the other, each until it is answered."""

    def __init__(self, bus: Bus, name: str, chance: Random, pace: float) -> None:
        self._bus = bus
        self._name = name
        self._chance = chance
        self._pace = pace
        self.stream = consent_stream(_SESSION, name)
        #: What was answered, in the order it was asked.
        self.answered: list[UUID] = []
        #: How often it had to ask again.
        self.unanswered = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._insist()
            await asyncio.sleep(self._chance.uniform(0, 2 * self._pace))

    async def _insist(self) -> None:
        command = SetConsent(at=utc_now(), room_id="room", session_id=_SESSION, participant_id=self._name, consent=True)
        message = command_message(command, Context.begin("service:faults"), _WITHIN_SECONDS)
        while not await self._ask(message):
            self.unanswered += 1
            await asyncio.sleep(_PAUSE_SECONDS)
        self.answered.append(message.id)

    async def _ask(self, message: Message) -> bool:
        try:
            reply = await self._bus.ask(SetConsent.owner, message, _WITHIN_SECONDS)
        except (NoAnswerError, BusUnavailableError):
            return False
        assert reply.type == ACCEPTED.type, f"the answer is {reply}"
        return True
