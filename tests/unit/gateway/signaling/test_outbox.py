"""What waits to be sent to a client: in order, and not without end."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.signaling import outbox as module
from services.gateway.signaling.outbox import Outbox, OutboxFullError


async def sent(outbox: Outbox) -> list[str]:
    """All that comes until it is closed."""
    texts = []
    while (text := await outbox.next()) is not None:
        texts.append(text)
    return texts


async def test_what_was_put_comes_in_order_and_then_its_end() -> None:
    outbox = Outbox()
    for text in "abc":
        outbox.put(text)
    outbox.close()
    assert await sent(outbox) == ["a", "b", "c"]
    assert await outbox.next() is None


async def test_who_waits_is_given_what_comes_later() -> None:
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put("a")
    assert await waiting == "a"


@pytest.mark.parametrize("at_once", [True, False])
async def test_who_waits_is_told_the_end(*, at_once: bool) -> None:
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.next())
    await asyncio.sleep(0)
    outbox.close(at_once=at_once)
    assert await waiting is None


async def test_nothing_comes_after_the_end() -> None:
    outbox = Outbox()
    outbox.put("a")
    outbox.close()
    outbox.put("b")
    assert await sent(outbox) == ["a"]


async def test_an_end_at_once_leaves_out_what_waited() -> None:
    outbox = Outbox()
    outbox.put("a")
    outbox.close(at_once=True)
    assert await sent(outbox) == []


def test_more_than_so_many_do_not_wait() -> None:
    outbox = Outbox()
    for _ in range(module._LIMIT):
        outbox.put("a")
    with pytest.raises(OutboxFullError):
        outbox.put("one more")


async def test_what_was_sent_waits_no_longer() -> None:
    outbox = Outbox()
    for number in range(module._LIMIT + 10):
        if number >= module._LIMIT:
            assert await outbox.next() == str(number - module._LIMIT)
        outbox.put(str(number))


def test_a_full_one_that_was_closed_refuses_nothing() -> None:
    """It is being sent away already."""
    outbox = Outbox()
    for _ in range(module._LIMIT):
        outbox.put("a")
    outbox.close()
    outbox.put("one more")


@given(st.lists(st.one_of(st.text(max_size=3), st.none()), max_size=50))
def test_whatever_is_put_and_taken_in_turn_comes_once_and_in_order(steps: list[str | None]) -> None:
    """None is a look for the next one, where there is one."""

    async def scenario() -> tuple[list[str], list[str]]:
        outbox, put, taken = Outbox(), list[str](), list[str]()
        for step in steps:
            if step is not None:
                outbox.put(step)
                put.append(step)
            elif len(taken) < len(put):
                taken.append(await outbox.next() or "")
        outbox.close()
        return put, taken + await sent(outbox)

    put, taken = asyncio.run(scenario())
    assert taken == put


async def test_it_holds_no_more_characters_than_it_may_and_has_room_again_for_those_that_were_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LONGEST", 10)
    outbox = Outbox()
    outbox.put("x" * 6)
    with pytest.raises(OutboxFullError):
        outbox.put("y" * 5)
    assert await outbox.next() == "x" * 6
    outbox.put("y" * 10)
    assert await outbox.next() == "y" * 10
