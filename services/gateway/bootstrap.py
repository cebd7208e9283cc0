"""Puts the gateway together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import APIRouter, FastAPI

from services.gateway.adapters.invites import Invites
from services.gateway.adapters.resumptions import Resumptions
from services.gateway.adapters.tickets import Tickets
from services.gateway.admissions import Admissions
from services.gateway.consents import Consents, CurrentConsents
from services.gateway.domain.recording import RECORDING
from services.gateway.domain.room import ROOM
from services.gateway.entrypoints.cors import allow_origins
from services.gateway.entrypoints.errors import install_error_answers
from services.gateway.entrypoints.examples.every import TOLD
from services.gateway.entrypoints.openapi import described
from services.gateway.entrypoints.page import page_router
from services.gateway.entrypoints.rest_v1 import rest_v1_router
from services.gateway.entrypoints.rest_v2 import install_rest_v2
from services.gateway.entrypoints.signaling import signaling_router
from services.gateway.entrypoints.v2.kept_recordings import Archive
from services.gateway.entrypoints.v2.merges import merges_router
from services.gateway.entrypoints.v2.public_key import public_key_router
from services.gateway.entrypoints.v2.recording_files import StoredFiles
from services.gateway.entrypoints.v2.recordings import recordings_router
from services.gateway.entrypoints.v2.rooms import rooms_router
from services.gateway.entrypoints.v2.session_access import SessionAccess
from services.gateway.entrypoints.v2.session_participants import session_participants_router
from services.gateway.entrypoints.v2.sessions import sessions_router
from services.gateway.entrypoints.v2.transcodings import transcodings_router
from services.gateway.entrypoints.v2.webhooks import webhooks_router
from services.gateway.entrypoints.whip import whip_router
from services.gateway.handlers import gateway_answerer
from services.gateway.hub import Hub
from services.gateway.ice_servers import IceServers
from services.gateway.lease import Lease
from services.gateway.lost_gateways import LostGateways
from services.gateway.merges import Merges
from services.gateway.participant_recordings import ParticipantRecordings
from services.gateway.process_managers.auto_close import AUTO_CLOSE
from services.gateway.process_managers.room_recordings import ROOM_RECORDINGS
from services.gateway.projections.recordings import RECORDINGS
from services.gateway.projections.recordings_read import Recordings
from services.gateway.projections.sessions import SESSIONS
from services.gateway.projections.sessions_read import Directory
from services.gateway.recordings import RoomRecordings
from services.gateway.resuming import keep_resumptions
from services.gateway.rooms import Rooms
from services.gateway.settings import GatewaySettings
from services.gateway.signaling.actions import Actions
from services.gateway.signaling.connection import Signaling
from services.gateway.sources import Sources
from services.gateway.whip_sessions import WhipSessions
from shared.concurrency.supervision import supervised
from shared.contracts import actors
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.horizon import Horizon, Horizons
from shared.eventsourcing.process_manager import ProcessManager
from shared.eventsourcing.projection_runner import ProjectionRunner
from shared.eventsourcing.recent_states import RecentStates
from shared.eventsourcing.snapshots import Snapshots
from shared.messaging.asking import Owners
from shared.messaging.follower import Follower
from shared.messaging.topology import GATEWAY_COMMANDS, live_queue
from shared.runtime.http import health_router, serving
from shared.runtime.infrastructure import Infrastructure
from shared.runtime.signing_keys import load_signing_key
from shared.runtime.standalone import database_answers
from shared.runtime.tokens import Tokens

MIGRATIONS = files("services.gateway") / "sql"

#: Rooms, and recordings, whose state is kept between two of their commands.
_RECENT_STREAMS = 1000


@asynccontextmanager
async def running(infrastructure: Infrastructure, settings: GatewaySettings) -> AsyncIterator[int]:
    """Serve clients while the context lasts; yield the HTTP port."""
    bus, clock, horizon = infrastructure.bus, infrastructure.clock, Horizon(infrastructure.clock)
    lease = Lease(infrastructure.database, horizon)
    rooms = _rooms(infrastructure, horizon, lease)
    recordings = _recordings(infrastructure, rooms, horizon)
    hub = Hub(clock)
    ends = ProcessManager(ROOM_RECORDINGS, recordings.give, actors.service("gateway"), clock)
    closes = ProcessManager(AUTO_CLOSE, rooms.auto_close, actors.service("gateway"), clock)
    follower = Follower(infrastructure.store, ends.apply, closes.apply, hub.apply)
    resumptions = Resumptions(infrastructure.database)
    lost_gateways = LostGateways(rooms, hub.roster, follower, Horizons(infrastructure.database))
    owners = Owners(bus, settings.command_timeout)
    consents = Consents(owners, horizon)
    signaling = Signaling(Actions(rooms, consents, recordings), hub, clock)
    sessions = ProjectionRunner(SESSIONS, infrastructure.store, infrastructure.database)
    kept_recordings = ProjectionRunner(RECORDINGS, infrastructure.store, infrastructure.database)
    current = CurrentConsents(infrastructure.store, rooms)
    asking = ParticipantRecordings(rooms, consents, current, owners, infrastructure.store, horizon, clock)
    archive = _archive(infrastructure, settings, asking)
    # Merges first: `merge` is no id of a recording.
    v2 = [*_merging(infrastructure, rooms, owners, archive), *_telling(infrastructure, owners, settings)]
    v2.append(recordings_router(archive))
    projections = [sessions, kept_recordings]
    sources = Sources(rooms, owners, clock)
    whip = _whip(infrastructure, rooms, WhipSessions(rooms, owners, clock), resumptions, settings)
    app = _app(infrastructure, signaling, rooms, sources, whip, resumptions, settings, v2)
    app.include_router(health_router(lambda: _is_ready(infrastructure, horizon, projections)))
    app.openapi_schema = described(app.openapi(), TOLD)
    allow_origins(app, settings.cors_origin_list)
    async with bus.subscribe(live_queue("gateway", infrastructure.instance), follower.hear):
        await follower.catch_up()
        async with (
            supervised(follower.until_stopped()),
            lease.kept(hub.send_away),
            supervised(ends.run(), lost_gateways.watch(), keep_resumptions(hub, resumptions.refresh)),
            supervised(closes.run(), *(each.run() for each in projections)),
            bus.answer(GATEWAY_COMMANDS, gateway_answerer(recordings)),
            signaling.lives.awaited(),
            serving(app, settings.http_host, settings.http_port) as port,
        ):
            yield port


def _rooms(infrastructure: Infrastructure, horizon: Horizon, lease: Lease) -> Rooms:
    streams = CommandHandler(
        infrastructure.store, ROOM, Snapshots(infrastructure.database, ROOM), RecentStates(_RECENT_STREAMS)
    )
    return Rooms(streams, horizon, infrastructure.clock, lease.gateway_id)


def _recordings(infrastructure: Infrastructure, rooms: Rooms, horizon: Horizon) -> RoomRecordings:
    streams = CommandHandler(infrastructure.store, RECORDING, recent=RecentStates(_RECENT_STREAMS))
    return RoomRecordings(streams, rooms, horizon, infrastructure.clock)


def _archive(infrastructure: Infrastructure, settings: GatewaySettings, asking: ParticipantRecordings) -> Archive:
    return Archive(
        Recordings(infrastructure.database),
        asking,
        StoredFiles(settings.storage_root),
        Tokens(infrastructure.credentials),
        settings.public_url,
    )


def _merging(infrastructure: Infrastructure, rooms: Rooms, owners: Owners, archive: Archive) -> list[APIRouter]:
    directory = Directory(infrastructure.database)

    async def room_of(session_id: str) -> str | None:
        session = await directory.session(session_id)
        return session.room_id if session else None

    merges = Merges(rooms, room_of, infrastructure.store, archive.kept, owners, infrastructure.clock)
    return [
        merges_router(merges, archive.files, archive.tokens, archive.public_url),
        transcodings_router(merges, archive.files, archive.tokens, archive.public_url),
    ]


def _telling(infrastructure: Infrastructure, owners: Owners, settings: GatewaySettings) -> list[APIRouter]:
    return [
        webhooks_router(owners, infrastructure.clock, Tokens(infrastructure.credentials)),
        public_key_router(load_signing_key(settings).public_pem()),
    ]


def _whip(
    infrastructure: Infrastructure,
    rooms: Rooms,
    sessions: WhipSessions,
    resumptions: Resumptions,
    settings: GatewaySettings,
) -> APIRouter:
    secret = settings.turn_secret.get_secret_value() if settings.turn_secret else None
    servers = IceServers(settings.ice_url_list, secret, infrastructure.clock)
    return whip_router(rooms, sessions, Tokens(infrastructure.credentials), resumptions, servers, settings.public_url)


def _app(
    infrastructure: Infrastructure,
    signaling: Signaling,
    rooms: Rooms,
    sources: Sources,
    whip: APIRouter,
    resumptions: Resumptions,
    settings: GatewaySettings,
    v2: Sequence[APIRouter],
) -> FastAPI:
    tokens, database = Tokens(infrastructure.credentials), infrastructure.database
    tickets, invites = Tickets(database), Invites(database)
    app = FastAPI(title="onrecord", redirect_slashes=False, docs_url=None, redoc_url=None)
    install_error_answers(app)
    app.include_router(signaling_router(signaling, tickets))
    app.include_router(rest_v1_router(rooms, Admissions(rooms, tickets, resumptions), invites, sources, whip, tokens))
    directory = Directory(database)
    access = SessionAccess(directory, tokens, settings.public_url)
    install_rest_v2(
        app,
        rooms_router(rooms, directory, tokens, settings.public_url),
        sessions_router(rooms, directory, access),
        session_participants_router(rooms, directory, access),
        *v2,
    )
    app.include_router(page_router())
    return app


async def _is_ready(infrastructure: Infrastructure, horizon: Horizon, projections: Sequence[ProjectionRunner]) -> bool:
    """Tell whether all can be answered: not while it is fenced, or a projection has stopped."""
    goes_on = not horizon.is_fenced and all(each.stopped is None for each in projections)
    return goes_on and await database_answers(infrastructure)
