"""A queue that nobody empties is bounded."""

from __future__ import annotations

import pytest

from shared.messaging import in_process
from shared.messaging.errors import BusUnavailableError
from shared.messaging.in_process import InProcessBus
from shared.messaging.message import Message

TOLD = Message("recording.started.v1", b"{}")


async def test_a_full_queue_refuses_and_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "CAPACITY", 3)
    bus = InProcessBus()
    await bus.publish([TOLD] * 3)
    with pytest.raises(BusUnavailableError, match=r"3 messages wait in notifier\.events"):
        await bus.publish([TOLD])


async def test_what_one_queue_has_no_room_for_reaches_no_other_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "CAPACITY", 1)
    bus = InProcessBus()
    await bus.publish([TOLD])
    with pytest.raises(BusUnavailableError):
        await bus.publish([Message("recording.requested.v1", b"{}")])
    assert [line.deliveries.qsize() for line in bus._lines.values()] == [0, 0, 0, 1]
