"""Puts the consent service together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.consent.handlers import Consents, consent_answerer
from services.consent.process_managers.clearing import CLEARING
from services.consent.projections.consent_register import CONSENT_REGISTER
from shared.concurrency.supervision import supervised
from shared.contracts import actors
from shared.eventsourcing.process_manager import ProcessManager
from shared.eventsourcing.projection_runner import ProjectionRunner
from shared.messaging.follower import Follower
from shared.messaging.topology import CONSENT_COMMANDS, live_queue
from shared.runtime.infrastructure import Infrastructure


@asynccontextmanager
async def running(infrastructure: Infrastructure) -> AsyncIterator[ProjectionRunner]:
    """Run it while the context lasts; yield what keeps its register.

    Should the register stop, words are still written down: a withdrawal must not wait for it. An event that cannot be
    read ends the service: it could not clear any more, and would go on taking yeses that nothing ends. Words are taken
    once what was owed meanwhile is cleared, or a yes of after the stop would hide the one that the stop ended.
    """
    bus, consents = infrastructure.bus, Consents(infrastructure.store)
    clearing = ProcessManager(CLEARING, consents.clear, actors.service("consent"), infrastructure.clock)
    follower = Follower(infrastructure.store, clearing.apply)
    register = ProjectionRunner(CONSENT_REGISTER, infrastructure.store, infrastructure.database)
    async with bus.subscribe(live_queue("consent", infrastructure.instance), follower.hear):
        await follower.catch_up()
        await clearing.give_due()
        async with (
            supervised(register.run(), clearing.run(), follower.until_stopped()),
            bus.answer(CONSENT_COMMANDS, consent_answerer(consents)),
        ):
            yield register
