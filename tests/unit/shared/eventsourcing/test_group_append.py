"""Group append: who appends at the same time shares a transaction, and nobody pays for another's mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import pytest

from shared.eventsourcing import group_append
from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError, LogUnavailableError
from shared.eventsourcing.event import AppendRequest
from shared.eventsourcing.group_append import AppendResult, GroupAppend
from tests.support.events import new_event
from tests.support.eventually import eventually


class Database:
    """Appends in memory, a group at a time, when it is let to."""

    def __init__(self) -> None:
        self.heads: dict[str, int] = {}
        self.ids: set[UUID] = set()
        #: The streams of each transaction that was tried.
        self.groups: list[list[str]] = []
        self.away = False
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()
        #: Streams that another process has locked, each until that lets go.
        self.locks: dict[str, asyncio.Event] = {}

    async def append_together(self, requests: Sequence[AppendRequest]) -> list[AppendResult]:
        self.groups.append([request.stream for request in requests])
        self.asked.set()
        await self.answers.wait()
        for request in requests:
            if request.stream in self.locks:
                await self.locks[request.stream].wait()
        if self.away:
            raise LogUnavailableError("away")
        ids = [event.id for request in requests for event in request.events]
        if self.ids.intersection(ids):
            raise DuplicateEventError(requests[0].stream, "known")
        return [self._append(request) for request in requests]

    def was_asked(self, times: int) -> bool:
        return len(self.groups) == times

    def lock(self, stream: str) -> asyncio.Event:
        self.locks[stream] = asyncio.Event()
        return self.locks[stream]

    def _append(self, request: AppendRequest) -> AppendResult:
        head = self.heads.get(request.stream, 0)
        if head != request.expected:
            return AppendResult(accepted=False, head=head)
        self.ids.update(event.id for event in request.events)
        self.heads[request.stream] = head + len(request.events)
        return AppendResult(accepted=True, head=self.heads[request.stream])


@pytest.fixture
def database() -> Database:
    return Database()


def request(stream: str, expected: int = 0, count: int = 1) -> AppendRequest:
    return AppendRequest(stream, expected, tuple(new_event() for _ in range(count)))


async def all_at_once(appends: GroupAppend, *requests: AppendRequest) -> list[int | BaseException]:
    return await asyncio.gather(*map(appends.append, requests), return_exceptions=True)


async def test_callers_at_the_same_time_share_a_transaction_sorted_by_stream(database: Database) -> None:
    heads = await all_at_once(GroupAppend(database.append_together), request("c"), request("a", count=3), request("b"))
    assert heads == [1, 3, 1]
    assert database.groups == [["a", "b", "c"]]


async def test_who_comes_while_a_group_is_on_its_way_is_in_the_next(database: Database) -> None:
    appends = GroupAppend(database.append_together)
    database.answers.clear()
    first = asyncio.create_task(appends.append(request("a")))
    await database.asked.wait()
    later = [asyncio.create_task(appends.append(request(stream))) for stream in "bc"]
    await asyncio.sleep(0)
    database.answers.set()
    assert await asyncio.gather(first, *later) == [1, 1, 1]
    assert database.groups == [["a"], ["b", "c"]]


async def test_a_conflict_is_told_to_its_caller_alone(database: Database) -> None:
    heads = await all_at_once(GroupAppend(database.append_together), request("a"), request("b", expected=7))
    assert heads[0] == 1
    assert isinstance(heads[1], ConcurrencyConflictError)
    assert (heads[1].stream, heads[1].expected, heads[1].actual) == ("b", 7, 0)


async def test_two_requests_for_one_stream_are_done_one_after_the_other(database: Database) -> None:
    appends = GroupAppend(database.append_together)
    assert await all_at_once(appends, request("a"), request("a", expected=1), request("b")) == [1, 2, 1]
    assert database.groups == [["a", "b"], ["a"]]


async def test_a_duplicate_is_told_to_its_caller_alone(database: Database) -> None:
    appends = GroupAppend(database.append_together)
    known = request("a")
    await appends.append(known)
    heads = await all_at_once(appends, request("b"), AppendRequest("c", 0, known.events), request("d"))
    assert (heads[0], heads[2]) == (1, 1)
    assert isinstance(heads[1], DuplicateEventError)


async def test_an_outage_is_told_to_all_and_afterwards_it_works(database: Database) -> None:
    appends = GroupAppend(database.append_together)
    database.away = True
    assert [type(told) for told in await all_at_once(appends, request("a"), request("b"))] == [LogUnavailableError] * 2
    database.away = False
    assert await appends.append(request("a")) == 1


async def test_a_caller_who_gives_up_disturbs_nobody(database: Database) -> None:
    appends = GroupAppend(database.append_together)
    database.answers.clear()
    impatient, patient = (asyncio.create_task(appends.append(request(stream))) for stream in "ab")
    await database.asked.wait()
    impatient.cancel()
    database.answers.set()
    assert await patient == 1
    assert impatient.cancelled() or impatient.cancelling()


async def test_a_group_has_a_largest_size(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_append, "_LARGEST_GROUP", 2)
    await all_at_once(GroupAppend(database.append_together), *map(request, "abcde"))
    assert database.groups == [["a", "b"], ["c", "d"], ["e"]]


async def test_those_beside_a_conflict_are_appended_in_the_same_transaction(database: Database) -> None:
    heads = await all_at_once(GroupAppend(database.append_together), *map(request, "ab"), request("c", expected=3))
    assert heads[:2] == [1, 1]
    assert database.groups == [["a", "b", "c"]]


async def test_a_group_that_is_held_up_is_overtaken_by_the_next(database: Database) -> None:
    """Seen to fail when a group waits for the one before, however long."""
    appends, let_go = GroupAppend(database.append_together), database.lock("slow")
    slow = asyncio.create_task(appends.append(request("slow")))
    await database.asked.wait()

    async with asyncio.timeout(5):
        assert await all_at_once(appends, *map(request, "ab")) == [1, 1]
    assert not slow.done()

    let_go.set()
    assert await slow == 1
    assert database.groups == [["slow"], ["a", "b"]]


async def test_so_many_groups_and_no_more_are_on_their_way(database: Database) -> None:
    """Seen to fail without the bound: each group takes one of the pool's connections."""
    appends = GroupAppend(database.append_together)
    locks = {f"slow-{number}": database.lock(f"slow-{number}") for number in range(group_append._GROUPS)}
    held_up = []
    for number, stream in enumerate(locks, 1):
        held_up.append(asyncio.create_task(appends.append(request(stream))))
        await eventually(partial(database.was_asked, number))
    waiting = asyncio.create_task(appends.append(request("a")))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4 * group_append._HELD_UP_SECONDS):
            await asyncio.shield(waiting)
    assert ["a"] not in database.groups

    locks["slow-2"].set()

    async with asyncio.timeout(5):
        assert await waiting == 1
        assert await held_up[2] == 1
        for lock in locks.values():
            lock.set()
        assert await asyncio.gather(*held_up) == [1] * group_append._GROUPS


async def test_who_gives_up_while_its_group_is_held_up_leaves_the_others_alone(database: Database) -> None:
    appends, let_go = GroupAppend(database.append_together), database.lock("b")
    callers = [asyncio.create_task(appends.append(request(stream))) for stream in "abc"]
    await database.asked.wait()
    callers[1].cancel()
    await asyncio.gather(callers[1], return_exceptions=True)
    let_go.set()

    async with asyncio.timeout(5):
        assert list(await asyncio.gather(callers[0], callers[2])) == [1, 1]
    assert callers[1].cancelled()
    assert database.heads["b"] == 1, "it was on its way"


async def test_who_gives_up_before_its_group_goes_is_one_whose_answer_nobody_hears(database: Database) -> None:
    appends = GroupAppend(database.append_together)
    database.answers.clear()
    first = asyncio.create_task(appends.append(request("a")))
    await database.asked.wait()
    impatient, patient = (asyncio.create_task(appends.append(request(stream))) for stream in "bc")
    await asyncio.sleep(0)
    impatient.cancel()
    database.answers.set()

    assert list(await asyncio.gather(first, patient)) == [1, 1]
    assert impatient.cancelled()
