"""What is told of names, and how many are looked up at the same time."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from services.notifier.adapters.addresses import Address
from services.notifier.adapters.errors import TargetAddressError, TargetError, TargetNameError
from services.notifier.adapters.guarded_network import GuardedNetwork, Resolve, Resolver
from services.notifier.delivery import AT_ONCE


async def unknown(_: str) -> Sequence[Address]:
    raise OSError(-2, "Name or service not known")


async def private(_: str) -> Sequence[Address]:
    return [ip_address("10.0.0.1")]


async def refusal(resolve: Resolve, host: str) -> TargetError:
    with pytest.raises(TargetError) as told:
        await GuardedNetwork((), resolve).connect_tcp(host, 80)
    return told.value


async def test_nobody_outside_can_tell_which_names_are_known_within() -> None:
    """Which error it was is for our own log."""
    is_unknown, is_private = await refusal(unknown, "db.internal"), await refusal(private, "db.internal")
    assert (type(is_unknown), type(is_private)) == (TargetNameError, TargetAddressError)
    assert str(is_unknown) == str(is_private)
    assert "ONRECORD_WEBHOOK_NETWORKS" in str(is_private)


async def test_an_address_that_is_not_public_is_called_so() -> None:
    told = str(await refusal(private, "10.0.0.1"))
    assert told.startswith("10.0.0.1 is an address that is not public: ONRECORD_WEBHOOK_NETWORKS")


async def test_names_whose_servers_are_dead_do_not_hold_up_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """All places but one are taken by such names. Seen to fail with 32 threads."""
    over = threading.Event()

    def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
        if host == "dead.example":
            over.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    resolver = Resolver(AT_ONCE)
    dead = [asyncio.create_task(resolver.resolve("dead.example")) for _ in range(AT_ONCE - 1)]
    try:
        await asyncio.sleep(0)  # so that all of them have asked
        async with asyncio.timeout(5):
            assert await resolver.resolve("alive.example") == [ip_address("1.1.1.1")]
    finally:
        over.set()
        await asyncio.gather(*dead)
        resolver.close()
