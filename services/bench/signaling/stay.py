"""A crowd's stay at a server, and what the server used meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from services.bench.footprint import Footprint, footprint
from services.bench.signaling.client import now
from services.bench.signaling.crowd import Crowd, gathered, held, settled
from services.bench.signaling.loop_lag import Looks, looks, percentile
from services.bench.signaling.scale import Bench
from services.bench.system import Server

#: A server that uses less than this share of a core has nothing left to do.
_QUIET_SHARE = 0.1
_QUIET_SECONDS = 0.5
_PATIENCE_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Stay:
    crowd: Crowd
    #: How many were still connected at its end, and how many messages had not come.
    connected: int
    missing: int
    #: What the server used before anybody came, with everybody in, at the end of their stay, when all had gone, and
    #: when as many others had come and gone.
    empty: Footprint
    full: Footprint
    held: Footprint
    left: Footprint
    left_again: Footprint
    #: From everybody's going until the server had nothing left to do.
    leaving_seconds: float
    #: CPU of the server and of the clients' process while people stayed, as shares of a core.
    server_share: float
    clients_share: float
    #: How late the server's event loop was, in 99 of 100 looks, in ms: while all came in, and while they stayed.
    joining_lag_ms: float
    staying_lag_ms: float

    @property
    def joining_cpu_ms(self) -> float:
        """Return the server's CPU time for one that comes in."""
        return 1000 * (self.full.cpu_seconds - self.empty.cpu_seconds) / len(self.crowd.members)

    def kib_each(self, since: Footprint, then: Footprint) -> float:
        """Return the memory that came between the two, for each connection."""
        return (then.resident_kib - since.resident_kib) / len(self.crowd.members)


async def stay(bench: Bench, server: Server, where: str) -> Stay:
    """Let a crowd come, stay and go. Raises StartupError and TimeoutError."""
    scale, pid = bench.scale, server.process.pid
    # The first client has the server load what it needs for any: that is no connection's memory.
    empty, before = await _come_and_gone(server, 1, 1), await _looks(server)
    bench.say(f"{where}: {scale.crowd:,} clients come in at once")
    async with gathered(server, scale.rooms, scale.people) as crowd:
        come = await _looks(server)
        await _quiet(pid)
        full, clients, begin = footprint(pid), time.process_time(), now()
        quiet = await _looks(server)
        bench.say(f"{where}: they stay for {scale.hold_seconds:g} s")
        await held(crowd, scale.hold_seconds, bench.chance())
        seconds, clients = now() - begin, time.process_time() - clients
        stayed, ended = footprint(pid), await _looks(server)
        await settled(crowd)
        connected, missing = crowd.connected, crowd.missing()
        leaving = now()
    await _quiet(pid)
    left, leaving = footprint(pid), now() - leaving
    # Memory that is kept after the first crowd is there for the second: what that one adds has been lost.
    bench.say(f"{where}: as many others come and go")
    left_again = await _come_and_gone(server, scale.rooms, scale.people)
    shares = (stayed.cpu_seconds - full.cpu_seconds) / seconds, clients / seconds
    lags = percentile(before, come, 0.99), percentile(quiet, ended, 0.99)
    return Stay(crowd, connected, missing, empty, full, stayed, left, left_again, leaving, *shares, *lags)


async def _come_and_gone(server: Server, rooms: int, people: int) -> Footprint:
    async with gathered(server, rooms, people):
        pass
    await _quiet(server.process.pid)
    return footprint(server.process.pid)


async def _looks(server: Server) -> Looks:
    async with server.http() as http:
        return await looks(http)


async def _quiet(pid: int) -> None:
    """Wait until the server has done what was asked of it. Raises TimeoutError."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        before, used = footprint(pid).cpu_seconds, _QUIET_SECONDS
        while used >= _QUIET_SHARE * _QUIET_SECONDS:
            await asyncio.sleep(_QUIET_SECONDS)
            after = footprint(pid).cpu_seconds
            before, used = after, after - before
