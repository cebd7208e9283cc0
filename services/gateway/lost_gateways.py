"""Sees to it that the participants of gateways that died leave."""

from __future__ import annotations

import asyncio

import structlog

from services.gateway.handlers import Rooms
from services.gateway.projections.roster import Roster
from shared.eventsourcing.errors import EventSourcingError
from shared.eventsourcing.horizon import Horizons

_log = structlog.get_logger()

_LOOK_SECONDS = 1.0


class LostGateways:
    """Looks for participants whose gateway is gone, and has them leave.

    A gateway that lives keeps its horizon in the database; the relay takes away the horizons of the dead. Every gateway
    looks: what several of them see is written once.
    """

    def __init__(self, rooms: Rooms, roster: Roster, horizons: Horizons) -> None:
        self._rooms = rooms
        self._roster = roster
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
        if not connected:
            return
        living = {each.gateway for each in await self._horizons.all()}
        for room_id, participant_id, connection_id, gateway_id in connected:
            if gateway_id not in living:
                _log.warning("gateway lost", gateway=gateway_id, participant_id=participant_id)
                await self._rooms.leave(room_id, participant_id, connection_id, "timeout", actor="service:gateway")

    def _connected(self) -> list[tuple[str, str, str, str]]:
        return [
            (room_id, participant_id, peer.connection_id, peer.gateway_id)
            for room_id, session in self._roster.sessions.items()
            for participant_id, peer in session.present.items()
            if peer.connection_id and peer.gateway_id
        ]
