"""`onrecord webhooks`: shows what targets were told, and has it told again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import typer

from services.notifier.handlers import Resending, WebhookNotFoundError
from services.notifier.projections.webhook_outbox_read import WebhookOutbox
from shared.contracts import actors
from shared.contracts.webhook import WebhookEvent, webhook_stream
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.postgres import PostgresEventStore
from shared.runtime.errors import StartupError
from shared.runtime.moments import moment
from shared.runtime.printable import shown
from shared.runtime.reading import opened_log

_ACTOR = actors.command("webhooks")


class NoOutboxError(StartupError):
    """There is no outbox to read, or one of another version."""

    def __init__(self) -> None:
        super().__init__(
            "there is no outbox of this version of onrecord: let a notifier run on this log, or make it with "
            "onrecord projections rebuild webhook_outbox"
        )


async def list_command(room_id: str | None, state: str | None, limit: int, *, as_json: bool) -> None:
    """Print the newest ones. Raises StartupError and EventSourcingError."""
    async with _reading() as pool:
        rows = [_readable(row) for row in await WebhookOutbox(pool).listed(room_id, state, limit)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        _say(f"{row['id']}  {row['at']}  {row['state']:<9}  {row['webhook_type']:<32}  {row['url']}")


async def show_command(webhook_id: UUID, *, as_json: bool) -> None:
    """Print one with its body and everything that was written down about it. Raises StartupError and others."""
    async with _reading() as pool:
        row = await WebhookOutbox(pool).shown(webhook_id)
        if row is None:
            raise StartupError(str(WebhookNotFoundError(webhook_id)))
        stored = await PostgresEventStore(pool).read(webhook_stream(row["event_id"], row["url"]))
    history = [_told(event) for each in stored if isinstance(event := decode(each), WebhookEvent)]
    if as_json:
        typer.echo(json.dumps({**_readable(row), "body": row["body"].decode(), "history": history}, indent=2))
        return
    for name, value in _readable(row).items():
        _say(f"{name:<13} {'' if value is None else value}")
    _say(f"{'body':<13} {row['body'].decode()}")
    for each in history:
        _say("  ".join(f"{name} {value}" for name, value in each.items()))


async def resend_command(webhook_id: UUID) -> None:
    """Write down that it is to be posted again: a notifier that runs does so. Raises StartupError and others."""
    async with _reading() as pool:
        resending = Resending(WebhookOutbox(pool), PostgresEventStore(pool))
        try:
            await resending.resend(webhook_id, _ACTOR, datetime.now(UTC), Context.begin(_ACTOR))
        except WebhookNotFoundError as error:
            raise StartupError(str(error)) from error
    typer.echo(f"{webhook_id} is posted again as soon as a notifier runs; onrecord webhooks show tells how it went")


@asynccontextmanager
async def _reading() -> AsyncIterator[asyncpg.Pool]:
    async with opened_log() as pool:
        try:
            with outages_told():
                yield pool
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
            raise NoOutboxError from error


def _say(line: str) -> None:
    """Print it: addresses and bodies hold what people outside have written."""
    typer.echo(shown(line))


def _readable(row: asyncpg.Record) -> dict[str, Any]:
    return {name: _text(value) for name, value in row.items() if name != "body"}


def _told(event: WebhookEvent) -> dict[str, Any]:
    told = {"at": _text(event.at), "what": event.type.split(".")[1]}
    for name in ("attempt", "status", "reason", "duration_ms", "retry_at", "requested_by"):
        if (value := getattr(event, name, None)) is not None:
            told[name] = _text(value)
    return told


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    return str(value) if isinstance(value, UUID) else value
