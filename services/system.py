"""The whole system in one process: the embedded default, with the same services on the same log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import services.consent.bootstrap
import services.gateway.bootstrap
import services.notifier.bootstrap
import services.recorder.bootstrap
import services.relay.bootstrap
from services.gateway.settings import GatewaySettings
from services.notifier.settings import NotifierSettings
from services.recorder.settings import RecorderSettings
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from shared.runtime.settings import load_settings

#: The tables of all services, beside the log's.
MIGRATIONS = (services.gateway.bootstrap.MIGRATIONS, services.relay.bootstrap.MIGRATIONS)


@dataclass(frozen=True, slots=True)
class System:
    """What runs."""

    infrastructure: Infrastructure
    http_port: int
    storage_root: Path


@asynccontextmanager
async def system(**overrides: Any) -> AsyncIterator[System]:
    """Run everything while the context lasts; `overrides` win over the environment. Raises StartupError."""
    recorder_settings = load_settings(RecorderSettings, **overrides)
    storage_root = recorder_settings.storage_root
    gateway_settings = load_settings(GatewaySettings, **overrides)
    notifier_settings = load_settings(NotifierSettings, **overrides)
    async with AsyncExitStack() as stack:
        infrastructure = await stack.enter_async_context(open_infrastructure(gateway_settings, *MIGRATIONS))
        # They end in the opposite order: first nobody comes in any more, then what runs is brought to its end.
        await stack.enter_async_context(services.relay.bootstrap.running(infrastructure))
        await stack.enter_async_context(services.notifier.bootstrap.running(infrastructure, notifier_settings))
        await stack.enter_async_context(services.consent.bootstrap.running(infrastructure))
        await stack.enter_async_context(services.recorder.bootstrap.running(infrastructure, recorder_settings))
        port = await stack.enter_async_context(services.gateway.bootstrap.running(infrastructure, gateway_settings))
        yield System(infrastructure, port, storage_root)
