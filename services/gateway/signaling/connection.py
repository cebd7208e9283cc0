"""One client's connection, from its ticket to its end."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog
from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from services.gateway.adapters.tickets import Admission
from services.gateway.hub import Hub
from services.gateway.projections.live_session import LiveSession
from services.gateway.signaling import commands, events
from services.gateway.signaling.actions import Actions, Participant
from services.gateway.signaling.envelope import ProtocolError, display_name, echoed, enveloped, parse
from services.gateway.signaling.join_success import join_success
from services.gateway.signaling.lives import Lives
from services.gateway.signaling.outbox import Outbox, OutboxFullError
from services.gateway.signaling.rate_limit import RateLimit
from shared.concurrency.clock import Clock
from shared.contracts.room import LeaveReason
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import LogUnavailableError

_log = structlog.get_logger()

#: Things that one client said and that are being done, before its next word is not heard.
_AT_ONCE = 100
#: How long it may take until somebody who is in the log is seen there.
_JOIN_SECONDS = 30
_COMPLAINT_SECONDS = 1.0
#: How long somebody who says too much may take to read what they are told.
_FAREWELL_SECONDS = 5.0
#: What is longer than this is no withdrawal.
_LONGEST_CONSENT = 1000

#: WebSocket close codes (RFC 6455 section 7.4.1 and the registry of section 11.7).
NORMAL, POLICY_VIOLATION, INTERNAL_ERROR, SERVICE_RESTART, TRY_AGAIN_LATER = 1000, 1008, 1011, 1012, 1013
#: How a client's connection ends that means to go: closed, gone to another page, closed without a word.
_MEANT = {1000, 1001, 1005}


@dataclass(frozen=True, slots=True)
class Signaling:
    """What a connection needs of the gateway."""

    actions: Actions
    hub: Hub
    clock: Clock
    lives: Lives = field(default_factory=Lives)


class Connection:
    """One client. What it says is heard at once and done in its order; what it is told waits in a bounded outbox."""

    def __init__(self, signaling: Signaling, websocket: WebSocket, admission: Admission) -> None:
        self.connection_id = str(uuid4())
        self.participant_id = admission.participant_id
        self.admission = admission
        self.resumption = admission.resumption
        self.asks_for_streams = False
        self._signaling = signaling
        self._websocket = websocket
        #: Who they are in the room, once they have joined.
        self._participant: Participant | None = None
        #: They may be in the log as present.
        self._entered = False
        self._outbox = Outbox()
        self._loop = asyncio.get_running_loop()
        self._limit = RateLimit(self._loop.time())
        self._complained_at = -math.inf
        #: Their last word may be a yes, perhaps by an earlier connection: a no is heard whatever the limit.
        self._consents = True
        self._sending: asyncio.Task[None] | None = None
        self._joining: asyncio.Task[None] | None = None
        #: The log has answered to the join.
        self._answered = asyncio.Event()
        #: What was said and is being done, for as long as the log takes to answer.
        self._doing: set[asyncio.Task[None]] = set()
        #: What is done until it is done, however long that takes.
        self._insisting: set[asyncio.Task[None]] = set()
        self._close_code = NORMAL
        self._reason: LeaveReason = "timeout"

    # --- what the client is told

    def tell(self, text: str) -> None:
        try:
            self._outbox.put(text)
        except OutboxFullError:
            _log.warning("client does not read", participant_id=self.participant_id)
            self._close(TRY_AGAIN_LATER, at_once=True)

    def dismiss(self, reason: LeaveReason) -> None:
        # After a restart of the service clients come back at once; who was sent away shall not.
        self._close(SERVICE_RESTART if reason == "timeout" else NORMAL)

    def _say(self, message: events.ServerMessage) -> None:
        self.tell(enveloped(message, self._signaling.clock()))

    def _close(self, code: int, *, at_once: bool = False) -> None:
        self._close_code = code
        self._outbox.close(at_once=at_once)
        if at_once and self._sending:
            self._sending.cancel()

    # --- its life

    async def serve(self) -> None:
        """Run until the client goes, or is sent away. Who is cut off meanwhile leaves all the same."""
        life = self._signaling.lives.begin(self._live())
        try:
            await asyncio.shield(life)
        except asyncio.CancelledError:
            self._close(SERVICE_RESTART, at_once=True)
            raise

    async def _live(self) -> None:
        self._sending = sending = asyncio.create_task(self._send())
        receiving = asyncio.create_task(self._receive())
        try:
            await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # From here on they are gone, however long it takes until that is in the log.
            with self._signaling.actions.rooms.leaving() as moment:
                await self._stop(sending, receiving)
                await self._be_gone(moment)
            # Their last word may be a withdrawal. Cut off with whoever waits for it.
            await asyncio.gather(*self._insisting, return_exceptions=True)

    async def _stop(self, *talking: asyncio.Task[None]) -> None:
        for task in talking:
            task.cancel()
        for ended in await asyncio.gather(*talking, return_exceptions=True):
            self._note(ended)
        self._outbox.close(at_once=True)
        _kept(asyncio.create_task(self._hang_up()), self._insisting)

    def _note(self, ended: BaseException | None) -> None:
        if isinstance(ended, Exception) and not isinstance(ended, WebSocketDisconnect):
            _log.error("connection failed", participant_id=self.participant_id, error=repr(ended))
            self._close_code = INTERNAL_ERROR

    async def _hang_up(self) -> None:
        if self._websocket.client_state is WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await self._websocket.close(self._close_code)

    async def _be_gone(self, moment: datetime) -> None:
        if self._joining:
            # What came of it must be known; who is gone need not see it.
            await self._answered.wait()
            self._joining.cancel()
            await asyncio.wait({self._joining})
        self._signaling.hub.remove(self.admission.room_id, self)
        if self._doing:
            # Who stops a recording and goes has stopped it. What insists on an answer may take for ever.
            await asyncio.wait(self._doing)
        if self._entered:
            await self._leave(self._participant.gone_by(moment) if self._participant else moment)

    async def _leave(self, moment: datetime) -> None:
        rooms, room_id = self._signaling.actions.rooms, self.admission.room_id
        # There may be no such room: then nobody came in.
        with contextlib.suppress(RefusedError):
            await rooms.leave(room_id, self.participant_id, self.connection_id, self._reason, moment)

    async def _send(self) -> None:
        try:
            while (text := await self._outbox.next()) is not None:
                await self._websocket.send_text(text)
        except WebSocketDisconnect:
            # What they said before they went is heard to its end: their last word may be a withdrawal.
            await asyncio.get_running_loop().create_future()

    # --- what the client says

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                self._reason = "quit" if message.get("code") in _MEANT else "timeout"
                return
            if self._joining:
                # Whoever says something while they join says it as one who has; that they are gone is heard at once.
                await asyncio.wait({self._joining})
            text = message.get("text") or message.get("bytes") or ""
            if self._hears(len(text)) or self._withdraws(text):
                await self._take(text)
            elif self._limit.is_abused:
                self._close(POLICY_VIOLATION)
                await asyncio.sleep(_FAREWELL_SECONDS)  # or until they were told what was on its way to them
                return
            else:
                self._complain()

    def _hears(self, length: int) -> bool:
        within = self._limit.admits(self._loop.time(), length)
        return within and len(self._doing) + len(self._insisting) < _AT_ONCE

    def _withdraws(self, text: str | bytes) -> bool:
        if not self._consents or len(text) > _LONGEST_CONSENT:
            return False
        try:
            said = parse(text, joined=self._participant is not None)
        except ProtocolError:
            return False
        return isinstance(said, commands.SetConsent) and not said.consent

    def _complain(self) -> None:
        if self._loop.time() - self._complained_at >= _COMPLAINT_SECONDS:
            self._complained_at = self._loop.time()
            self._say(events.RateLimitExceeded())

    async def _take(self, text: str | bytes) -> None:
        try:
            command = parse(text, joined=self._participant is not None)
            if isinstance(command, commands.Ping):
                self.tell(echoed(command, self._signaling.clock()))
            elif self._participant:
                self._act(self._participant, command)
            elif isinstance(command, commands.Join):
                name = display_name(command.display_name)
                self._answered.clear()
                self._joining = self._do(self._join(name), command)
            else:
                raise ProtocolError("not_yet_joined")
        except ProtocolError as error:
            self._say(events.error(error.namespace, error.code))

    def _act(self, participant: Participant, command: commands.ControlCommand | commands.RecordingCommand) -> None:
        if isinstance(command, commands.SetConsent):
            self._consents = command.consent
        elif isinstance(command, commands.StreamCommand):
            self.asks_for_streams = True
        self._do(participant.does(command), command)

    def _do(self, work: Coroutine[Any, Any, None], command: commands.Command) -> asyncio.Task[None]:
        # Not awaited: what finds its way to the log slowly must not keep the next word, a withdrawal, from being heard.
        task = asyncio.create_task(self._done(work, command))
        return _kept(task, self._insisting if isinstance(command, commands.SetConsent) else self._doing)

    async def _done(self, work: Coroutine[Any, Any, None], command: commands.Command) -> None:
        namespace = "recording" if isinstance(command, commands.RecordingCommand) else "control"
        try:
            await work
        except (ProtocolError, RefusedError) as error:
            self._say(events.error(namespace, error.code))
        except (LogUnavailableError, TimeoutError) as error:
            _log.warning("not done", participant_id=self.participant_id, error=repr(error))
            self._say(events.error(namespace, "internal"))
        except Exception as error:  # noqa: BLE001  whatever it is, it is this client's alone
            _log.error("not done", participant_id=self.participant_id, error=repr(error))
            self._say(events.error(namespace, "internal"))

    async def _join(self, name: str) -> None:
        admission, hub = self.admission, self._signaling.hub
        self._entered = True
        with hub.expecting(self.connection_id) as seen:
            try:
                await self._signaling.actions.rooms.join(
                    admission.room_id, self.participant_id, self.connection_id, name, admission.role
                )
            finally:
                self._answered.set()
            session = await self._seen(seen)
        # From here on nothing is awaited, so that no one's coming or going falls between the list and what is told.
        self._say(join_success(session, admission.room_id, self.participant_id))
        hub.add(admission.room_id, self)
        self._participant = Participant(
            self._signaling.actions, admission.room_id, session.session_id, self.participant_id
        )

    async def _seen(self, seen: asyncio.Future[None]) -> LiveSession:
        """Return the session once it has this connection's participant. Raises TimeoutError and ProtocolError."""
        if session := self._session():
            return session
        async with asyncio.timeout(_JOIN_SECONDS):
            await seen
        if session := self._session():
            return session
        self._close(NORMAL)  # They have come in by another connection since.
        raise ProtocolError("internal")

    def _session(self) -> LiveSession | None:
        session = self._signaling.hub.roster.session(self.admission.room_id)
        myself = session.present.get(self.participant_id) if session else None
        return session if myself and myself.connection_id == self.connection_id else None


def _kept(task: asyncio.Task[None], tasks: set[asyncio.Task[None]]) -> asyncio.Task[None]:
    """Return the task, which is among those until it is done."""
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task
