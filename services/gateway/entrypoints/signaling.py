"""The signaling WebSocket: one connection from ticket to leave."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import structlog
from fastapi import APIRouter, WebSocket
from fastapi.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect, WebSocketState

from services.gateway.adapters.tickets import LENGTH, Admission, Tickets
from services.gateway.entrypoints import signaling_protocol as protocol
from services.gateway.handlers import Rooms
from services.gateway.hub import Hub
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import LogUnavailableError
from shared.messaging.errors import BusError
from shared.runtime.clock import Clock

_log = structlog.get_logger()

#: Messages that may wait for a client that reads slowly, before it is disconnected.
_OUTBOX = 1000
#: Actions of one client that may be under way before its next word is waited with.
_AT_ONCE = 100
_JOIN_SECONDS = 10
#: WebSocket close codes (RFC 6455 section 7.4.1).
_NORMAL = 1000
#: In place of a message: close, all has been said.
_CLOSE = ""


@dataclass(frozen=True, slots=True)
class Signaling:
    """What a connection needs of the gateway."""

    rooms: Rooms
    hub: Hub
    tickets: Tickets
    clock: Clock


def signaling_router(signaling: Signaling) -> APIRouter:
    router = APIRouter()

    @router.websocket("/signaling")
    async def connect(websocket: WebSocket) -> None:
        offered = websocket.scope["subprotocols"]
        chosen = protocol.select_protocol(offered)
        if chosen is None:
            return await _deny(websocket, 400, "missing_protocol")
        ticket = protocol.find_ticket(offered)
        if ticket is None:
            return await _deny(websocket, 401, "missing_ticket")
        admission = await signaling.tickets.redeem(ticket) if len(ticket) == LENGTH else None
        if admission is None:
            return await _deny(websocket, 401, "invalid_ticket")
        await websocket.accept(subprotocol=chosen)
        return await Connection(signaling, websocket, admission).serve()

    return router


async def _deny(websocket: WebSocket, status: int, code: str) -> None:
    await websocket.send_denial_response(JSONResponse({"code": code, "message": _DENIALS[code]}, status))


_DENIALS = {
    "missing_protocol": f"offer {protocol.PROTOCOLS[0]} as a WebSocket sub-protocol",
    "missing_ticket": "offer ticket#<ticket> as a WebSocket sub-protocol; POST /v1/rooms/{id}/start gives one",
    "invalid_ticket": "the ticket is unknown, used or older than 30 s: ask for a new one",
}


class Connection:
    """One client. What it says is heard at once and done in its order; what it is told waits in a bounded outbox."""

    def __init__(self, signaling: Signaling, websocket: WebSocket, admission: Admission) -> None:
        self.participant_id = admission.participant_id
        self._signaling = signaling
        self._websocket = websocket
        self._admission = admission
        #: They are in the log as present, and, once joined, are told what happens.
        self._entered = self._joined = False
        self._outbox: asyncio.Queue[str] = asyncio.Queue(_OUTBOX)
        self._sending: asyncio.Task[None] | None = None
        self._consent_turn = asyncio.Lock()
        self._recording_turn = asyncio.Lock()
        #: What was said and is being done.
        self._doing: set[asyncio.Task[None]] = set()

    def tell(self, namespace: str, payload: Mapping[str, Any]) -> None:
        try:
            self._outbox.put_nowait(protocol.envelope(namespace, payload, self._signaling.clock()))
        except asyncio.QueueFull:
            _log.warning("client does not read", participant_id=self.participant_id)
            if self._sending:
                self._sending.cancel()

    async def close(self) -> None:
        """Close the connection once what is in the outbox has been sent."""
        await self._outbox.put(_CLOSE)

    async def serve(self) -> None:
        """Run until the client goes, or is sent away."""
        self._sending = sending = asyncio.create_task(self._send())
        receiving = asyncio.create_task(self._receive())
        try:
            await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, receiving):
                task.cancel()
            for ended in await asyncio.gather(sending, receiving, return_exceptions=True):
                self._note(ended)
            await self._leave()

    def _note(self, ended: BaseException | None) -> None:
        if isinstance(ended, Exception) and not isinstance(ended, WebSocketDisconnect):
            _log.error("connection failed", participant_id=self.participant_id, error=repr(ended))

    async def _send(self) -> None:
        while (text := await self._outbox.get()) is not _CLOSE:
            await self._websocket.send_text(text)
        if self._websocket.client_state is WebSocketState.CONNECTED:
            await self._websocket.close(_NORMAL)

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            await self._take(message.get("text") or message.get("bytes") or "")
            if len(self._doing) >= _AT_ONCE:
                await asyncio.wait(self._doing, return_when=asyncio.FIRST_COMPLETED)

    async def _take(self, text: str | bytes) -> None:
        try:
            action = protocol.parse(text)
            if isinstance(action, protocol.Join):
                await self._join(action)
            elif self._joined:
                self._act(action)
        except protocol.ProtocolError as error:
            # Before they are in, people are answered only where they tried to come in.
            if self._joined or error.code != "invalid_namespace":
                self.tell("control", protocol.error(error.code))
        except (RefusedError, LogUnavailableError, BusError, TimeoutError) as error:
            _log.warning("not joined", participant_id=self.participant_id, error=repr(error))
            self.tell("control", protocol.error(getattr(error, "code", "internal")))

    async def _join(self, action: protocol.Join) -> None:
        if self._joined:
            raise protocol.ProtocolError("already_joined")
        name = protocol.display_name(action.display_name)
        admission, hub = self._admission, self._signaling.hub
        self._entered = True
        position = await self._signaling.rooms.join(admission.room_id, self.participant_id, name, admission.role)
        session = await hub.reached(admission.room_id, position, _JOIN_SECONDS)
        if session is None or self.participant_id not in session.peers:
            raise protocol.ProtocolError("internal")
        # From here to the hub nothing is awaited, so that no one's coming or going falls between list and notices.
        self.tell("control", protocol.join_success(session, self.participant_id))
        replaced = hub.add(admission.room_id, self)
        self._joined = True
        if isinstance(replaced, Connection):
            await replaced.close()

    def _act(self, action: protocol.Start | protocol.Stop | protocol.SetConsent | protocol.Ping) -> None:
        match action:
            case protocol.Ping():
                self.tell("echo", {"action": "ping"})
            case protocol.SetConsent():
                self._do(self._say_consent(consent=action.consent))
            case protocol.Start() | protocol.Stop():
                self._do(self._control_recording(action))
            case _:
                assert_never(action)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        # Not awaited: what finds its way to the log slowly must not keep the next word, a withdrawal, from being heard.
        task = asyncio.create_task(work)
        self._doing.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._doing.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("not done", participant_id=self.participant_id, error=repr(error))
            self.tell("control", protocol.error("internal"))

    async def _say_consent(self, *, consent: bool) -> None:
        await self._signaling.rooms.set_consent(
            self._admission.room_id, self.participant_id, consent=consent, turn=self._consent_turn
        )

    async def _control_recording(self, action: protocol.Start | protocol.Stop) -> None:
        rooms, room_id = self._signaling.rooms, self._admission.room_id
        try:
            async with self._recording_turn:
                if isinstance(action, protocol.Start):
                    await rooms.start_recording(room_id, self.participant_id)
                else:
                    await rooms.stop_recording(room_id, self.participant_id, action.recording_id)
        except RefusedError as error:
            self.tell("recording", protocol.error(error.code))
        except ValueError:
            self.tell("recording", protocol.error("invalid_recording_id"))

    async def _leave(self) -> None:
        if self._doing:
            await asyncio.wait(self._doing)
        if self._entered and self._signaling.hub.remove(self._admission.room_id, self):
            await self._signaling.rooms.leave(self._admission.room_id, self.participant_id, "quit")
