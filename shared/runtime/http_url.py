"""Addresses of HTTP servers that people outside typed in. Pure."""

from __future__ import annotations

import httpx


def http_url(text: str) -> httpx.URL:
    """Return it taken apart, with its host's letters of all scripts in ASCII. Raises ValueError unless it can be asked.

    Everything is looked at here, and nothing later: parts of a parsed URL are read lazily, and may raise by themselves.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from error
    if url.scheme not in ("http", "https"):
        raise ValueError("it begins neither with http:// nor with https://")
    if url.port is not None and not 1 <= url.port <= 65535:
        raise ValueError("its port is not between 1 and 65535")
    # Encoded as TLS and resolvers do it, which refuse labels that are empty or too long.
    if not url.host or not url.raw_host.decode().encode("idna"):
        raise ValueError("it has no host")
    return url
