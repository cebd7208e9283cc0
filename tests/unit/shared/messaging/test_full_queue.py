"""A queue that nobody empties is bounded."""

from __future__ import annotations

import pytest

from shared.messaging import in_process
from shared.messaging.errors import BusUnavailableError
from shared.messaging.in_process import InProcessBus
from shared.messaging.message import Message
from shared.messaging.topology import live_queue

TOLD = Message("recording.requested.v1", b"{}")


async def test_a_full_queue_refuses_and_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "CAPACITY", 3)
    bus = InProcessBus()
    await bus.publish([TOLD] * 3)
    with pytest.raises(BusUnavailableError, match=r"3 messages wait in recorder\.assignments"):
        await bus.publish([TOLD])


async def test_a_publisher_is_told_how_many_there_was_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "CAPACITY", 3)
    bus = InProcessBus()
    with pytest.raises(BusUnavailableError) as failed:
        await bus.publish([TOLD] * 5)
    assert failed.value.confirmed == 3


async def test_what_one_queue_has_no_room_for_reaches_no_other_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "CAPACITY", 1)
    bus = InProcessBus()
    await bus.publish([TOLD])
    live = bus._declare(live_queue("gateway", "one"))
    with pytest.raises(BusUnavailableError):
        await bus.publish([TOLD])
    assert live.deliveries.qsize() == 0
