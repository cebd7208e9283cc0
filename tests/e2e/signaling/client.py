"""A signaling client as anybody would write one from the published protocol: websockets, httpx and PyJWT alone."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = "opentalk-signaling-json-v1.0"
OLD_PROTOCOL = "k3k-signaling-json-v1.0"
#: Far more than any answer takes: tests share their machine, and a client that waits this long was forgotten.
LIMIT_SECONDS = 60

PERMISSIONS = {"moderator": ["allow_join", "allow_mod"], "user": ["allow_join"], "guest": []}

#: What every `new Date()` reads: RFC 3339 in UTC, up to nanoseconds.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")

Payload = dict[str, Any]


class Heard(NamedTuple):
    """What a client was told."""

    namespace: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Site:
    """Where the gateways are, and the key that tokens are signed with."""

    urls: tuple[str, ...]
    api_key: str
    api_secret: str

    def token(self, participant_id: str | None = None, role: str = "user", **claims: Any) -> str:
        """Make a token as the published scheme says; `claims` add to it or replace what it holds."""
        now = datetime.now(UTC)
        token = {"apikey": self.api_key, "permissions": PERMISSIONS[role], "version": 2}
        token |= {"iat": now, "exp": now + timedelta(hours=1)}
        token |= {"participantId": participant_id} if participant_id else {}
        return jwt.encode(token | claims, self.api_secret, "HS256")

    def server_token(self) -> str:
        return self.token(role="moderator", roles=["crawler"])

    async def request(
        self, method: str, path: str, body: Any = None, token: str | None = None, at: int = 0
    ) -> httpx.Response:
        """Ask a gateway over HTTP; without a body none is sent, and without a token no header."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(base_url=self.urls[at], timeout=LIMIT_SECONDS) as http:
            return await http.request(method, path, headers=headers, **({} if body is None else {"json": body}))

    async def post(self, path: str, body: Any = None, token: str | None = None, at: int = 0) -> httpx.Response:
        return await self.request("POST", path, body, token, at)

    async def create_room(self, **body: Any) -> str:
        answer = await self.post("/v2/rooms", body, self.server_token())
        assert answer.status_code == 200, answer.text
        return str(answer.json()["roomId"])

    async def ticket(self, room_id: str, token: str, at: int = 0, **body: Any) -> Payload:
        """Buy a ticket; return it with the resumption."""
        answer = await self.post(f"/v1/rooms/{room_id}/start", body, token, at)
        assert answer.status_code == 200, answer.text
        bought: Payload = answer.json()
        return bought

    def signaling(self, at: int = 0) -> str:
        return self.urls[at].replace("http", "ws", 1) + "/signaling"

    @asynccontextmanager
    async def connected(self, ticket: str, at: int = 0, name: str = "somebody") -> AsyncIterator[Client]:
        async with dialled(self.signaling(at), [PROTOCOL, f"ticket#{ticket}"]) as socket:
            client = Client(socket, name)
            try:
                yield client
            finally:
                await client.stop_listening()


def dialled(url: str, offered: Sequence[str]) -> connect:
    """Connect with these sub-protocols in this order, with no pings of our own."""
    return connect(url, subprotocols=[Subprotocol(each) for each in offered] or None, ping_interval=None)


class Client:
    """One connection. What it is told stays in `heard`, oldest first, until it is taken."""

    def __init__(self, socket: ClientConnection, name: str) -> None:
        self.name = name
        self.socket = socket
        #: What `join_success` said.
        self.welcome: Payload = {}
        self.heard: list[Heard] = []
        self.timestamps: list[str] = []
        self._expected = 0
        self._told = asyncio.Condition()
        self._ended = False
        self._listening = asyncio.create_task(self._listen())

    @property
    def id(self) -> str:
        return str(self.welcome["id"])

    @property
    def is_present(self) -> bool:
        return bool(self.welcome) and not self._ended

    async def send(self, namespace: str, **payload: Any) -> None:
        await self.say({"namespace": namespace, "payload": payload})

    async def say(self, message: Any) -> None:
        """Send any JSON."""
        await self.socket.send(json.dumps(message))

    async def join(self, display_name: str | None = None) -> Payload:
        """Join and return `join_success`; later it is no longer among what was heard."""
        named = {} if display_name is None else {"display_name": display_name}
        await self.send("control", action="join", **named)
        self.welcome = await self.expect("control", "join_success")
        self.drop(self.heard.index(Heard("control", self.welcome)))
        return self.welcome

    async def expect(self, namespace: str, message: str, **fields: Any) -> Payload:
        """Return the next such message that was not expected yet, past or to come. Others may come before it."""
        wanted = {"message": message, **fields}
        found = await self.find(lambda told: told.namespace == namespace and covers(wanted, told.payload), f"{wanted}")
        self._expected = found + 1
        return self.heard[found].payload

    async def find(self, matches: Callable[[Heard], bool], what: str, since: int | None = None) -> int:
        """Return where in `heard` the first match is, once it is there."""
        start = self._expected if since is None else since

        def search() -> int | None:
            return next((index for index in range(start, len(self.heard)) if matches(self.heard[index])), None)

        try:
            async with asyncio.timeout(LIMIT_SECONDS), self._told:
                await self._told.wait_for(lambda: search() is not None or self._ended)
        except TimeoutError:
            pass
        found = search()
        state = f"closed with {self.socket.close_code}" if self._ended else "open"
        assert found is not None, f"{self.name} ({state}) was not told {what}, but {self.heard[start:]}"
        return found

    def take(self) -> list[Heard]:
        """Return what was heard, and forget it."""
        heard, self.heard, self._expected = self.heard, [], 0
        return heard

    def drop(self, index: int) -> None:
        """Forget one thing that was heard."""
        del self.heard[index]
        self._expected -= index < self._expected

    async def echo(self, **payload: Any) -> None:
        """Have this connection come to the end of what it was sent before; leaves nothing in `heard`."""
        await self.send("echo", action="ping", **payload)
        wanted = Heard("echo", {"action": "ping", **payload})
        self.drop(await self.find(lambda told: told == wanted, "its echo", since=0))

    async def closed(self, within: float = LIMIT_SECONDS) -> int | None:
        """Return the close code, once the gateway has closed the connection."""
        async with asyncio.timeout(within), self._told:
            await self._told.wait_for(lambda: self._ended)
        return self.socket.close_code

    async def hang_up(self) -> None:
        await self.socket.close()
        await self._listening

    async def stop_listening(self) -> None:
        self._listening.cancel()
        for ended in await asyncio.gather(self._listening, return_exceptions=True):
            if isinstance(ended, AssertionError):
                raise ended

    async def _listen(self) -> None:
        try:
            async for text in self.socket:
                await self._hear(text)
        except ConnectionClosed:
            pass
        finally:
            async with self._told:
                self._ended = True
                self._told.notify_all()

    async def _hear(self, text: str | bytes) -> None:
        envelope = json.loads(text, parse_constant=_refuse)
        assert isinstance(text, str), "a browser parses text frames"
        assert envelope.keys() == {"namespace", "timestamp", "payload"}, envelope
        assert TIMESTAMP.fullmatch(envelope["timestamp"]), envelope["timestamp"]
        async with self._told:
            self.timestamps.append(envelope["timestamp"])
            self.heard.append(Heard(envelope["namespace"], envelope["payload"]))
            self._told.notify_all()


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON: a browser cannot parse it")


def covers(wanted: Any, actual: Any) -> bool:
    """Tell whether everything wanted is there; objects may hold more."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        return all(key in actual and covers(value, actual[key]) for key, value in wanted.items())
    return bool(wanted == actual)


def told(message: str, namespace: str = "recording", **fields: Any) -> Heard:
    return Heard(namespace, {"message": message, **fields})


def refused(code: str, namespace: str = "recording") -> Heard:
    return told("error", namespace, error=code)
