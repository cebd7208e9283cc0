"""REST v1: where a participant's media is sent to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.gateway.entrypoints.bearer import actor, require_room_or_parent
from services.gateway.handlers import Rooms
from services.gateway.sources import Sources
from shared.contracts.identifiers import ParticipantId, RoomId
from shared.contracts.rtp_source import PayloadType, RtpPorts, RtpTrack
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens


class TrackOffer(BaseModel):
    """A track that a media source is about to send."""

    model_config = ConfigDict(populate_by_name=True)

    codec: Annotated[str, StringConstraints(max_length=64)]
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


def rtp_router(rooms: Rooms, sources: Sources, tokens: Tokens) -> APIRouter:
    router = APIRouter()

    @router.post("/rooms/{room_id}/participants/{participant_id}/rtp", response_model_exclude_none=True)
    async def rtp(
        room_id: RoomId, participant_id: ParticipantId, offer: RtpOffer, authorization: Authorization = None
    ) -> RtpAnswer:
        """Tell where to send a participant's RTP and RTCP, from any SFU or sender."""
        identity = tokens.read(authorization)
        await require_room_or_parent(identity, room_id, rooms)
        identity.require_participant(participant_id)
        if identity.participant_id is None:
            identity.require_rest()
        opened = await sources.open_rtp(
            actor(identity),
            room_id,
            participant_id,
            offer.video.track() if offer.video else None,
            offer.audio.track() if offer.audio else None,
        )
        return RtpAnswer(host=opened.host, video=_answer(opened.video), audio=_answer(opened.audio))

    return router


def _answer(ports: RtpPorts | None) -> TrackAnswer | None:
    return TrackAnswer(port=ports.rtp_port, rtcpPort=ports.rtcp_port) if ports else None
