"""Under which conditions a run measured: without them its figures mean nothing."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg

from services.bench.broker import broker_version
from services.bench.ground import Ground
from services.bench.sync_time import measure_sync

_SETTINGS = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "shared_buffers",
    "max_wal_size",
    "commit_delay",
)


async def conditions(ground: Ground, seed: int) -> dict[str, Any]:
    """Return what to show with the figures, by name."""
    async with ground.session() as connection:
        postgres = await connection.fetchval("SHOW server_version")
        settings = {name: await connection.fetchval("SELECT current_setting($1)", name) for name in _SETTINGS}
        folder = await _data_folder(connection)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "system": platform.platform(),
        "Python": platform.python_version(),
        **{name: version(name) for name in ("asyncpg", "aio-pika", "pydantic", "uvloop")},
        "Postgres": postgres + (" (embedded)" if ground.embedded else ""),
        **settings,
        "disk sync": str(measure_sync(folder)),
        "bus": await broker_version(ground.amqp_url) if ground.amqp_url else "in process: no broker is named",
        "seed": seed,
    }


async def _data_folder(connection: asyncpg.Connection) -> Path | None:
    """Return where the database is, if the server tells us."""
    try:
        return Path(await connection.fetchval("SHOW data_directory"))
    except asyncpg.InsufficientPrivilegeError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
