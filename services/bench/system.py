"""The system that is measured: each service a process of its own, as in production."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from services.bench.ground import Ground, Log
from services.bench.processes import ServiceProcess
from shared.concurrency.supervision import single_error
from shared.runtime.credentials import Credentials
from shared.runtime.errors import SettingError, StartupError
from shared.runtime.tokens import Permission, Tokens

#: All that a meeting needs beside gateways.
_BEHIND = ("relay", "consent", "recorder")
_ANSWER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """Somewhere rooms are: a gateway, or what it is compared with."""

    process: ServiceProcess
    tokens: Tokens

    @property
    def url(self) -> str:
        return self.process.url

    def http(self) -> httpx.AsyncClient:
        # Certificates are not loaded, which takes longer than all that is asked here.
        return httpx.AsyncClient(base_url=self.url, trust_env=False, verify=False, timeout=_ANSWER_SECONDS)  # noqa: S501

    async def create_room(self, http: httpx.AsyncClient, **options: Any) -> str:
        """Return the id of a new room with these options of REST v2. Raises StartupError."""
        return str((await self.ask(http, "POST", "/v2/rooms", options)).json()["roomId"])

    async def ask(self, http: httpx.AsyncClient, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask as the server of a platform does. Raises StartupError when it is refused."""
        token = self.tokens.issue(datetime.now(UTC), permissions=["allow_join", "allow_mod"])
        answer = await http.request(method, path, json=body, headers={"Authorization": token})
        if not answer.is_success:
            raise StartupError(f"{method} {path} was refused with {answer.status_code}: {answer.text}")
        return answer

    def token(self, participant_id: str, *, moderates: bool = False) -> str:
        permissions: list[Permission] = ["allow_join", "allow_mod"] if moderates else ["allow_join"]
        return self.tokens.issue(datetime.now(UTC), permissions=permissions, participant_id=participant_id)


@dataclass(frozen=True, slots=True)
class System:
    """Several gateways on one log, and the services behind them."""

    log: Log
    amqp_url: str
    gateways: Sequence[Server]
    #: The services behind the gateways, by their names.
    behind: Mapping[str, ServiceProcess]
    #: Where files are stored.
    storage: Path


@asynccontextmanager
async def running_system(ground: Ground, gateways: int) -> AsyncIterator[System]:
    """Run it on a log of its own. Raises StartupError."""
    if ground.amqp_url is None:
        raise SettingError(
            "ONRECORD_AMQP_URL", "is not set: services in several processes reach each other by a broker"
        )
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(ground.log())
        folder = stack.enter_context(bench_folder())
        storage = folder / "recordings"
        credentials = Credentials("bench", secrets.token_hex(32))
        settings = {
            "ONRECORD_DATABASE_URL": log.url,
            "ONRECORD_AMQP_URL": ground.amqp_url,
            "ONRECORD_API_KEY": credentials.api_key,
            "ONRECORD_API_SECRET": credentials.api_secret,
            "ONRECORD_STORAGE_URL": f"file://{storage}",
            "ONRECORD_DATA_DIR": str(folder),
            "ONRECORD_HTTP_HOST": "127.0.0.1",
            "ONRECORD_LOG_LEVEL": "warning",
        }
        behind = {name: ServiceProcess(name, settings, folder / f"{name}.log") for name in _BEHIND}
        doors = [ServiceProcess("gateway", settings, folder / f"gateway-{n}.log") for n in range(gateways)]
        await stack.enter_async_context(running(behind.values()))
        await stack.enter_async_context(running(doors))
        tokens = Tokens(credentials)
        yield System(log, ground.amqp_url, [Server(door, tokens) for door in doors], behind, storage)


@asynccontextmanager
async def running(processes: Collection[ServiceProcess]) -> AsyncIterator[None]:
    """Run them while the context lasts. Raises StartupError."""
    try:
        with single_error():
            async with asyncio.TaskGroup() as group:
                for process in processes:
                    group.create_task(process.start())
        yield
    finally:
        await asyncio.gather(*(process.stop() for process in processes if process.is_started))


@contextmanager
def bench_folder() -> Iterator[Path]:
    """Make a folder for what is written while something is measured, and remove it with all that is in it."""
    with tempfile.TemporaryDirectory(prefix="onrecord-bench-") as folder:
        yield Path(folder)
