"""Words about consent on their way to the consent service."""

from __future__ import annotations

import pytest

from services.consent.handlers import Consents as ConsentService
from services.consent.handlers import consent_answerer
from services.gateway.consents import Consents, Speaker
from shared.concurrency.clock import utc_now
from shared.contracts.consent import ConsentGiven, ConsentWithdrawn, SetConsent, consent_stream
from shared.eventsourcing import insisting
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.horizon import Horizon
from shared.messaging.asking import Owners
from shared.messaging.errors import NoAnswerError
from shared.messaging.in_process import InProcessBus
from shared.messaging.message import Message
from shared.messaging.topology import CONSENT_COMMANDS
from tests.support.in_memory import InMemoryEventStore

ANN = {"room_id": "r", "session_id": "s", "participant_id": "ann"}


class ForgetfulBus(InProcessBus):
    """Loses its first answer, and has Ann say yes by another client meanwhile."""

    def __init__(self, service: ConsentService) -> None:
        super().__init__()
        self._service = service
        self._is_lost = False

    async def ask(self, owner: str, command: Message, within: float) -> Message:
        answer = await super().ask(owner, command, within)
        if self._is_lost:
            return answer
        self._is_lost = True
        yes = SetConsent(at=utc_now(), **ANN, consent=True)
        await self._service.say(yes, Context.begin("participant:ann"))
        raise NoAnswerError(owner, command.type, within)


async def test_a_no_whose_answer_was_lost_is_not_decided_anew_after_a_later_yes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen to fail with a new id for each time that it is asked: the no stood in the log twice, and last."""
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0)
    log = InMemoryEventStore()
    service = ConsentService(log)
    bus = ForgetfulBus(service)
    async with bus.answer(CONSENT_COMMANDS, consent_answerer(service)):
        consents = Consents(Owners(bus, 5), Horizon(utc_now))
        await service.say(SetConsent(at=utc_now(), **ANN, consent=True), Context.begin("participant:ann"))
        await consents.say(Speaker("r", "s", "ann"), consent=False, text_version=None)
    words = [type(decode(stored)) for stored in await log.read(consent_stream("s", "ann"))]
    assert words == [ConsentGiven, ConsentWithdrawn, ConsentGiven]
