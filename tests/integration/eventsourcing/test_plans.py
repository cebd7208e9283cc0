"""How the log is read: by indexes, however long it is."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from shared.eventsourcing import postgres
from shared.eventsourcing.event import AppendRequest
from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.events import new_events, sequence_all
from tests.support.partitions import make_partitions_small

#: The partition ahead.
_EMPTY = "events_from_12001"


@pytest.fixture
async def long_log(store: PostgresEventStore, session: asyncpg.Connection) -> PostgresEventStore:
    """Partitions of four thousand events: two are full, one is begun, one is empty. A thousand events wait."""
    await make_partitions_small(session, 4000)
    for begun, count in ((0, 5), (5, 4), (9, 1)):
        events = {f"s-{stream}": new_events(count) for stream in range(1000)}
        await store.append_together([AppendRequest(stream, begun, some) for stream, some in events.items()])
        if begun < 9:
            await sequence_all(store)
    await session.execute("ANALYZE")
    return store


async def test_a_page_is_read_by_the_primary_key_of_one_partition_without_a_sort(
    long_log: PostgresEventStore, session: asyncpg.Connection
) -> None:
    """Seen to fail when the page is ordered by another column."""
    for after, partition in [(0, "events_from_1"), (1234, "events_from_1"), (4500, "events_from_4001")]:
        for nodes in await _plans(session, postgres._READ_ALL, f"{after}, 1000"):
            read = [node for node in nodes if "Relation Name" in node and node["Actual Rows"]]

            assert [(node["Relation Name"], node["Node Type"]) for node in read] == [(partition, "Index Scan")]
            assert read[0]["Index Name"] == f"{partition}_pkey"
            assert read[0]["Actual Rows"] == 1000, "more was read than asked for"
            assert not [node for node in nodes if node["Node Type"] in {"Sort", "Incremental Sort"}]


async def test_a_stream_is_read_by_its_indexes(long_log: PostgresEventStore, session: asyncpg.Connection) -> None:
    """Seen to fail without the partitions' index on stream and position."""
    for nodes in await _plans(session, postgres._READ, "'s-60', 0"):
        read = [node for node in nodes if node.get("Relation Name", _EMPTY) != _EMPTY]

        assert len(read) == 5, "three partitions that are not empty, what waits, and the head"
        assert {node["Node Type"] for node in read} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
        assert sum(node["Actual Rows"] for node in read) == 10 + 1
        assert sum(node.get("Rows Removed by Filter", 0) for node in read) == 0


async def test_the_head_is_one_look_into_the_primary_key(
    long_log: PostgresEventStore, session: asyncpg.Connection
) -> None:
    for nodes in await _plans(session, postgres._HEAD):
        read = [node for node in nodes if "Relation Name" in node and node["Actual Rows"]]

        assert [node["Node Type"] for node in read] == ["Index Only Scan"]
        assert read[0]["Actual Rows"] == 1


async def _plans(session: asyncpg.Connection, statement: str, arguments: str = "") -> list[list[dict[str, Any]]]:
    """Run the statement by its plan for any arguments, and by that for these; return the nodes of both."""
    await session.execute(f"PREPARE asked AS {statement}")
    plans = []
    for mode in ("force_generic_plan", "force_custom_plan"):
        await session.execute(f"SET plan_cache_mode = {mode}")
        call = f"asked({arguments})" if arguments else "asked"
        report = await session.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {call}")
        plans.append(_nodes(json.loads(report)[0]["Plan"]))
    await session.execute("DEALLOCATE asked")
    return plans


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", []) for node in _nodes(part))]
