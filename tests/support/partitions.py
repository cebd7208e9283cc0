"""A log whose partitions are small, so that a test gets over their borders."""

from __future__ import annotations

import asyncpg


async def make_partitions_small(owner: asyncpg.Connection, events: int) -> None:
    """Let every partition of this log, which must be empty, hold so many events."""
    async with owner.transaction():
        await owner.execute(f"UPDATE partition_size SET events = {events}")
        await owner.execute("DROP TABLE events_from_1")
        await owner.execute("DELETE FROM partitions")
        await owner.execute("SELECT add_partition()")
