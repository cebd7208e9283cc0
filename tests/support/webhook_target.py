"""A webhook target: a real HTTP server that keeps what is posted to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request

from shared.runtime.http import serving


@dataclass(slots=True)
class WebhookTarget:
    url: str = ""
    #: Bodies in the order in which they came, with their ids.
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def types(self) -> Counter[str]:
        """Count what was told, by webhookType; what came again with the same id counts once."""
        return Counter(body["webhookType"] for body in dict(self.posted).values())


@asynccontextmanager
async def webhook_target() -> AsyncIterator[WebhookTarget]:
    target = WebhookTarget()
    app = FastAPI()

    @app.post("/hook")
    async def hook(request: Request) -> str:
        target.posted.append((request.headers["webhook-id"], await request.json()))
        return "ok"

    async with serving(app, "127.0.0.1", 0) as port:
        target.url = f"http://127.0.0.1:{port}/hook"
        yield target
