"""What participants say about being recorded, on its way to the consent service."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from services.gateway.handlers import participant
from shared.contracts.consent import SetConsent
from shared.contracts.reply import Accepted
from shared.eventsourcing.codec import Context
from shared.eventsourcing.horizon import Horizon
from shared.messaging.asking import Owners
from shared.messaging.errors import BusError

_log = structlog.get_logger()

#: Between attempts to get a word into the log while its service or the broker is away.
_RETRY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Speaker:
    """A participant whose words reach the log in the order in which they were said."""

    room_id: str
    #: The one that they joined: their words are about no other.
    session_id: str
    participant_id: str
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Consents:
    """Takes participants' words."""

    def __init__(self, owners: Owners, horizon: Horizon) -> None:
        self._owners = owners
        self._horizon = horizon

    async def say(self, speaker: Speaker, *, consent: bool, text_version: str | None) -> None:
        """Take a participant's word at this moment. Returns when it is in the log, however long that takes."""
        with self._horizon.saying() as moment:
            word = SetConsent(
                at=moment,
                room_id=speaker.room_id,
                session_id=speaker.session_id,
                participant_id=speaker.participant_id,
                consent=consent,
                text_version=text_version,
            )
            async with speaker.turn:
                await self._insist(word)

    async def _insist(self, word: SetConsent) -> None:
        context = Context.begin(participant(word.participant_id))
        while True:
            try:
                await self._owners.ask(word, context, Accepted)
            except BusError as error:
                _log.warning("consent waits", participant_id=word.participant_id, error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return
