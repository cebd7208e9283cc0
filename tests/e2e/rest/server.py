"""A customer's server as anybody would write one from VideoSDK's documents: httpx and the standard library alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.rest.tokens import token

_LIMIT_SECONDS = 60
_OURS = "the server's own"


@dataclass(frozen=True, slots=True)
class Server:
    """Has a key and its secret, and speaks HTTP."""

    http: httpx.AsyncClient
    api_key: str
    api_secret: str
    #: Where files are stored, to see what is there and what is not.
    storage: Path

    def token(self, **claims: Any) -> str:
        """Return a token for REST; `claims` add to it or replace what it holds."""
        return token(self.api_key, self.api_secret, **{"roles": ["crawler"], "version": 2} | claims)

    async def ask(
        self, method: str, path: str, body: Any = None, token: str | None = _OURS, **headers: str
    ) -> httpx.Response:
        """Send it with the raw token; without a body neither body nor Content-Type is sent."""
        authorization = {"Authorization": self.token() if token == _OURS else token} if token else {}
        content = {} if body is None else {"json": body}
        return await self.http.request(method, path, headers={**authorization, **headers}, **content)

    async def get(self, path: str, **query: Any) -> Any:
        """Return what a GET answers."""
        return _told(await self.ask("GET", str(httpx.URL(path, params=query) if query else path)))

    async def post(self, path: str, body: Any = None) -> Any:
        return _told(await self.ask("POST", path, body))

    async def delete(self, path: str) -> Any:
        return _told(await self.ask("DELETE", path))

    async def refused(self, method: str, path: str, body: Any = None, token: str | None = _OURS) -> tuple[int, str]:
        """Return status and code of a refusal, after a look at its shape."""
        return refusal(await self.ask(method, path, body, token))

    async def until(self, path: str, holds: Callable[[Any], bool], within: float = _LIMIT_SECONDS) -> Any:
        """Ask until that holds of the answer, and return it. Raises TimeoutError."""
        got: Any = None
        try:
            async with asyncio.timeout(within):
                while not holds(got := await self.get(path)):  # noqa: ASYNC110  the deadline is above
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{path} still says {got}") from None
        return got


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an answer that has to be an error, after a look at its shape."""
    assert answer.headers["content-type"] == "application/json", answer.text
    body = answer.json()
    assert body.keys() == {"message", "code", "statusCode"}, body
    assert body["statusCode"] == answer.status_code >= 400
    assert body["message"]
    return answer.status_code, body["code"]


def _told(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, f"{answer.request.method} {answer.request.url}: {answer.text}"
    assert answer.headers["content-type"] == "application/json"
    return answer.json()
