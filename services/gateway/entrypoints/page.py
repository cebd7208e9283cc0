"""The page at `/`: its files, as they are, and what they may do in a browser."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath
from typing import Self

from fastapi import APIRouter, HTTPException, Request, Response

_FOLDER = files("services.gateway") / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: A host, and perhaps a port (RFC 3986 section 3.2). What else clients send as one is not repeated to them.
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")
_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self)",
}
#: Content Security Policy, level 3. Recordings are played from `blob:`.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'"
)


@dataclass(frozen=True, slots=True)
class PageFile:
    content: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Self:
        return cls(content, _TYPES[PurePath(name).suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def page_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    page = {each.name: PageFile.of(each.name, each.read_bytes()) for each in _FOLDER.iterdir() if each.is_file()}

    @router.head("/")
    @router.get("/")
    async def index(request: Request) -> Response:
        return _answer(page["index.html"], request)

    @router.head("/page/{name}")
    @router.get("/page/{name}")
    async def part(name: str, request: Request) -> Response:
        if name not in page:
            raise HTTPException(404)
        return _answer(page[name], request)

    return router


def _answer(file: PageFile, request: Request) -> Response:
    headers = {**_HEADERS, "ETag": file.etag, "Content-Security-Policy": _policy(request.headers.get("host", ""))}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _policy(host: str) -> str:
    """Return the policy, with this host's WebSockets by name: not every browser takes them for 'self'."""
    return f"{_POLICY} ws://{host} wss://{host}" if _HOST.fullmatch(host) else _POLICY
