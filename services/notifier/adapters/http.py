"""Posting to a webhook target."""

from __future__ import annotations

import httpx

_TIMEOUT_SECONDS = 10


class HttpPoster:
    """Posts JSON; follows no redirects, so that a target cannot send us elsewhere."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False)

    async def post(self, url: str, body: bytes) -> int:
        """Return the status that the target answered with. Raises httpx.HTTPError and httpx.InvalidURL."""
        response = await self._client.post(url, content=body, headers={"Content-Type": "application/json"})
        return response.status_code

    async def close(self) -> None:
        await self._client.aclose()
