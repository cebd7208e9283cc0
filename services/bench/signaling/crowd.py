"""Many people in many rooms: they come all at once, stay for a while, say what people say, and go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from services.bench.signaling.client import NotAdmittedError, now
from services.bench.signaling.member import Door, Member, Notes
from services.bench.system import Server
from shared.concurrency.supervision import single_error
from shared.runtime.errors import StartupError

PING_SECONDS = 12

_ENTER_SECONDS = 180
_RETRY_SECONDS = 0.5
#: For what is still on its way when the time is over.
_LAST_SECONDS = 20
_LOOK_SECONDS = 0.5
_LEAVE_SECONDS = 120

#: When, who, and what they say: yes, no, or a ping.
Word = tuple[float, Member, bool | None]


@dataclass(slots=True)
class Crowd:
    """Everybody, by room, and what was seen."""

    rooms: Sequence[Sequence[Member]]
    notes: Notes
    #: Why clients had to try again, and how often.
    refused: Counter[str] = field(default_factory=Counter)
    #: Until everybody was connected; and then, from the first `join` until everybody was in.
    connecting_seconds: float = 0
    joining_seconds: float = 0

    @property
    def members(self) -> list[Member]:
        return [member for room in self.rooms for member in room]

    @property
    def connected(self) -> int:
        return sum(member.is_connected for member in self.members)

    def missing(self) -> int:
        """Return how many messages did not come that were due: of others, of their words, and answers to pings."""
        return sum(member.missing(_others(member, room)) for room in self.rooms for member in room)

    def repeated(self) -> int:
        """Return how many messages came more often than they were due."""
        return sum(member.repeated() for member in self.members)


@asynccontextmanager
async def gathered(server: Server, rooms: int, people: int) -> AsyncIterator[Crowd]:
    """Make rooms, let everybody in at once, and go at once in the end. Raises StartupError and TimeoutError."""
    async with server.http() as http:
        notes = Notes()
        names = [await server.create_room(http) for _ in range(rooms)]
        crowd = Crowd([[Member(room, f"{room}-{n:03}", notes) for n in range(people)] for room in names], notes)
        try:
            await _all_entered(crowd, Door(server, http))
            yield crowd
        finally:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await asyncio.gather(*(member.leave() for member in crowd.members))


async def held(crowd: Crowd, seconds: float, chance: Random) -> None:
    """Let everybody say yes and then no at moments of chance, and ping as browsers do, for so long."""
    begin = now()
    for due, member, word in script(crowd.members, seconds, chance):
        await asyncio.sleep(begin + due - now())
        await (member.ping() if word is None else member.say(consent=word))
    await asyncio.sleep(begin + seconds - now())


async def settled(crowd: Crowd) -> None:
    """Wait until all that was said has come everywhere, or nobody waits any longer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_SECONDS):
            while crowd.missing():  # noqa: ASYNC110  else each of a thousand clients would have to look and tell
                await asyncio.sleep(_LOOK_SECONDS)


async def _all_entered(crowd: Crowd, door: Door) -> None:
    try:
        async with asyncio.timeout(_ENTER_SECONDS):
            await _entered(crowd, door)
    except TimeoutError:
        inside = sum(member.is_in for member in crowd.members)
        raise StartupError(
            f"{inside} of {len(crowd.members)} clients were in after {_ENTER_SECONDS} s; "
            f"refused were {dict(crowd.refused)}"
        ) from None


async def _entered(crowd: Crowd, door: Door) -> None:
    """Have all connected, and then all of them join at the same time."""
    begin = now()
    await _side_by_side(_insisting(crowd, partial(member.connect, door)) for member in crowd.members)
    connected = now()
    await _side_by_side(_insisting(crowd, partial(member.enter, door)) for member in crowd.members)
    crowd.connecting_seconds, crowd.joining_seconds = connected - begin, now() - connected


async def _insisting(crowd: Crowd, attempt: Callable[[], Awaitable[None]]) -> None:
    """Try until the server agrees, as browsers do."""
    while True:
        try:
            return await attempt()
        except NotAdmittedError as error:
            crowd.refused[error.reason] += 1
            await asyncio.sleep(_RETRY_SECONDS)


def script(members: Sequence[Member], seconds: float, chance: Random) -> list[Word]:
    """Return what is said when, counted from the beginning."""
    words: list[Word] = []
    for member in members:
        given, withdrawn = sorted(chance.uniform(0, seconds) for _ in range(2))
        words += [(given, member, True), (withdrawn, member, False)]
        ping = chance.uniform(0, min(PING_SECONDS, seconds))
        while ping < seconds:
            words.append((ping, member, None))
            ping += PING_SECONDS
    return sorted(words, key=lambda word: word[0])


def _others(member: Member, room: Sequence[Member]) -> list[str]:
    return [other.id for other in room if other is not member]


async def _side_by_side(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    with single_error():
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
