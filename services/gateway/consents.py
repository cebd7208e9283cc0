"""What participants, and servers for them, say about being recorded, on its way to the consent service and back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from services.gateway.handlers import participant
from services.gateway.projections.roster import Roster
from shared.contracts.consent import AttestConsent, SetConsent, consent_stream
from shared.contracts.recording import recording_stream
from shared.contracts.reply import Accepted
from shared.contracts.room import ConsentPolicy
from shared.contracts.yeses import Yeses
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.horizon import Horizon
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
        context = Context.begin(participant(word.participant_id))
        what = f"consent of {word.participant_id}"
        await until_answered(lambda: self._owners.ask(word, context, Accepted), what, (BusError,))


class CurrentConsents:
    """Tells who consents as the log has it now, which is further than what this gateway has heard."""

    def __init__(self, store: EventStore, roster: Roster) -> None:
        self._store = store
        self._roster = roster

    async def hold(self, room_id: str, session_id: str, policy: ConsentPolicy, participant_id: str) -> bool:
        """Tell whether the participant consents in a session. Raises LogUnavailableError."""
        yeses = self._heard(room_id, session_id, policy)
        for stream in (recording_stream(session_id), consent_stream(session_id, participant_id)):
            for stored in await self._store.read(stream):
                yeses = yeses.after(decode(stored))
        return yeses.holds(participant_id)

    def _heard(self, room_id: str, session_id: str, policy: ConsentPolicy) -> Yeses:
        """Return what this gateway has heard, to read the participant's own words on top of it.

        That somebody left is in their room's stream, which is as long as the room is old: so the roster is asked.
        """
        session = self._roster.session(room_id)
        if session is None or session.session_id != session_id:
            return Yeses.under(policy)
        return session.yeses
