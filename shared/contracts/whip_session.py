"""A browser's media by WHIP (RFC 9725): the gateway carries the words, the recorder's worker takes the media."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from shared.contracts.identifiers import ParticipantId, RoomId, SessionId
from shared.contracts.message import Command, Contract

#: A session description, or a piece of one; several times what any browser writes.
Sdp = Annotated[str, StringConstraints(max_length=65_536)]
WhipSessionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
WorkerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
#: Names the ICE session, which a restart replaces: an entity tag without its quotes (RFC 9110 section 8.8.3).
IceTag = Annotated[str, StringConstraints(max_length=256)]


class OpenWhipSession(Command):
    """Gateway to recorder."""

    type: ClassVar[str] = "whip-session.open.v1"
    owner: ClassVar[str] = "recorder"
    lapses: ClassVar[bool] = True

    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId
    offer: Sdp


class WhipSessionOpened(Contract):
    """The worker's answer: where, and how, it receives what was offered."""

    type: ClassVar[str] = "reply.whip-session-opened.v1"

    worker_id: WorkerId
    whip_session_id: WhipSessionId
    answer: Sdp
    ice: IceTag


class OfWhipSession(Command):
    """Gateway to the worker that has the session. Whoever it does not belong to learns nothing of it."""

    owner: ClassVar[str] = "recorder"
    lapses: ClassVar[bool] = True

    worker_id: WorkerId
    whip_session_id: WhipSessionId
    room_id: RoomId
    participant_id: ParticipantId

    @property
    def addressee(self) -> str:
        return worker_address(self.worker_id)


class PatchWhipSession(OfWhipSession):
    """More candidates of the client, or its new credentials (RFC 9725 section 4.3)."""

    type: ClassVar[str] = "whip-session.patch.v1"

    #: RFC 8840 section 9.
    fragment: Sdp
    #: The ICE session that is meant; None: whichever there is.
    ice: IceTag | None = None


class WhipSessionPatched(Contract):
    """Done."""

    type: ClassVar[str] = "reply.whip-session-patched.v1"

    #: The worker's new credentials and candidates; None: they are as they were.
    fragment: Sdp | None = None
    ice: IceTag


class CloseWhipSession(OfWhipSession):
    """The client sends nothing more (RFC 9725 section 4.2)."""

    type: ClassVar[str] = "whip-session.close.v1"


def worker_address(worker_id: str) -> str:
    """Return the routing key of commands that one worker alone can answer."""
    return f"recorder.{worker_id}"
