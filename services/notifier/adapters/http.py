"""Posting to a webhook target."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpcore

from services.notifier.adapters.addresses import Network
from services.notifier.adapters.errors import (
    TargetAnswerError,
    TargetSilentError,
    TargetUnreachableError,
    TargetUrlError,
)
from services.notifier.adapters.guarded_network import GuardedNetwork, Resolve, Resolver
from shared.runtime.http_url import http_url

#: For all of it: looking up the name, connecting, posting, and the answer's head.
_TIMEOUT_SECONDS = 10.0
#: The status is all we want. So much of the rest is read, for so long, that the connection can be used again.
_READ_BYTES = 64 * 1024
_READ_SECONDS = 1.0
#: Connections that are kept open for the next webhook, and for how long.
_IDLE_CONNECTIONS = 50
_IDLE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept of a target's answer."""

    status: int
    #: The header, as it came.
    retry_after: str | None = None


class HttpPoster:
    """Posts to addresses that it may post to. It follows no redirects and knows no proxies."""

    def __init__(self, allowed: Sequence[Network], connections: int, resolve: Resolve | None = None) -> None:
        # As many lookups as connections: names whose servers are dead never have all threads.
        self._resolver = Resolver(connections)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=connections,
            max_keepalive_connections=_IDLE_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=GuardedNetwork(allowed, resolve or self._resolver.resolve),
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return what the target answered. Raises TargetError."""
        request = _request(url, body, headers)
        response = await self._answer(request)
        try:
            await _drain(response.aiter_stream())
        finally:
            await response.aclose()
        return Answer(response.status, _retry_after(response))

    async def _answer(self, request: httpcore.Request) -> httpcore.Response:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await self._pool.handle_async_request(request)
        except (TimeoutError, httpcore.TimeoutException):
            raise TargetSilentError(_TIMEOUT_SECONDS) from None
        except httpcore.ConnectError as error:
            raise TargetUnreachableError(request.url.host.decode(), _tls_reason(error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            # Not the error's own words: they may quote what came.
            raise TargetAnswerError from error

    async def close(self) -> None:
        self._resolver.close()
        await self._pool.aclose()


def _request(url: str, body: bytes, headers: Mapping[str, str]) -> httpcore.Request:
    """Take the URL apart, with its host's letters of all scripts in ASCII. Raises TargetUrlError."""
    try:
        parsed = http_url(url)
    except ValueError as error:
        raise TargetUrlError(url) from error
    target = httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
    fixed = [(b"host", parsed.netloc), (b"content-length", b"%d" % len(body)), (b"user-agent", b"onrecord")]
    sent = fixed + [(name.encode(), value.encode()) for name, value in headers.items()]
    return httpcore.Request("POST", target, headers=sent, content=body)


def _retry_after(response: httpcore.Response) -> str | None:
    return next((value.decode("latin-1") for name, value in response.headers if name.lower() == b"retry-after"), None)


async def _drain(body: AsyncIterable[bytes]) -> None:
    """Read what comes, up to a bound; whatever is wrong with it, the status holds."""
    count = 0
    with suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout(_READ_SECONDS):
            async for piece in body:
                count += len(piece)
                if count > _READ_BYTES:
                    return


def _tls_reason(error: httpcore.ConnectError) -> str:
    """Say why there is no TLS; other errors of connecting are told by the network."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message})"
    return "TLS failed"
