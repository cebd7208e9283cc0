"""How soon somebody who withdraws is seen no more: in the file, and on the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from services.bench.figures import Figure, Goal, Percentiles
from services.bench.media.clip import FRAME_RATE, HEIGHT, WIDTH, read_clip
from services.bench.media.first_media import first_media, keyframe_heads
from services.bench.media.frames import SentFrames
from services.bench.media.leg import ON_THE_WAY_SECONDS, SETTLE_SECONDS, begin
from services.bench.media.recorded_room import RecordedRoom, recorded_room
from services.bench.media.scale import Bench
from services.bench.media.sending import sending
from services.bench.system import System, running_system
from services.demo.client import SignalingClient
from services.recorder.media.black import BlackPictures
from services.recorder.media.frame import PictureFormat
from shared.runtime.errors import StartupError

_GOAL = Goal("value", "at most", 250)
#: So long somebody is seen before they withdraw: from, to.
_SEEN_SECONDS = 0.2, 1.2


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One, with its moments by the monotonic clock."""

    said: float
    black_on_disk: float
    #: Before they said yes again.
    until: float

    def seen_for(self, frames: SentFrames, recorded: Collection[int]) -> float:
        """Return for how many seconds after it what was sent is in the file: less than none if it ends before."""
        due = (frames.begin + place / FRAME_RATE for place, number in enumerate(frames.numbers) if number in recorded)
        return max(moment for moment in due if moment < self.until) + 1 / FRAME_RATE - self.said


class Participant:
    """Somebody who is recorded, and changes their mind again and again."""

    def __init__(self, client: SignalingClient, file: Path, black: bytes, heads: Sequence[bytes]) -> None:
        self._client = client
        self._file = file
        self._black, self._heads = [black], heads

    async def withdraws(self, times: int, random: Random) -> list[Withdrawal]:
        return [await self._withdraws(random.uniform(*_SEEN_SECONDS)) for _ in range(times)]

    async def _withdraws(self, seen_seconds: float) -> Withdrawal:
        await asyncio.sleep(seen_seconds)
        size, said = self._file.stat().st_size, time.monotonic()
        await says(self._client, consent=False)
        black_on_disk = await first_media(lambda: self._file, self._black, size)
        size, until = self._file.stat().st_size, time.monotonic()
        await says(self._client, consent=True)
        await first_media(lambda: self._file, self._heads, size)
        return Withdrawal(said, black_on_disk, until)


async def says(client: SignalingClient, *, consent: bool) -> None:
    await client.send("recording", action="set_consent", consent=consent)


async def measure_withdrawing(bench: Bench) -> list[Figure]:
    """Have everybody withdraw and consent again at moments of chance, and look for when they are seen."""
    count, times = bench.scale.participants, bench.scale.withdrawals
    heads = list(keyframe_heads(read_clip(bench.clip)))
    black = await BlackPictures(bench.ffmpeg).of(PictureFormat("vp8", WIDTH, HEIGHT))
    async with (
        running_system(bench.ground, 1) as system,
        recorded_room(system, heads, consent={}) as room,
        _present(system, room, count) as clients,
        sending(bench.clip) as sender,
    ):
        await begin(room, sender, range(count))
        await asyncio.sleep(SETTLE_SECONDS)
        bench.say(f"withdrawing: {count} participants, {times} times each")
        participants = [Participant(clients[number], _file(room, number), black, heads) for number in range(count)]
        said = await asyncio.gather(
            *(each.withdraws(times, bench.chance(number)) for number, each in enumerate(participants))
        )
        await asyncio.sleep(ON_THE_WAY_SECONDS)
        files = await room.stop()
        sent = await sender.end()
        recorded = {number: set(await bench.index.recorded(bench.ffmpeg, file)) for number, file in files.items()}
    each_of_all = [(number, each) for number, withdrawals in enumerate(said) for each in withdrawals]
    seen = [each.seen_for(sent.frames[number], recorded[number]) for number, each in each_of_all]
    return [withdrawing_figure(seen, [each.black_on_disk - each.said for _, each in each_of_all], count)]


def withdrawing_figure(seen: Sequence[float], on_disk: Sequence[float], participants: int) -> Figure:
    """Tell for how long they were seen, each to the length of a frame, and when black was on the disk: seconds."""
    times = {"last frame in the file": Percentiles.of(seen), "black on the disk": Percentiles.of(on_disk)}
    what = f"{len(seen)} by {participants} participants, p99"
    return Figure("withdrawal to black", what, "ms", [times["last frame in the file"].p99], goal=_GOAL, times=times)


@asynccontextmanager
async def _present(system: System, room: RecordedRoom, count: int) -> AsyncIterator[Sequence[SignalingClient]]:
    """Have so many come and consent. Raises TimeoutError when they are not told of each other."""
    server = system.gateways[0]
    async with AsyncExitStack() as stack:
        clients = []
        for name in map(room.name, range(count)):
            connected = SignalingClient.connected(server.url, room.room_id, server.token(name))
            clients.append(await stack.enter_async_context(connected))
            await clients[-1].join(name)
        for number, client in enumerate(clients):
            await says(client, consent=True)
            await clients[number - 1].wait_for("control", "update", where=partial(_is_yes_of, room.name(number)))
        yield clients


def _is_yes_of(name: str, told: dict[str, Any]) -> bool:
    return bool(told["id"] == name and told["recording"]["consents_recording"])


def _file(room: RecordedRoom, number: int) -> Path:
    file = room.segment(number)
    if file is None:
        raise StartupError(f"{room.name(number)} has no file that is being written")
    return file
