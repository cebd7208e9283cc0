"""REST v1: tickets for the signaling WebSocket, and where media is sent to."""

from __future__ import annotations

from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.gateway.adapters.tickets import Admission, Tickets
from services.gateway.handlers import Rooms
from shared.contracts.identifiers import ParticipantId, RoomId
from shared.contracts.rtp_source import PayloadType, RtpPorts, RtpTrack
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens


class Ticket(BaseModel):
    ticket: str


class TrackOffer(BaseModel):
    """A track that a media source is about to send."""

    model_config = ConfigDict(populate_by_name=True)

    codec: str
    payload_type: PayloadType = Field(alias="payloadType")

    def track(self) -> RtpTrack:
        return RtpTrack(codec=self.codec, payload_type=self.payload_type)


class RtpOffer(BaseModel):
    video: TrackOffer | None = None
    audio: TrackOffer | None = None


class TrackAnswer(BaseModel):
    port: int
    rtcpPort: int  # noqa: N815  the wire's name


class RtpAnswer(BaseModel):
    host: str
    video: TrackAnswer | None = None
    audio: TrackAnswer | None = None


def rest_v1_router(rooms: Rooms, tickets: Tickets, tokens: Tokens) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.post("/rooms/{room_id}/start")
    async def start(room_id: RoomId, authorization: Authorization = None) -> Ticket:
        """Give a ticket that opens the signaling WebSocket once, within 30 s."""
        identity = tokens.read(authorization)
        identity.require_join(room_id)
        await rooms.room(room_id)
        participant_id = identity.participant_id or str(uuid4())
        return Ticket(ticket=await tickets.issue(Admission(room_id, participant_id, identity.role)))

    @router.post("/rooms/{room_id}/participants/{participant_id}/rtp", response_model_exclude_none=True)
    async def rtp(
        room_id: RoomId, participant_id: ParticipantId, offer: RtpOffer, authorization: Authorization = None
    ) -> RtpAnswer:
        """Tell where to send a participant's RTP and RTCP, from any SFU or sender."""
        identity = tokens.read(authorization)
        identity.require_room(room_id)
        identity.require_participant(participant_id)
        if identity.participant_id is None:
            identity.require_rest()
        opened = await rooms.open_rtp_source(
            _actor(identity.participant_id),
            room_id,
            participant_id,
            offer.video.track() if offer.video else None,
            offer.audio.track() if offer.audio else None,
        )
        return RtpAnswer(host=opened.host, video=_answer(opened.video), audio=_answer(opened.audio))

    return router


def _actor(participant_id: str | None) -> str:
    return f"participant:{participant_id}" if participant_id else "server"


def _answer(ports: RtpPorts | None) -> TrackAnswer | None:
    return TrackAnswer(port=ports.rtp_port, rtcpPort=ports.rtcp_port) if ports else None
