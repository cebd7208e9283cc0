"""Which pages of other origins may use REST from a browser (CORS, the Fetch standard section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

_OF_FILES = ("Content-Disposition", "Content-Range", "Recording-Id")
#: RFC 9725 section 4.1.
_OF_WHIP = ("Accept-Patch", "ETag", "Link", "Location")


def allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    """Let pages of these origins call it; `*` is any.

    Preflights carry no token and need none. Tokens are sent by the page itself and never by the browser, so any origin
    may be allowed: a page that has no token gets nothing.
    """
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["*"],
        allow_headers=["Authorization", "Content-Type", "If-Match"],
        expose_headers=[*_OF_FILES, *_OF_WHIP, "Retry-After"],
    )
