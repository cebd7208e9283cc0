"""The state machine and the race, for long: no event skipped, none doubled, among ten million appends.

That the race finds what it looks for was seen with a sequencer that goes on from the last number it took, and with
readers that page by the number that was drawn at insert: both skipped events within the first thousands of appends.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time

import uvloop
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from rich.console import Console
from rich.table import Table

from tests.contract.log_machines import PostgresMachine
from tests.soak.processes import in_processes
from tests.soak.race import Plan, Race
from tests.support import postgres

_PROGRESS_SECONDS = 10
_console = Console(highlight=False)


def main() -> int:
    asked = _arguments()
    server = postgres.find().url
    if asked.examples:
        _run_state_machine(server, asked.examples)
    plan = Plan(
        seed=asked.seed,
        appends=asked.appends,
        seconds=asked.minutes * 60,
        processes=asked.processes,
        appenders=256,
        slowest=2,
        kill_every=1,
        partition=max(1000, asked.appends // 20),
        patience=60,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        race = runner.run(_run_race(server, plan))
    _console.print(_table(race))
    return 1 if any(race.faults.values()) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--appends", type=int, default=10_000_000)
    parser.add_argument("--minutes", type=float, default=180, help="begin no append after that (default: 180)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="what everybody does follows it")
    parser.add_argument("--processes", type=int, default=2, help="that append (default: 2)")
    parser.add_argument("--examples", type=int, default=300, help="of the state machine, at first (default: 300)")
    return parser.parse_args()


def _run_state_machine(server: str, examples: int) -> None:
    _console.print(f"State machine on Postgres: {examples} examples of up to 50 steps …")
    PostgresMachine.database_url = asyncio.run(postgres.create_database(server))
    try:
        thorough = settings(max_examples=examples, stateful_step_count=50, deadline=None)
        run_state_machine_as_test(PostgresMachine, settings=thorough)
    finally:
        asyncio.run(postgres.drop_database(server, PostgresMachine.database_url))


async def _run_race(server: str, plan: Plan) -> Race:
    _console.print(f"Race: {plan.appends:,} appends by {plan.processes} processes, --seed {plan.seed}")
    url = await postgres.create_database(server)
    race = Race(url, plan)
    telling = asyncio.create_task(_tell(race))
    try:
        await race.run(in_processes)
    finally:
        telling.cancel()
        await postgres.drop_database(server, url)
    return race


async def _tell(race: Race) -> None:
    """Say every few seconds how far it is, and for how long it will go on."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS)
        took, read = time.monotonic() - began, min(reading.position for reading in race.readings)
        rate = read / took
        left = min((race.plan.appends - read) / max(rate, 1), race.plan.seconds - took) / 60
        _console.print(
            f"{took / 60:6.1f} min {read:>12,} read {rate:>8,.0f}/s {race.killed:>6,} sessions killed, "
            f"about {max(left, 0):.0f} min left"
        )


def _table(race: Race) -> Table:
    ledger = race.ledger
    table = Table("", title=f"seed {race.plan.seed}, {race.took / 60:.1f} min")
    table.add_column(justify="right")
    rows = {
        "appends": ledger.appends,
        "events appended": ledger.events,
        "events read, by each reader": min(reading.events for reading in race.readings),
        "transactions rolled back": ledger.aborted,
        "transactions cut off": ledger.cut_off,
        "sessions killed": race.killed,
        "answers lost": ledger.unanswered,
        "conflicts": ledger.conflicts,
        "events a second": round(ledger.events / race.took),
    }
    for name, count in {**rows, **race.faults}.items():
        table.add_row(name, f"{count:,}", style="red" if race.faults.get(name) else None)
    return table


if __name__ == "__main__":
    sys.exit(main())
