"""Runs the audit service alone: `python -m services.audit`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.audit.bootstrap import audit_app
from shared.runtime.http import serving
from shared.runtime.process import main
from shared.runtime.settings import Settings
from shared.runtime.standalone import shared_infrastructure


@asynccontextmanager
async def alone(settings: Settings) -> AsyncIterator[None]:
    async with (
        shared_infrastructure(settings) as infrastructure,
        serving(audit_app(infrastructure), settings.http_host, settings.http_port),
    ):
        yield


def run() -> None:
    main("audit", Settings, alone)


if __name__ == "__main__":
    run()
