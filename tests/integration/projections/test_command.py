"""`onrecord projections`: what there is, and making it anew, by one command."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg

from services.consent.projections.consent_register import CONSENT_REGISTER
from services.projections import PROJECTIONS
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.projections.keeping import keeping, position_of, say, words
from tests.support.derived import dump
from tests.support.events import append, new_event, sequence_all
from tests.support.eventually import eventually


async def onrecord(
    arguments: str, database_url: str, stderr: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, with no settings but the database."""
    return await asyncio.to_thread(_run, arguments, database_url, stderr)


def _run(arguments: str, database_url: str, stderr: int) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONRECORD_")}
    return subprocess.run(
        [Path(sys.executable).with_name("onrecord"), *arguments.split()],
        env={**inherited, "ONRECORD_DATABASE_URL": database_url, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=50,
        check=False,
    )


async def listed(database_url: str) -> list[dict[str, Any]]:
    ended = await onrecord("projections list --json", database_url)
    assert ended.returncode == 0, ended.stderr
    return list(json.loads(ended.stdout))


async def test_all_are_rebuilt_by_one_command_and_listed_while_one_is_kept(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(3))
    none = {"version": 0, "position": 0, "lag": 3, "state": "none", "reason": None}
    assert await listed(database_url) == [{"name": name, **none} for name in sorted(PROJECTIONS)]

    async with keeping(CONSENT_REGISTER, store, database):
        before = await dump(database, "consent_register")
        ended = await onrecord("projections rebuild", database_url)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == "".join(f"{name} is rebuilt and live\n" for name in PROJECTIONS)
        assert await dump(database, "consent_register") == before
        live = {"position": 3, "lag": 0, "state": "live", "reason": None}
        assert await listed(database_url) == [
            {"name": name, "version": PROJECTIONS[name].version, **live} for name in sorted(PROJECTIONS)
        ]

        await say(store, *words(1, first=3))
        await eventually(lambda: _is_at(database, 4))
    text = (await onrecord("projections list", database_url)).stdout.splitlines()
    behind = {name: f"{name} version {PROJECTIONS[name].version} position 3 lag 1 live" for name in PROJECTIONS}
    behind["consent_register"] = f"consent_register version {CONSENT_REGISTER.version} position 4 lag 0 live"
    assert [" ".join(line.split()) for line in text] == [behind[name] for name in sorted(PROJECTIONS)]


async def test_one_that_has_stopped_is_listed_with_its_reason_and_a_rebuild_is_one_sentence(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(1))
    async with keeping(CONSENT_REGISTER, store, database) as runner:
        await append(store, "poll-1", [new_event(event_type="poll.opened.v1")])
        await sequence_all(store)
        await eventually(lambda: runner.stopped)
    (register,) = [each for each in await listed(database_url) if each["name"] == "consent_register"]
    assert (register["state"], register["position"], register["lag"]) == ("stopped", 1, 1)
    assert "before global position 2, an event of type poll.opened.v1" in register["reason"]

    ended = await onrecord("projections rebuild consent_register", database_url)
    assert ended.returncode == 1
    assert ended.stderr.startswith("onrecord: projection consent_register has stopped before global position 2")
    assert ended.stderr.count("\n") == 1


async def test_a_projection_that_does_not_exist_is_refused_with_those_that_do(database_url: str) -> None:
    ended = await onrecord("projections rebuild nonsense", database_url)
    assert ended.returncode == 1
    assert ended.stderr == f"onrecord: NAME is 'nonsense': choose one of {', '.join(PROJECTIONS)}\n"


async def test_on_a_terminal_there_is_a_progress_bar(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await say(store, *words(2))
    terminal, its_end = pty.openpty()
    try:
        ended = await onrecord("projections rebuild consent_register", database_url, stderr=its_end)
        shown = os.read(terminal, 65536).decode()
    finally:
        os.close(its_end)
        os.close(terminal)
    assert ended.returncode == 0
    assert "consent_register" in shown
    assert "2/2" in shown


async def _is_at(pool: asyncpg.Pool, position: int) -> bool:
    return await position_of(pool, CONSENT_REGISTER) == position
