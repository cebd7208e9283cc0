"""Sockets that are read together, and when what they give came."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.recorder.media.sender_lock import Address
from services.recorder.media.sources.reading import Datagram, SocketReader
from tests.support.eventually import eventually
from tests.support.rtp_peer import delivered

#: Longer than any test lasts: what is not read at once is not read.
FOR_EVER = 3600


class Taken:
    """What was taken from a socket."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.senders: list[Address] = []
        self.arrivals_ns: list[int] = []

    def __call__(self, datagrams: list[Datagram]) -> None:
        for data, sender, arrival_ns in datagrams:
            self.data.append(data)
            self.senders.append(sender)
            self.arrivals_ns.append(arrival_ns)


@contextmanager
def receiving() -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        yield receiver


@pytest.fixture
def one() -> Iterator[socket.socket]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def other() -> Iterator[socket.socket]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with receiving() as each:
        yield each


def send(sender: socket.socket, to: socket.socket, *datagrams: bytes) -> None:
    for each in datagrams:
        sender.sendto(each, to.getsockname())


async def test_each_socket_gives_what_came_to_it_in_order_and_whence_it_came(
    one: socket.socket, other: socket.socket, sender: socket.socket
) -> None:
    reader, first, second = SocketReader(pause_seconds=0), Taken(), Taken()
    reader.add(one, first)
    reader.add(other, second)
    send(sender, one, b"1", b"2")
    send(sender, other, b"3")
    await eventually(lambda: len(first.data) + len(second.data) == 3)
    send(sender, one, b"4")
    await eventually(lambda: len(first.data) == 3)
    assert (first.data, second.data) == ([b"1", b"2", b"4"], [b"3"])
    assert first.senders == [sender.getsockname()] * 3
    reader.remove(one)
    reader.remove(other)


async def test_it_arrived_when_it_came_however_late_it_is_read(one: socket.socket, sender: socket.socket) -> None:
    """Seen to fail with the clock of the moment at which it was read: an event loop that stood made media late."""
    reader, taken = SocketReader(), Taken()
    reader.add(one, taken)
    begin_ns = time.time_ns()
    send(sender, one, b"1")
    end_ns = time.time_ns()
    time.sleep(0.05)  # noqa: ASYNC251  the event loop stands
    await eventually(lambda: taken.data == [b"1"])
    assert begin_ns <= taken.arrivals_ns[0] <= end_ns
    reader.remove(one)


async def test_the_first_that_comes_is_read_at_once_and_what_follows_is_left_to_gather(
    one: socket.socket, sender: socket.socket
) -> None:
    reader, taken = SocketReader(FOR_EVER), Taken()
    reader.add(one, taken)
    send(sender, one, b"1")
    await eventually(lambda: taken.data == [b"1"])
    send(sender, one, b"2")
    await delivered()
    assert taken.data == [b"1"]
    reader.remove(one)


async def test_what_somebody_is_in_a_hurry_for_is_read_soon(one: socket.socket, sender: socket.socket) -> None:
    """Seen to fail where the pause stayed what it was."""
    reader, taken = SocketReader(FOR_EVER), Taken()
    reader.add(one, taken)
    send(sender, one, b"1")
    await eventually(lambda: taken.data == [b"1"])
    reader.hurry()
    send(sender, one, b"2")
    await eventually(lambda: taken.data == [b"1", b"2"])
    reader.remove(one)


async def test_to_hurry_while_nothing_comes_changes_nothing(one: socket.socket, sender: socket.socket) -> None:
    reader, taken = SocketReader(), Taken()
    reader.hurry()
    reader.add(one, taken)
    reader.hurry()
    send(sender, one, b"1")
    await eventually(lambda: taken.data == [b"1"])
    reader.remove(one)
    reader.hurry()


async def test_what_gathered_is_read_when_the_pause_is_over(one: socket.socket, sender: socket.socket) -> None:
    reader, taken = SocketReader(), Taken()
    reader.add(one, taken)
    for count in range(1, 4):
        send(sender, one, b"1", b"2")
        await eventually(lambda count=count: len(taken.data) == 2 * count)  # type: ignore[misc]
    reader.remove(one)


async def test_a_flood_at_one_socket_keeps_no_other_waiting(
    one: socket.socket, other: socket.socket, sender: socket.socket
) -> None:
    """Seen to fail without the bound: all of it was read before the other."""
    reader, flooded, calm = SocketReader(FOR_EVER), Taken(), Taken()
    reader.add(one, flooded)
    reader.add(other, calm)
    send(sender, one, *[b"flood"] * 170)
    send(sender, other, b"1")
    await eventually(lambda: calm.data == [b"1"])
    assert len(flooded.data) == 160
    reader.remove(one)
    reader.remove(other)


async def test_a_fault_of_one_that_takes_stops_nobody(
    one: socket.socket, other: socket.socket, sender: socket.socket
) -> None:
    """Seen to fail when the next reading was arranged after this one: nothing was ever read again."""
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))

    def fail(*_: object) -> None:
        raise ValueError("a fault")

    reader, taken = SocketReader(pause_seconds=0), Taken()
    reader.add(one, fail)
    reader.add(other, taken)
    send(sender, one, b"1")
    await eventually(lambda: len(faults) == 1)
    send(sender, other, b"2")
    await eventually(lambda: taken.data == [b"2"])
    reader.remove(one)
    reader.remove(other)


async def test_a_socket_that_was_removed_gives_nothing_and_when_all_are_nothing_is_left(
    one: socket.socket, other: socket.socket, sender: socket.socket
) -> None:
    reader, first, second = SocketReader(pause_seconds=0), Taken(), Taken()
    open_files = _open_files()
    for _ in range(2):  # it can be used again afterwards
        reader.add(one, first)
        reader.add(other, second)
        reader.remove(one)
        send(sender, one, b"1")
        send(sender, other, b"2")
        await eventually(lambda: bool(second.data))
        reader.remove(other)
    assert first.data == []
    assert _open_files() == open_files


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
