"""WebSocket connections of clients that may not read, not answer, or be gone."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

#: How long a client that is sent away may take to read what it was sent before.
_FAREWELL_SECONDS = 10.0
#: Frames in a second that are no message of their own: fragments, pings and pongs. They cost time, and no rate limit of
#: messages counts them. Browsers send some dozens.
_FRAMES_A_SECOND = 1000
#: Bytes that are looked into before it is asked whether there were too many frames among them.
_SLICE = 4096
#: Close codes (RFC 6455 section 7.4.1): without a closing handshake, text that is none, too much of something.
_ABNORMAL, _INVALID_DATA, _POLICY_VIOLATION = 1006, 1007, 1008


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's, with an end for clients that do not take part in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counted_from = self.loop.time()
        self._frames = 0

    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated and not self.handshake_complete:
            # Nobody may say anything before they are let in. Uvicorn fails over it.
            return self.transport.abort()
        for begin in range(0, len(data), _SLICE):
            if not self.transport.is_closing():
                super().data_received(data[begin : begin + _SLICE])
        if self.conn.handshake_exc and not self.transport.is_closing():
            # Not even a request, or one with too many headers: Uvicorn would keep the connection, without an answer.
            self.transport.writelines(self.conn.data_to_send())
            self.transport.close()
        return None

    def handle_parser_exception(self) -> None:
        self.handle_events()  # what was said before the breach of the protocol was said
        if not self.close_sent:
            super().handle_parser_exception()
            self._cut_off_soon()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._cut_off_soon()

    def handle_cont(self, event: Frame) -> None:
        self._count()
        super().handle_cont(event)

    def handle_ping(self) -> None:
        self._count()
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        self._count()
        super().handle_pong(event)

    def _count(self) -> None:
        if self.loop.time() - self._counted_from >= 1:
            self._counted_from, self._frames = self.loop.time(), 0
        self._frames += 1
        if self._frames > _FRAMES_A_SECOND:
            self._fail(_POLICY_VIOLATION)

    def send_receive_event_to_app(self) -> None:
        if self.close_sent:
            self._count()
        try:
            if self.curr_msg_data_type == "text":
                b"".join(self.frames).decode()
        except UnicodeDecodeError:
            # Uvicorn would write a traceback, as often as a client likes.
            return self._fail(_INVALID_DATA)
        return super().send_receive_event_to_app()

    def _fail(self, code: int) -> None:
        self.frames = []
        if self.close_sent:
            self.transport.pause_reading()  # sent away already, and goes on: it is cut off in a moment
        else:
            self.conn.fail(code)
            self.handle_parser_exception()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            # A client that does not read is not waited for.
            self.writable.set()
            self._cut_off_soon()
        await self.writable.wait()
        if self.close_sent and message["type"] == "websocket.send":
            raise ClientDisconnected  # they broke the protocol: Uvicorn would take it for a mistake of ours
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # by a refusal: else Uvicorn logs an error for each wrong ticket

    def _cut_off_soon(self) -> None:
        # A client that does not read what is still on its way does not keep its connection for ever.
        self.loop.call_later(_FAREWELL_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # Nobody is there to read what is still on its way: else it would be tried for a quarter of an hour.
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        # Uvicorn says 1005, as of a client that closes without a code.
        self.queue.put_nowait({"type": "websocket.disconnect", "code": _ABNORMAL})
        super().connection_lost(exc)
