"""People who do what the fuzz test tells them, and what the log makes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from services.consent.domain.consent import CONSENT
from services.gateway.domain.recording import RECORDING
from services.gateway.domain.room import ROOM
from services.gateway.domain.room_life import Room
from services.gateway.signaling import events as told
from shared.contracts.consent import consent_stream
from shared.contracts.recording import recording_stream
from shared.contracts.room import room_stream
from tests.e2e.hostile.gateway import Gateway
from tests.e2e.hostile.steps import SEATS, Enter, HangUp, Say, Step
from tests.e2e.signaling.client import PROTOCOL, Site, dialled

_SECONDS = 20

_KNOWN: dict[tuple[str, str], TypeAdapter[Any]] = {
    (model.namespace, model.model_fields["message"].default): TypeAdapter(model)
    for model in told.MESSAGES
    if "message" in model.model_fields
}


def require_known(text: str | bytes) -> dict[str, Any]:
    """Return the message, which must be one that is documented, with nothing missing and nothing more."""
    envelope = json.loads(text)
    assert envelope.keys() == {"namespace", "timestamp", "payload"}, envelope
    namespace, payload = envelope["namespace"], envelope["payload"]
    if namespace == "echo":
        assert payload["action"] == "ping", envelope
        return dict(envelope)
    message = _KNOWN[namespace, payload["message"]]
    assert message.dump_python(message.validate_json(json.dumps(payload)), mode="json") == payload
    if payload["message"] == "error":
        assert payload["error"] in told.ERRORS[namespace], envelope
    return dict(envelope)


@dataclass(eq=False)
class Guest:
    """One connection."""

    name: str
    socket: ClientConnection
    joined: bool = False
    open: bool = True
    wrong: list[str] = field(default_factory=list)
    answers: int = 0

    async def listen(self) -> None:
        with suppress(ConnectionClosed):
            async for text in self.socket:
                try:
                    self._hear(require_known(text))
                except Exception as error:  # noqa: BLE001  kept for the test, which is told at its end
                    self.wrong.append(f"{error!r} at {text!r}")
        self.open = False

    def _hear(self, envelope: dict[str, Any]) -> None:
        if envelope["payload"].get("message") == "join_success":
            self.joined = True
        self.answers += envelope["namespace"] == "echo"

    async def say(self, data: str | bytes) -> None:
        with suppress(ConnectionClosed):
            await self.socket.send(data)

    async def settle(self) -> None:
        """Return once it was heard to its end, or the connection is none any more."""
        before = self.answers
        await self.say('{"namespace": "echo", "payload": {"action": "ping"}}')
        async with asyncio.timeout(_SECONDS):
            while self.open and self.answers == before:  # noqa: ASYNC110  the deadline is above
                await asyncio.sleep(0.01)


class Party:
    """Several connections to one room."""

    def __init__(self, site: Site, room_id: str, stack: AsyncExitStack) -> None:
        self.site, self.room_id = site, room_id
        self.guests: list[Guest] = []
        self._seats: dict[int, Guest] = {}
        self._stack = stack

    async def do(self, step: Step) -> None:
        match step:
            case Enter():
                await self._enter(step.seat, joins=step.joins)
            case HangUp():
                if guest := self._seats.pop(step.seat, None):
                    await self._hang_up(guest, step.how)
            case Say():
                guest = self._seats.get(step.seat) or await self._enter(step.seat, joins=True)
                await guest.say(step.data)

    async def settle(self) -> None:
        await asyncio.gather(*(each.settle() for each in self.guests if each.open))

    async def leave(self) -> None:
        await asyncio.gather(*(each.socket.close() for each in self.guests))

    async def _enter(self, seat: int, *, joins: bool) -> Guest:
        name = SEATS[seat]
        role = "moderator" if name == "mona" else "user"
        bought = await self.site.ticket(self.room_id, self.site.token(name, role))
        offered = [PROTOCOL, f"ticket#{bought['ticket']}"]
        socket = await self._stack.enter_async_context(dialled(self.site.signaling(), offered))
        guest = self._seats[seat] = Guest(name, socket)
        self.guests.append(guest)
        self._stack.push_async_callback(_ended, asyncio.create_task(guest.listen()))
        if joins:
            await guest.say(json.dumps({"namespace": "control", "payload": {"action": "join", "display_name": name}}))
        return guest

    async def _hang_up(self, guest: Guest, how: str) -> None:
        if how == "abort":
            guest.socket.transport.abort()
        else:
            await guest.socket.close()

    async def welcome(self) -> dict[str, Any]:
        """Return what somebody new is told of the room, who leaves at once."""
        bought = await self.site.ticket(self.room_id, self.site.token())
        async with dialled(self.site.signaling(), [PROTOCOL, f"ticket#{bought['ticket']}"]) as socket:
            await socket.send('{"namespace": "control", "payload": {"action": "join", "display_name": "Newcomer"}}')
            async with asyncio.timeout(_SECONDS):
                payload: dict[str, Any] = require_known(await socket.recv())["payload"]
            return payload


async def _ended(listening: asyncio.Task[None]) -> None:
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


# ---------------------------------------------------------------------------------------------- what the log explains


@dataclass(frozen=True)
class Account:
    """A room: who is there with which name, role and hand, who consents, and what is recorded."""

    present: Mapping[str, tuple[str, str, bool]]
    consenting: frozenset[str]
    recording: str | None


async def told_account(party: Party) -> Account:
    """Return what the gateway tells somebody who comes in."""
    welcome = await party.welcome()
    others = {each["id"]: each for each in welcome["participants"] if each["control"]["left_at"] is None}
    named = {
        each: (other["control"]["display_name"], other["control"]["role"], other["control"]["hand_is_up"])
        for each, other in others.items()
    }
    consenting = frozenset(each for each, other in others.items() if other["recording"]["consents_recording"])
    return Account(named, consenting, welcome["recording"].get("recording_id"))


async def logged_room(gateway: Gateway, room_id: str) -> Room:
    return ROOM.fold(await gateway.history(room_stream(room_id)))  # type: ignore[arg-type]  # they are its events


async def logged_account(gateway: Gateway, room_id: str) -> Account:
    """Return what the log says, folded by the domains of its owners."""
    room = await logged_room(gateway, room_id)
    named = {each: (who.display_name, who.role, who.hand_is_up) for each, who in room.participants.items()}
    if room.session_id is None:
        return Account(named, frozenset(), None)
    consenting = [each for each in named if await _consents(gateway, room.session_id, each)]
    running = RECORDING.fold(await gateway.history(recording_stream(room.session_id))).running  # type: ignore[arg-type]
    return Account(named, frozenset(consenting), running.recording_id if running and running.started else None)


async def _consents(gateway: Gateway, session_id: str, participant_id: str) -> bool:
    events = await gateway.history(consent_stream(session_id, participant_id))
    return CONSENT.fold(events).answer == "given"  # type: ignore[arg-type]


async def registered(gateway: Gateway, session_id: str) -> frozenset[str]:
    """Return who consents now, as the register has it."""
    rows = await gateway.pool.fetch(
        """SELECT participant_id FROM consent_register.words
           WHERE session_id = $1 AND answer = 'given' AND since <= clock_timestamp()
             AND (until IS NULL OR until > clock_timestamp())""",
        session_id,
    )
    return frozenset(row["participant_id"] for row in rows)
