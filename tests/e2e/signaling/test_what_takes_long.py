"""What is over after half a minute; last by its name, as it began with the first test."""

from __future__ import annotations

import pytest

from tests.e2e.signaling.waiting import Waiting

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_ticket_that_is_30_seconds_old_is_invalid(waiting: Waiting) -> None:
    assert await waiting.answer_to_an_old_ticket() == 401


async def test_a_connection_that_answers_no_ping_is_dropped_and_the_others_are_told(waiting: Waiting) -> None:
    pings, dropped_after = await waiting.silent_connection()
    assert pings
    assert pings[0] < 20  # the first of every 15 s
    assert 19 < dropped_after < 50
    left = await waiting.told_of_the_silent_one()
    assert (left["id"], left["reason"]) == ("silent", "timeout")
