"""Where a media source sends a participant's plain RTP: the gateway asks, the recorder's worker answers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from shared.contracts.identifiers import ParticipantId, RoomId, SessionId
from shared.contracts.message import Command, Contract

#: Seven bits of the RTP header (RFC 3550 section 5.1).
PayloadType = Annotated[int, Field(ge=0, le=127)]
#: What is longer names nothing that could be received.
CodecName = Annotated[str, StringConstraints(to_lower=True, max_length=32)]
Port = Annotated[int, Field(ge=1, le=65535)]


class RtpTrack(Contract):
    """One announced track."""

    #: The encoding name of its RTP payload format, which has no case (RFC 8866 section 6.6).
    codec: CodecName
    payload_type: PayloadType
    #: Of packets that hold this one's sounds more than once (RFC 2198); None: there are none.
    red_payload_type: PayloadType | None = None
    #: Of packets that are sent again (RFC 4588), which are of no use; None: there are none.
    rtx_payload_type: PayloadType | None = None

    @property
    def payload_types(self) -> frozenset[int | None]:
        """Those of packets that are media of the track."""
        return frozenset({self.payload_type, self.red_payload_type})


class OpenRtpSource(Command):
    """Gateway to recorder. Asked again with the same tracks, the answer is the same."""

    type: ClassVar[str] = "rtp-source.open.v1"
    owner: ClassVar[str] = "recorder"
    lapses: ClassVar[bool] = True

    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId
    video: RtpTrack | None = None
    audio: RtpTrack | None = None


class RtpPorts(Contract):
    rtp_port: Port
    rtcp_port: Port


class RtpSourceOpened(Contract):
    """The worker's answer: where to send what was announced."""

    type: ClassVar[str] = "reply.rtp-source-opened.v1"

    host: str
    video: RtpPorts | None = None
    audio: RtpPorts | None = None
