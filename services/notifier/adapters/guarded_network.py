"""Connects to public addresses, and to those that are allowed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpcore
import structlog

from services.notifier.adapters.addresses import Address, Network, may_be_posted_to
from services.notifier.adapters.errors import TargetAddressError, TargetNameError, TargetUnreachableError

_log = structlog.get_logger()

#: Addresses of one name that are tried, and for how long each.
_TRIES = 3
_CONNECT_SECONDS = 4.0

#: Returns the addresses of a host. Raises OSError and ValueError.
Resolve = Callable[[str], Awaitable[Sequence[Address]]]


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the very address that it has checked: a name that is looked up twice may have changed meanwhile."""

    def __init__(self, allowed: Sequence[Network], resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002  its interface; the poster limits the whole
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to one of the host's addresses. Raises TargetError, also if only one of them is not public."""
        failed: Exception | None = None
        for address in (await self._checked(host))[:_TRIES]:
            try:
                return await self._network.connect_tcp(
                    str(address), port, _CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise TargetUnreachableError(host, "it is refused, or nobody is there") from failed

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        raise TargetAddressError("a socket file")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _checked(self, host: str) -> Sequence[Address]:
        try:
            addresses = await self._resolve(host)
        except (OSError, ValueError) as error:
            raise TargetNameError(host) from error
        for address in addresses:
            if not may_be_posted_to(address, self._allowed):
                _log.warning("webhook target refused", host=host, address=str(address))
                raise TargetAddressError(host)
        return addresses


class Resolver:
    """Looks names up by the system's means, hosts in any notation among them: 0x7f.1 is 127.0.0.1."""

    def __init__(self, at_once: int) -> None:
        # Threads of their own: a lookup whose servers are dead takes half a minute, cannot be cancelled, and would hold
        # up whatever else the process does in threads.
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="resolve")

    async def resolve(self, host: str) -> Sequence[Address]:
        """Return its addresses, each once, in the order to try them. Raises OSError and ValueError."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _addresses, host)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str) -> list[Address]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ip_address(address[0]) for _, _, _, _, address in found]
