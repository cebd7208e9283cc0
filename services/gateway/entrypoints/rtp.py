"""REST v1: where a participant's media is sent to."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.gateway.entrypoints.bearer import actor, require_moderator, require_room_or_parent
from services.gateway.rooms import Rooms
from services.gateway.signaling.envelope import ProtocolError, display_name
from services.gateway.sources import Sources
from shared.contracts.identifiers import ParticipantId, RoomId
from shared.contracts.rtp_source import CodecName, PayloadType, RtpPorts, RtpTrack
from shared.runtime.http import Authorization
from shared.runtime.tokens import Identity, Tokens


def _shown(name: str) -> str:
    try:
        return display_name(name)
    except ProtocolError:
        raise ValueError("write a name that people can read, of at most 100 characters") from None


class TrackOffer(BaseModel):
    """A track that a media source is about to send."""

    model_config = ConfigDict(populate_by_name=True)

    codec: CodecName = Field(description="As SDP names it: VP8, VP9 or AV1, and opus.")
    payload_type: PayloadType = Field(alias="payloadType")
    rtx_payload_type: PayloadType | None = Field(
        default=None, alias="rtxPayloadType", description="Of packets that are sent again (RTX); they are ignored."
    )

    @model_validator(mode="after")
    def _tells_packets_apart(self) -> Self:
        announced = [number for name, number in self if name.endswith("payload_type") and number is not None]
        if len(set(announced)) < len(announced):
            raise ValueError("give each kind of packet a payload type of its own")
        return self

    def track(self) -> RtpTrack:
        return RtpTrack(**self.model_dump())


class AudioOffer(TrackOffer):
    red_payload_type: PayloadType | None = Field(
        default=None,
        alias="redPayloadType",
        description="Of packets with redundant audio (RED); they make good for packets that are lost.",
    )


class RtpOffer(BaseModel):
    video: TrackOffer | None = None
    audio: AudioOffer | None = None
    name: Annotated[str, AfterValidator(_shown)] | None = Field(
        default=None, description="How they are shown, if they join by this; else their id."
    )

    def tracks(self) -> tuple[RtpTrack | None, RtpTrack | None]:
        return self.video.track() if self.video else None, self.audio.track() if self.audio else None


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
        """Tell where to send a participant's RTP and RTCP, from any SFU or sender.

        Participants announce their own, by a token that names them; moderators and servers announce anybody's. In a
        room with media of type `rtp`, a server lets somebody join by this who is not there.
        """
        identity = tokens.read(authorization)
        await require_room_or_parent(identity, room_id, rooms)
        identity.require_participant(participant_id)
        about = actor(identity), room_id, participant_id
        if identity.participant_id is None:
            _require_server(identity)
            opened = await sources.bring(*about, offer.name or participant_id, *offer.tracks())
        else:
            opened = await sources.open_rtp(*about, *offer.tracks())
        return RtpAnswer(host=opened.host, video=_answer(opened.video), audio=_answer(opened.audio))

    @router.delete("/rooms/{room_id}/participants/{participant_id}/rtp", status_code=204)
    async def end_rtp(room_id: RoomId, participant_id: ParticipantId, authorization: Authorization = None) -> None:
        """Have somebody leave who joined by their RTP."""
        identity = tokens.read(authorization)
        await require_room_or_parent(identity, room_id, rooms)
        identity.require_participant(participant_id)
        _require_server(identity)
        await sources.take_away(actor(identity), room_id, participant_id)

    return router


def _require_server(identity: Identity) -> None:
    """Raise ForbiddenError unless the bearer may let others in and out, and send what is taken for theirs."""
    identity.require_rest()
    require_moderator(identity)


def _answer(ports: RtpPorts | None) -> TrackAnswer | None:
    return TrackAnswer(port=ports.rtp_port, rtcpPort=ports.rtcp_port) if ports else None
