"""Puts the consent service together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.consent.handlers import consent_answerer
from services.consent.projections.consent_register import CONSENT_REGISTER
from shared.eventsourcing.projection_runner import ProjectionRunner
from shared.messaging.topology import CONSENT_COMMANDS
from shared.runtime.infrastructure import Infrastructure
from shared.runtime.supervision import supervised


@asynccontextmanager
async def running(infrastructure: Infrastructure) -> AsyncIterator[ProjectionRunner]:
    """Run it while the context lasts; yield what keeps its register.

    Should the register stop, words are still written down: a withdrawal must not wait for it.
    """
    register = ProjectionRunner(CONSENT_REGISTER, infrastructure.store, infrastructure.database)
    answering = infrastructure.bus.answer(CONSENT_COMMANDS, consent_answerer(infrastructure.store))
    async with supervised(register.run()), answering:
        yield register
