"""Reads the UDP sockets of a worker: what came to all of them together, twenty times a second.

To be woken costs a process several times what it costs to read a packet (ADR 0031). The kernel notes when each packet
came, so its arrival is exact however late it is read.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog

from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.sender_lock import Address

_log = structlog.get_logger()

#: How long what comes is left to gather: half of what media waits for anyhow, until the next watermark.
PAUSE_SECONDS = 0.05
#: The same while a packet is missing, which is waited for no longer than 180 ms.
HURRY_SECONDS = 0.02
#: Datagrams of one socket that are read at a time, so that one sender does not keep the others waiting: 30 Mbit/s.
_READ_AT_ONCE = 160
_MAX_DATAGRAM = 65_536
#: Has Linux put a timespec beside each datagram (socket(7)); Python has no name for it.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_BESIDE_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)

#: A datagram, whence it came and when it arrived (wall clock, ns).
Datagram = tuple[bytes, Address, int]
#: Takes what was read at once of one socket, at least one datagram, in the order in which it came.
Take = Callable[[list[Datagram]], None]


class SocketReader:
    """Gives what comes to each socket to whoever takes it, in the order in which it came there."""

    def __init__(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._pause_seconds = pause_seconds
        self._selector: selectors.DefaultSelector | None = None
        #: Runs where something came the last time; else the loop tells when something comes.
        self._timer: asyncio.TimerHandle | None = None

    def add(self, receiving: socket.socket, take: Take) -> None:
        """Read a socket, which does not block, until it is removed."""
        if sys.platform == "linux":
            receiving.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if self._selector is None:
            self._selector = selectors.DefaultSelector()
            self._wait(self._selector)
        self._selector.register(receiving, selectors.EVENT_READ, take)

    def remove(self, receiving: socket.socket) -> None:
        """Read the socket no more; it is still open."""
        assert self._selector is not None
        self._selector.unregister(receiving)
        if not self._selector.get_map():
            self._rest(self._selector)

    def hurry(self) -> None:
        """Read sooner than usual, once: a packet is missing, and may come any moment if it is asked for."""
        loop = asyncio.get_running_loop()
        if self._timer and self._selector and self._timer.when() > loop.time() + HURRY_SECONDS:
            self._timer.cancel()
            self._timer = loop.call_later(HURRY_SECONDS, self._read, self._selector)

    def _wait(self, selector: selectors.DefaultSelector) -> None:
        self._timer = None
        asyncio.get_running_loop().add_reader(selector, self._wake, selector)

    def _wake(self, selector: selectors.DefaultSelector) -> None:
        asyncio.get_running_loop().remove_reader(selector)
        self._read(selector)

    def _read(self, selector: selectors.DefaultSelector) -> None:
        ready = selector.select(0)
        if not ready:
            self._wait(selector)
            return
        # Before anything is taken: what fails then fails alone.
        self._timer = asyncio.get_running_loop().call_later(self._pause_seconds, self._read, selector)
        for key, _ in ready:
            if datagrams := list(_datagrams(key.fileobj)):
                key.data(datagrams)

    def _rest(self, selector: selectors.DefaultSelector) -> None:
        if self._timer:
            self._timer.cancel()
        else:
            asyncio.get_running_loop().remove_reader(selector)
        selector.close()
        self._selector = self._timer = None


def _datagrams(receiving: Any) -> Iterator[Datagram]:
    for _ in range(_READ_AT_ONCE):
        try:
            data, beside, _, sender = receiving.recvmsg(_MAX_DATAGRAM, _BESIDE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:  # an answer of ours that could not be delivered
            _log.debug("socket error", error=str(error))
            return
        yield data, sender[:2], _arrival_ns(beside)


def _arrival_ns(beside: list[tuple[int, int, bytes]]) -> int:
    """Return when it came: nothing else was asked to be put beside it."""
    if not beside:
        return time.time_ns()
    seconds, nanoseconds = _TIMESPEC.unpack(beside[0][2])
    return int(seconds * NS_PER_SECOND + nanoseconds)
