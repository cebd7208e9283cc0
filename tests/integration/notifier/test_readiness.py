"""A notifier that cannot read the log tells nobody anything, and says so."""

from __future__ import annotations

from pathlib import Path

import httpx

from services.notifier.bootstrap import running
from services.notifier.settings import NotifierSettings
from shared.eventsourcing.postgres import PostgresEventStore
from shared.runtime.standalone import standalone
from tests.support.events import append, new_event, open_log, sequence_all
from tests.support.eventually import eventually
from tests.support.processes import free_port


async def test_a_notifier_is_ready_until_its_outbox_stops(database_url: str, amqp_url: str, tmp_path: Path) -> None:
    """Seen to fail with readiness that asks the database alone."""
    settings = NotifierSettings(database_url=database_url, amqp_url=amqp_url, http_port=free_port(), data_dir=tmp_path)
    async with (
        standalone(settings, lambda infrastructure: running(infrastructure, settings)),
        open_log(database_url) as pool,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.http_port}") as http,
    ):

        async def status() -> int:
            return (await http.get("/readyz")).status_code

        async def is_not_ready() -> bool:
            return await status() == 503

        assert await status() == 200
        store = PostgresEventStore(pool)
        await append(store, "poll-1", [new_event(event_type="poll.opened.v1")])
        await sequence_all(store)
        await eventually(is_not_ready)
        assert (await http.get("/livez")).status_code == 200
        assert 'onrecord_projection_stopped{projection="webhook_outbox"} 1.0' in (await http.get("/metrics")).text
