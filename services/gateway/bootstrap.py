"""Puts the gateway together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.resources import files

import structlog
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from services.gateway.adapters.invites import Invites
from services.gateway.adapters.resumptions import Resumptions
from services.gateway.adapters.tickets import Tickets
from services.gateway.admissions import Admissions
from services.gateway.consents import Consents
from services.gateway.domain.recording import RECORDING
from services.gateway.domain.room import ROOM
from services.gateway.entrypoints.errors import install_error_answers
from services.gateway.entrypoints.rest_v1 import rest_v1_router
from services.gateway.entrypoints.rest_v2 import rest_v2_router
from services.gateway.entrypoints.signaling import signaling_router
from services.gateway.handlers import Rooms
from services.gateway.hub import Hub
from services.gateway.lost_gateways import LostGateways
from services.gateway.recorded_sessions import RecordedSessions
from services.gateway.recordings import RoomRecordings, gateway_answerer
from services.gateway.resuming import keep_resumptions
from services.gateway.settings import GatewaySettings
from services.gateway.signaling.actions import Actions
from services.gateway.signaling.connection import Signaling
from services.gateway.sources import Sources
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import Horizon, Horizons
from shared.eventsourcing.recent_states import RecentStates
from shared.eventsourcing.snapshots import Snapshots
from shared.messaging.asking import Owners
from shared.messaging.topology import GATEWAY_COMMANDS, live_queue
from shared.runtime.http import health_router, serving
from shared.runtime.infrastructure import Infrastructure
from shared.runtime.standalone import database_answers
from shared.runtime.supervision import supervised
from shared.runtime.tokens import Tokens

_log = structlog.get_logger()

MIGRATIONS = files("services.gateway") / "sql"

_HORIZON_SECONDS = 0.1
#: Rooms, and recordings, whose state is kept between two of their commands.
_RECENT_STREAMS = 1000


@asynccontextmanager
async def running(infrastructure: Infrastructure, settings: GatewaySettings) -> AsyncIterator[int]:
    """Serve clients while the context lasts; yield the HTTP port."""
    bus, clock, horizon = infrastructure.bus, infrastructure.clock, Horizon(infrastructure.clock)
    rooms = _rooms(infrastructure, horizon)
    recordings = _recordings(infrastructure, rooms, horizon)
    recorded_sessions = RecordedSessions(recordings, clock)
    hub = Hub(infrastructure.store, clock, also=recorded_sessions.apply)
    resumptions = Resumptions(infrastructure.database)
    lost_gateways = LostGateways(rooms, hub.roster, Horizons(infrastructure.database))
    owners = Owners(bus, settings.command_timeout)
    signaling = Signaling(Actions(rooms, Consents(owners, horizon), recordings), hub, clock)
    app = _app(infrastructure, signaling, rooms, Sources(rooms, owners, clock), resumptions)
    async with bus.subscribe(live_queue("gateway", infrastructure.instance), hub.receive):
        await hub.catch_up()
        async with (
            supervised(hub.until_stopped()),
            _horizon_kept(infrastructure, horizon),
            supervised(recorded_sessions.run(), lost_gateways.watch(), keep_resumptions(hub, resumptions.refresh)),
            bus.answer(GATEWAY_COMMANDS, gateway_answerer(recordings)),
            serving(app, settings.http_host, settings.http_port) as port,
        ):
            yield port


def _rooms(infrastructure: Infrastructure, horizon: Horizon) -> Rooms:
    streams = CommandHandler(
        infrastructure.store, ROOM, Snapshots(infrastructure.database, ROOM), RecentStates(_RECENT_STREAMS)
    )
    return Rooms(streams, horizon, infrastructure.clock, infrastructure.instance)


def _recordings(infrastructure: Infrastructure, rooms: Rooms, horizon: Horizon) -> RoomRecordings:
    streams = CommandHandler(infrastructure.store, RECORDING, recent=RecentStates(_RECENT_STREAMS))
    return RoomRecordings(streams, rooms, horizon, infrastructure.clock)


def _app(
    infrastructure: Infrastructure, signaling: Signaling, rooms: Rooms, sources: Sources, resumptions: Resumptions
) -> FastAPI:
    tokens, database = Tokens(infrastructure.credentials), infrastructure.database
    tickets, invites = Tickets(database), Invites(database)
    app = FastAPI(title="onrecord")
    install_error_answers(app)
    app.include_router(signaling_router(signaling, tickets))
    app.include_router(rest_v1_router(rooms, Admissions(rooms, tickets, resumptions), invites, sources, tokens))
    app.include_router(rest_v2_router(rooms, tokens))
    app.add_api_route("/", _greeting, include_in_schema=False)
    app.include_router(health_router(lambda: database_answers(infrastructure)))
    return app


async def _greeting() -> PlainTextResponse:
    return PlainTextResponse("This is onrecord's gateway. REST: /docs. Signaling: /signaling. Health: /readyz.\n")


@asynccontextmanager
async def _horizon_kept(infrastructure: Infrastructure, horizon: Horizon) -> AsyncIterator[None]:
    horizons = Horizons(infrastructure.database)
    await horizons.renew(infrastructure.instance, horizon.known_until())
    async with supervised(_renew(horizons, infrastructure.instance, horizon)):
        yield
    await horizons.remove(infrastructure.instance)


async def _renew(horizons: Horizons, instance: str, horizon: Horizon) -> None:
    while True:
        known_until: datetime = horizon.known_until()
        try:
            await horizons.renew(instance, known_until)
        except LogUnavailableError as error:
            _log.warning("horizon not renewed", error=str(error))
        await asyncio.sleep(_HORIZON_SECONDS)
