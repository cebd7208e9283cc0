"""Everything that services make of the log in memory, fed as they feed it; also as a program of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel

import services
from services.gateway.hub import Hub
from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.gates import Gates
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.media.gate import Gate
from services.recorder.media.pauses import Pauses
from services.recorder.merging.merger import Merger
from services.recorder.merging.streams import MergeStreams
from services.recorder.watermark import WatermarkGauge
from services.recorder.worker import Worker
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.process import Process
from shared.eventsourcing.process_manager import ProcessManager
from shared.eventsourcing.store import EventStore
from shared.messaging.follower import Follower
from tests.support.addresses import loopback
from tests.support.events import open_log
from tests.support.merging import HeldMaker
from tests.support.spooling import spool_disk

_NOWHERE = Path("/nonexistent")


def _processes() -> Iterator[tuple[str, Process[Any, Any]]]:
    """Yield every process manager there is, whoever runs it."""
    root = Path(services.__path__[0])
    for file in sorted(root.glob("*/process_managers/*.py")):
        module = import_module(".".join(("services", *file.relative_to(root).with_suffix("").parts)))
        yield from ((name, each) for name, each in vars(module).items() if isinstance(each, Process))


PROCESSES = dict(_processes())


async def _nothing(*_: object) -> None:
    """Give nothing: whoever asks what is due gives it."""


@dataclass(frozen=True, slots=True)
class Folds:
    managers: Mapping[str, ProcessManager[Any, Any]]
    hub: Hub
    #: What they know of sessions that are over is forgotten by the worker alone.
    gates: Gates
    worker: Worker
    merger: Merger
    follower: Follower

    @classmethod
    def of(cls, store: EventStore) -> Folds:
        """Return what has heard of nothing yet."""

        def clock() -> datetime:
            return datetime.now(UTC)

        managers = {name: ProcessManager(each, _nothing, "service:test", clock) for name, each in PROCESSES.items()}
        hub, gates = Hub(clock), Gates()
        files = LocalObjectStore(_NOWHERE)
        worker = Worker(
            ParticipantRecordingStreams(store),
            files,
            _NOWHERE,
            WatermarkGauge(),
            "worker",
            loopback(range(50000, 50002)),
            spool_disk(_NOWHERE),
        )
        merger = Merger(MergeStreams(store), HeldMaker(), "worker", clock)
        follower = Follower(
            store,
            *(manager.apply for manager in managers.values()),
            hub.apply,
            lambda event, _: gates.apply(event),
            lambda event, _: worker.apply(event),
            merger.apply,
        )
        return cls(managers, hub, gates, worker, merger, follower)

    def due(self, now: datetime) -> list[Any]:
        """Return what process managers would give."""
        return [
            asked
            for name, manager in self.managers.items()
            for known in manager._known.values()
            for asked in PROCESSES[name].due(known.state, now)
        ]

    def held(self) -> dict[str, Any]:
        """Return all that they know."""
        managers = {
            name: held([(key, known.state, known.context) for key, known in each._known.items()] + list(each._resting))
            for name, each in self.managers.items()
        }
        return managers | {
            "roster": held(self.hub.roster.sessions),
            "gates": held(self.gates._sessions),
            "gates of the worker": held(self.worker._gates._sessions),
            "ends": held(self.worker._ends),
            "merges": held(self.merger._open),
            "causes of merges": held(self.merger._causes),
            "unfinished": held(self.merger._unfinished),
            "position": self.follower.position,
        }


def held(value: Any) -> Any:
    """Return what it holds, all the way down, as what JSON can hold; what has an order, in that order."""
    match value:
        case None | bool() | int() | str():
            return value
        case datetime() | UUID():
            return str(value)
        case BaseModel():
            return value.model_dump(mode="json")
        case Mapping():
            return [[held(key), held(each)] for key, each in value.items()]
        case frozenset() | set():
            return sorted(held(each) for each in value)
        case tuple() | list():
            return [held(each) for each in value]
        case Gate() | Pauses():
            return held(vars(value))
        case _ if is_dataclass(value):
            return {each.name: held(getattr(value, each.name)) for each in fields(value)}
    raise TypeError(f"{value!r} is of a kind that is not known here: add it")


async def main(url: str) -> None:
    """Print what a process that begins now knows of the log."""
    async with open_log(url) as pool:
        folds = Folds.of(PostgresEventStore(pool))
        await folds.follower.catch_up()
        sys.stdout.write(json.dumps(folds.held()))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
