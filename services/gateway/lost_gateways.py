"""Sees to it that the participants of gateways that died leave."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from services.gateway.projections.roster import Roster
from services.gateway.rooms import Rooms
from shared.eventsourcing.errors import EventSourcingError
from shared.eventsourcing.horizon import TICK, GatewayHorizon, Horizons
from shared.messaging.follower import Follower

_log = structlog.get_logger()

_LOOK_SECONDS = 0.5


class LostGateways:
    """Looks for participants whose gateway is gone, and has them leave.

    A gateway that lives keeps its horizon in the database. That of one which the relay has taken for dead holds the
    watermark until its participants have left, at that moment: what they said since may never come into the log. Where
    nobody was there to see to it, it is gone, and they leave when they are found. Every gateway looks: what several of
    them see is written once.
    """

    def __init__(self, rooms: Rooms, roster: Roster, follower: Follower, horizons: Horizons) -> None:
        self._rooms = rooms
        self._roster = roster
        #: What keeps the roster.
        self._follower = follower
        self._horizons = horizons

    async def watch(self) -> None:
        """Look now and then, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.look()
            except EventSourcingError as error:
                _log.warning("cannot look for lost gateways", error=str(error))

    async def look(self) -> None:
        """Have everybody leave whose gateway is gone. Raises EventSourcingError."""
        # The roster first: whoever is in it joined by a gateway whose horizon was there before.
        connected = self._connected()
        horizons = await self._horizons.all()
        known = {each.gateway for each in horizons}
        for room_id, gateway_id in sorted(connected):
            if gateway_id not in known:
                await self._lose(room_id, gateway_id)
        for each in horizons:
            if each.lost:
                await self._see_off(each)

    async def _see_off(self, lost: GatewayHorizon) -> None:
        """Have its participants leave at its horizon, and let the watermark pass it."""
        await self._follower.catch_up()
        for room_id, gateway_id in sorted(self._connected()):
            if gateway_id == lost.gateway:
                await self._lose(room_id, gateway_id, lost.known_until + TICK)
        await self._horizons.remove(lost.gateway)

    async def _lose(self, room_id: str, gateway_id: str, at: datetime | None = None) -> None:
        _log.warning("gateway lost", gateway=gateway_id, room_id=room_id)
        await self._rooms.lose(room_id, gateway_id, at)

    def _connected(self) -> set[tuple[str, str]]:
        """Return rooms with gateways that somebody in them is connected to."""
        return {
            (room_id, peer.gateway_id)
            for room_id, session in self._roster.sessions.items()
            for peer in session.present.values()
            if peer.connection_id and peer.gateway_id
        }
