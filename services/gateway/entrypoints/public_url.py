"""Where clients reach the gateway."""

from __future__ import annotations

from fastapi import Request


def url_of(request: Request, public_url: str | None) -> str:
    """Return where clients reach the gateway, without a slash at its end: as it is set, or as this request came."""
    return (public_url or str(request.base_url)).rstrip("/")
