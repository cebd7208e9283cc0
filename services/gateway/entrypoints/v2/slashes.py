"""One slash at the end of a path of REST v2 means nothing: VideoSDK's documents write it, and its clients do not."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX = "/v2/"


class OneTrailingSlash:
    """Takes it away before the path is looked up. A redirect would not do: clients take nothing but 200."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(_PREFIX) and path.endswith("/") and path != _PREFIX:
            scope = {**scope, "path": path[:-1]}
        await self._app(scope, receive, send)
