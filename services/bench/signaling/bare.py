"""What a gateway is compared with: the same messages between the same people, by a server that does nothing else.

It keeps no log, checks nobody and knows no service: uvicorn with the gateway's settings, and a dictionary of rooms.
What it sends has the form and the length of what a gateway sends.

`python -m services.bench.signaling.bare`, on ONRECORD_HTTP_PORT.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any

import jwt
import uvicorn
import uvloop
from prometheus_client import generate_latest

from shared.concurrency.supervision import supervised
from shared.runtime.collector import collect_seldom
from shared.runtime.loop_lag import watch_loop

_MOMENT = "2030-01-01T00:00:00.000000Z"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Bare:
    """The ASGI application."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._rooms: dict[str, dict[str, Send]] = defaultdict(dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._signal(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self._body(scope)})

    def _body(self, scope: Scope) -> bytes:
        return generate_latest() if scope["path"] == "/metrics" else json.dumps(self._answer(scope)).encode()

    def _answer(self, scope: Scope) -> dict[str, str]:
        """Return what a gateway answers; the ticket here tells who goes where."""
        if not scope["path"].endswith("/start"):
            return {"roomId": f"bare-room-{next(self._numbers):04}"}
        bearer = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        claims = jwt.decode(bearer, options={"verify_signature": False})
        return {"ticket": f"{scope['path'].split('/')[3]}~{claims['participantId']}"}

    async def _signal(self, scope: Scope, receive: Receive, send: Send) -> None:
        protocol, ticket = scope["subprotocols"]
        room_id, _, me = ticket.removeprefix("ticket#").partition("~")
        room = self._rooms[room_id]
        await receive()
        await send({"type": "websocket.accept", "subprotocol": protocol})
        while (message := await receive())["type"] == "websocket.receive":
            said = json.loads(message["text"])["payload"]
            match said["action"]:
                case "ping":
                    await send(_message("echo", {"action": "ping"}))
                case "join":
                    others = [_peer(each) for each in room]
                    await send(_message("control", {"message": "join_success", "id": me, "participants": others}))
                    await self._tell(room, me, {"message": "joined", **_peer(me)})
                    room[me] = send
                case "set_consent":
                    await self._tell(room, me, {"message": "update", **_peer(me, consents=said["consent"])})
        room.pop(me, None)
        await self._tell(room, me, {"message": "left", "id": me})

    async def _tell(self, room: dict[str, Send], about: str, payload: dict[str, Any]) -> None:
        message = _message("control", payload)
        for name, send in list(room.items()):
            if name != about:
                with suppress(OSError):  # they are gone, and have not been taken out yet
                    await send(message)


def _message(namespace: str, payload: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps({"namespace": namespace, "timestamp": _MOMENT, "payload": payload})
    return {"type": "websocket.send", "text": text}


def _peer(participant_id: str, *, consents: bool = False) -> dict[str, Any]:
    return {
        "id": participant_id,
        "control": {
            "display_name": participant_id,
            "role": "user",
            "participation_kind": "user",
            "hand_is_up": False,
            "joined_at": _MOMENT,
            "hand_updated_at": _MOMENT,
            "left_at": None,
        },
        "recording": {"consents_recording": consents},
    }


async def _serve() -> None:
    config = uvicorn.Config(
        Bare(),
        host="127.0.0.1",
        port=int(os.environ["ONRECORD_HTTP_PORT"]),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="websockets-sansio",
        backlog=1024,
        ws_max_size=1_000_000,
    )
    collect_seldom()
    async with supervised(watch_loop()):
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(_serve())
