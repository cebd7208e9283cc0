"""Identifiers as they appear in streams, paths and on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, StringConstraints

# Identifiers become file names and object keys. Hence no slash, no white space, and no leading dot.
_SAFE = r"^[A-Za-z0-9_@:+=~-][A-Za-z0-9_.@:+=~-]*$"

RoomId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=128)]
SessionId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=64)]
ParticipantId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=128)]
RecordingId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=64)]
ParticipantRecordingId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=64)]

#: A moment in UTC. Naive times are refused.
Moment = AwareDatetime
