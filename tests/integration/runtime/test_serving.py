"""Health over HTTP, and what keeps a service together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from shared.concurrency.supervision import supervised
from shared.runtime.errors import SettingError
from shared.runtime.http import health_router, serving
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from shared.runtime.settings import Settings
from shared.runtime.standalone import database_answers, standalone
from tests.support.eventually import eventually
from tests.support.processes import free_port
from tests.support.proxy import proxied


@asynccontextmanager
async def healthy(ready: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    async def is_ready() -> bool:
        return ready

    app = FastAPI()
    app.include_router(health_router(is_ready))
    async with serving(app, "127.0.0.1", 0) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        yield http


async def test_a_service_that_is_ready_says_so() -> None:
    async with healthy() as http:
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/readyz")).status_code == 200


async def test_a_service_that_is_not_ready_lives_all_the_same() -> None:
    async with healthy(ready=False) as http:
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503


async def test_metrics_are_in_prometheus_form() -> None:
    async with healthy() as http:
        metrics = await http.get("/metrics")

    assert metrics.headers["content-type"].startswith("text/plain; version=")
    assert "python_info{" in metrics.text


async def test_a_port_that_is_taken_is_told_by_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingError, match=f"ONRECORD_HTTP_PORT name an address .*:{port} is taken"):
            async with serving(FastAPI(), "127.0.0.1", port):
                pass


async def test_a_host_that_does_not_exist_is_told_by_its_setting() -> None:
    with pytest.raises(SettingError, match=r"^ONRECORD_HTTP_HOST"):
        async with serving(FastAPI(), "nowhere.invalid", 0):
            pass


async def test_the_port_is_free_again_afterwards_even_when_the_service_failed() -> None:
    port = free_port()
    for _ in range(3):
        with pytest.raises(LookupError):
            async with serving(FastAPI(), "127.0.0.1", port):
                raise LookupError


async def test_readiness_follows_the_database(database_url: str, tmp_path: Path) -> None:
    async with proxied(database_url) as proxy:
        settings = Settings(database_url=proxy.url, data_dir=tmp_path)
        async with open_infrastructure(settings) as infrastructure:
            assert await database_answers(infrastructure)
            await proxy.close()
            assert not await database_answers(infrastructure)
            await proxy.open()
            await eventually(lambda: database_answers(infrastructure))


async def test_a_service_alone_serves_its_health(database_url: str, amqp_url: str, tmp_path: Path) -> None:
    port = free_port()
    settings = Settings(database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path, http_port=port)
    async with standalone(settings, _idle), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        assert (await http.get("/readyz")).status_code == 200
        assert (await http.get("/openapi.json")).status_code == 404


async def test_a_job_that_fails_ends_the_service_with_its_error() -> None:
    async def fail() -> None:
        raise LookupError("the job's own")

    with pytest.raises(LookupError, match="the job's own"):
        async with asyncio.timeout(5), supervised(fail(), _for_ever()):
            await _for_ever()


async def test_a_service_that_fails_ends_its_jobs() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await _for_ever()
        finally:
            ended.set()

    async def serve() -> None:
        async with supervised(work()):
            await begun.wait()
            raise LookupError

    with pytest.raises(LookupError):
        await serve()
    assert ended.is_set()


async def test_a_service_that_ends_ends_its_jobs() -> None:
    async with asyncio.timeout(5), supervised(_for_ever()):
        await asyncio.sleep(0)


async def _for_ever() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def _idle(infrastructure: Infrastructure) -> AsyncIterator[None]:
    assert isinstance(infrastructure, Infrastructure)
    yield
