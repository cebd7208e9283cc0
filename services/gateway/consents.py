"""What participants, and servers for them, say about being recorded, on its way to the consent service and back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from services.gateway.domain.room_life import Room
from services.gateway.rooms import Rooms
from shared.contracts import actors
from shared.contracts.consent import AttestConsent, SetConsent, consent_stream
from shared.contracts.recording import recording_stream
from shared.contracts.reply import Accepted
from shared.contracts.yeses import Yeses
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.horizon import DECIDING, Horizon
from shared.eventsourcing.insisting import until_answered
from shared.eventsourcing.store import EventStore
from shared.messaging.asking import Owners
from shared.messaging.errors import BusError


@dataclass(frozen=True, slots=True)
class Speaker:
    """A participant whose words reach the log in the order in which they were said."""

    room_id: str
    #: The one that they joined: their words are about no other.
    session_id: str
    participant_id: str
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: Moments of their noes that are not in the log yet.
    noes: list[datetime] = field(default_factory=list)

    def gone_by(self, moment: datetime) -> datetime:
        """Return the moment that they leave at whose connection ended then.

        A no that waits may outlive whoever holds the watermark for it; that they have left closes the media as well.
        """
        return min([moment, *self.noes])

    @contextmanager
    def saying(self, moment: datetime, *, consent: bool) -> Iterator[None]:
        if not consent:
            self.noes.append(moment)
        try:
            yield
        finally:
            if not consent:
                self.noes.remove(moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A server's word that somebody agreed."""

    room_id: str
    session_id: str
    participant_id: str
    #: The API key of the server.
    attested_by: str
    #: Where it keeps its own record of the consent.
    reference: str | None = None


class Consents:
    """Takes the words of participants and of servers."""

    def __init__(self, owners: Owners, horizon: Horizon) -> None:
        self._owners = owners
        self._horizon = horizon

    async def say(self, speaker: Speaker, *, consent: bool, text_version: str | None) -> None:
        """Take a participant's word at this moment. Returns when it is in the log, however long that takes.

        A no is taken even where nothing else is. Raises LogUnavailableError.
        """
        taking = self._horizon.saying if consent else self._horizon.holding
        # Who cuts this off leaves open whether the last time that it was asked led to it.
        with taking(lingering=self._owners.patience + DECIDING) as moment, speaker.saying(moment, consent=consent):
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

    async def attest(self, voucher: Voucher, actor: str) -> None:
        """Take a server's word at this moment. Returns when it is in the log.

        Raises CommandRefusedError when the participant said no themselves, and BusError.
        """
        with self._horizon.saying() as moment:
            command = AttestConsent(
                at=moment,
                room_id=voucher.room_id,
                session_id=voucher.session_id,
                participant_id=voucher.participant_id,
                attested_by=voucher.attested_by,
                reference=voucher.reference,
            )
            await self._owners.ask(command, Context.begin(actor), Accepted)

    async def _insist(self, word: SetConsent) -> None:
        context = Context.begin(actors.participant(word.participant_id))
        what = f"consent of {word.participant_id}"
        await until_answered(lambda: self._owners.ask(word, context, Accepted), what, (BusError,))


class CurrentConsents:
    """Tells who consents as the log has it now, which is further than what this gateway has heard."""

    def __init__(self, store: EventStore, rooms: Rooms) -> None:
        self._store = store
        self._rooms = rooms

    async def hold(self, room_id: str, session_id: str, participant_id: str) -> bool:
        """Tell whether the participant consents in a session. Raises LogUnavailableError."""
        words = [
            decode(stored)
            for stream in (recording_stream(session_id), consent_stream(session_id, participant_id))
            for stored in await self._store.read(stream)
        ]
        # After their words: whoever left since has left.
        yeses = _before_words(await self._rooms.room(room_id), session_id, participant_id)
        for word in words:
            yeses = yeses.after(word)
        return yeses.holds(participant_id)


def _before_words(room: Room, session_id: str, participant_id: str) -> Yeses:
    """Return what a participant's yes has to be newer than, as their room says."""
    clears = room.settings.consent_policy == "clear"
    left = room.left_by(participant_id) if room.session_id == session_id else None
    return Yeses(clears, ended={participant_id: left} if clears and left else {})
