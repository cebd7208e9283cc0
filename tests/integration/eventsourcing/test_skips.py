"""The race that makes event logs on Postgres skip events, for a moment: `make soak` runs it for ten million appends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.soak.appending import Share, append_share
from tests.soak.ledger import Ledger
from tests.soak.race import Plan, Race


async def _side_by_side(shares: Sequence[Share]) -> list[Ledger]:
    return await asyncio.gather(*map(append_share, shares))


async def test_among_slow_aborted_and_killed_appends_no_reader_skips_an_event_or_reads_one_twice(
    database_url: str,
) -> None:
    """Seen to fail with a sequencer that goes on from the last number it took: it skipped dozens of events.

    So did readers that page by the number that is drawn at insert.
    """
    race = Race(database_url, Plan(seed=20260321, appends=1500, seconds=30, dawdlers=5, partition=700))

    await race.run(_side_by_side)

    assert set(race.faults.values()) == {0}, race.faults
    assert [reading.events for reading in race.readings] == [race.ledger.events] * 2
    assert race.ledger.appends >= 1500
    assert min(race.ledger.aborted, race.ledger.cut_off, race.ledger.unanswered, race.killed) > 0, (
        "nothing was provoked"
    )
