"""The bound on what a request may carry."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Several times what any request here needs.
BODY_LIMIT = 64 * 1024


class BodyLimit:
    """Refuses a longer body with 413 before it is in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > BODY_LIMIT:
                raise HTTPException(413, f"the body is longer than {BODY_LIMIT} bytes")
            return message

        await self._app(scope, bounded if scope["type"] == "http" else receive, send)
