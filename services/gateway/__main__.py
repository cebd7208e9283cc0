"""Runs the gateway alone: `python -m services.gateway`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.gateway.bootstrap import MIGRATIONS, running
from services.gateway.settings import GatewaySettings
from shared.runtime.process import main
from shared.runtime.standalone import shared_infrastructure


@asynccontextmanager
async def alone(settings: GatewaySettings) -> AsyncIterator[None]:
    async with (
        shared_infrastructure(settings, MIGRATIONS) as infrastructure,
        running(infrastructure, settings),
    ):
        yield


def run() -> None:
    main("gateway", GatewaySettings, alone)


if __name__ == "__main__":
    run()
