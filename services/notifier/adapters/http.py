"""Posting to a webhook target."""

from __future__ import annotations

import asyncio
from uuid import UUID

import httpx

_TIMEOUT_SECONDS = 10


class HttpPoster:
    """Posts JSON; follows no redirects, so that a target cannot send us elsewhere."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False)

    async def post(self, url: str, body: bytes, webhook_id: UUID) -> int:
        """Return the status that the target answered with. Raises httpx.HTTPError and httpx.InvalidURL.

        The id is the same whenever the same is told again, as after a crash: the target may drop what it knows.
        """
        headers = {"Content-Type": "application/json", "webhook-id": str(webhook_id)}
        try:
            # The client's own limit is one for each read: an answer that drips in would never end.
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                response = await self._client.post(url, content=body, headers=headers)
        except TimeoutError:
            raise httpx.ReadTimeout(f"no whole answer within {_TIMEOUT_SECONDS} s") from None
        return response.status_code

    async def close(self) -> None:
        await self._client.aclose()
