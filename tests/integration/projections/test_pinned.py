"""What a projection makes of a stored log is stored beside it, and is the same for as long as its version is.

Else a change of what it makes would show in new rows alone, or not before somebody rebuilds it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.projections import PROJECTIONS
from shared.contracts.registry import EVENTS
from shared.eventsourcing.event import NewEvent
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.projection_runner import rebuild
from tests.integration.projections.keeping import administrating, unwatched
from tests.support.derived import made
from tests.support.events import append, sequence_all
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at

_FOLDER = Path(__file__).parents[2] / "data" / "projections"
#: A type and a payload in each line. An event's id is the number of its line: the first one's ends with 1.
_LOG = _FOLDER / "log.jsonl"


@pytest.mark.parametrize("projection", PROJECTIONS.values(), ids=PROJECTIONS)
async def test_what_is_made_changes_with_the_version_alone(
    database_url: str, database: asyncpg.Pool, tmp_path: Path, projection: Projection
) -> None:
    """Seen to fail with a webhook that says something else, and with an index more."""
    stored, now = _stored(projection), tmp_path / _stored(projection).name
    await rebuild(projection, await _log(), database, unwatched)
    async with administrating(database_url) as administrator:
        await administrator.execute("SET TIME ZONE 'UTC'")
        now.write_text(json.dumps(await made(administrator, projection.name), indent=1) + "\n")
    what_to_do = (
        f"{projection.name} makes something else than is stored of its version {projection.version}. If that is not "
        f"stored yet, or only {_LOG.name} was added to: cp {now} {stored}. Else count up its version first"
    )
    assert stored.exists(), what_to_do
    assert json.loads(now.read_text()) == json.loads(stored.read_text()), what_to_do


def test_what_other_versions_made_is_not_kept() -> None:
    assert set(_FOLDER.iterdir()) - {_LOG} == {_stored(projection) for projection in PROJECTIONS.values()}


def test_every_event_is_in_the_stored_log() -> None:
    types = {wire_type for wire_type, _ in _lines()}
    assert types == EVENTS.keys(), f"add to the end of {_LOG}; what is there is never changed"


def _stored(projection: Projection) -> Path:
    return _FOLDER / f"{projection.name}.{projection.version}.json"


def _lines() -> Iterable[tuple[str, Any]]:
    for line in _LOG.read_text().splitlines():
        said = json.loads(line)
        yield said["type"], said["payload"]


async def _log() -> InMemoryEventStore:
    store = InMemoryEventStore()
    for n, (wire_type, payload) in enumerate(_lines(), start=1):
        event = EVENTS[wire_type].model_validate(payload)
        fixed: dict[str, Any] = {"actor": "service:test", "causation_id": UUID(int=0), "correlation_id": UUID(int=0)}
        new = NewEvent(id=UUID(int=n), type=wire_type, payload=json.dumps(payload).encode(), occurred_at=at(), **fixed)
        await append(store, event.stream, [new])
    await sequence_all(store)
    return store
