"""`onrecord webhooks`."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from uuid import uuid4

import asyncpg

from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX
from shared.contracts.webhook import webhook_id
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection_runner import rebuild
from tests.integration.notifier.target import Target, all_told, create_room, notifying, record, waiting_is
from tests.integration.projections.keeping import sequencing
from tests.support.command import onrecord
from tests.support.eventually import eventually


async def run(arguments: str, database_url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, on this database."""
    settings = {"ONRECORD_DATABASE_URL": database_url}
    return await asyncio.to_thread(onrecord, arguments, settings, folder)


async def test_webhooks_are_listed_shown_and_posted_again(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore, target: Target, tmp_path: Path
) -> None:
    target.before = [500]
    async with sequencing(store), notifying(store, database):
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 2)
        await eventually(lambda: all_told(store, ids))
        await eventually(lambda: waiting_is(database, 0))
        first, second = map(str, target.named(ids))

        listed = json.loads((await run("webhooks list --json", database_url, tmp_path)).stdout)
        assert [(each["id"], each["state"], each["last_status"]) for each in listed] == [
            (second, "delivered", 200),
            (first, "given_up", 500),
        ]
        given_up = (await run("webhooks list --state given_up", database_url, tmp_path)).stdout
        assert given_up.startswith(first)
        assert given_up.count("\n") == 1

        ended = await run(f"webhooks resend {first}", database_url, tmp_path)
        assert ended.returncode == 0, ended.stderr
        await eventually(lambda: len(target.posted) == 3)

    shown = json.loads((await run(f"webhooks show {first} --json", database_url, tmp_path)).stdout)
    assert shown["body"].encode() == target.posted[0][2] == target.posted[2][2]
    assert [each["what"] for each in shown["history"]] == ["failed", "resend-requested", "delivered"]
    text = (await run(f"webhooks show {first}", database_url, tmp_path)).stdout
    assert "the target answered 500" in text


async def test_what_people_outside_have_written_moves_no_cursor_and_turns_no_writing_around(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore, tmp_path: Path
) -> None:
    """Older rules let such a URL into the log."""
    url = "http://127.0.0.1:1/\x1b[2J\u202e"
    async with sequencing(store), notifying(store, database):
        await create_room(store, "r", url)
        ids = await record(store, "r", 1)
        await eventually(lambda: all_told(store, ids))
        await eventually(lambda: waiting_is(database, 0))
    for command in ("list", f"show {webhook_id(ids[0], url)}"):
        said = (await run(f"webhooks {command}", database_url, tmp_path)).stdout
        assert "http://127.0.0.1:1/\ufffd[2J\ufffd" in said
        assert all(line.isprintable() for line in said.splitlines())


async def test_what_is_not_there_is_one_sentence(
    database_url: str, database: asyncpg.Pool, store: PostgresEventStore, tmp_path: Path
) -> None:
    ended = await run("webhooks list", database_url, tmp_path)
    assert ended.returncode == 1
    assert "there is no outbox of this version" in ended.stderr
    await rebuild(WEBHOOK_OUTBOX, store, database, lambda *_: None)
    for command in ("show", "resend"):
        ended = await run(f"webhooks {command} {uuid4()}", database_url, tmp_path)
        assert ended.returncode == 1
        assert ended.stderr.startswith("onrecord: there is no webhook")
        assert ended.stderr.count("\n") == 1
