"""Puts the consent service together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.consent.handlers import consent_answerer
from shared.messaging.topology import CONSENT_COMMANDS
from shared.runtime.infrastructure import Infrastructure


@asynccontextmanager
async def running(infrastructure: Infrastructure) -> AsyncIterator[None]:
    async with infrastructure.bus.answer(CONSENT_COMMANDS, consent_answerer(infrastructure.store)):
        yield
