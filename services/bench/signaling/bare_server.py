"""What a gateway is compared with, running."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.bench.processes import ServiceProcess
from services.bench.system import Server, bench_folder, running
from shared.runtime.credentials import Credentials
from shared.runtime.tokens import Tokens

_BARE = "bench.signaling.bare"


@asynccontextmanager
async def running_bare() -> AsyncIterator[Server]:
    """Run it while the context lasts. Raises StartupError."""
    with bench_folder() as folder:
        process = ServiceProcess(_BARE, {}, folder / "bare.log")
        async with running([process]):
            yield Server(process, Tokens(Credentials("bench", secrets.token_hex(32))))
