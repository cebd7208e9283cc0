"""Identifiers as they appear in streams, paths and on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints

# Identifiers become file names and object keys. Hence no slash, no white space, and no leading dot.
_SAFE = r"^[A-Za-z0-9_@:+=~-][A-Za-z0-9_.@:+=~-]*$"


def _printable(text: str) -> str:
    """Refuse signs that move the cursor or turn the writing around, where people read it in a terminal or a log."""
    if not text.isprintable():
        raise ValueError("write printable signs alone")
    return text


RoomId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=128)]
SessionId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=64)]
ParticipantId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=128)]
RecordingId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=64)]
ParticipantRecordingId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=64)]

MergeId = Annotated[str, StringConstraints(pattern=_SAFE, max_length=64)]
#: Where a server has objects put: folders below the storage root, `team/meetings`. It cannot lead out of the root.
StoragePrefix = Annotated[
    str,
    StringConstraints(
        pattern=r"^([A-Za-z0-9_@:+=~-][A-Za-z0-9_.@:+=~-]*(/[A-Za-z0-9_@:+=~-][A-Za-z0-9_.@:+=~-]*)*)?$", max_length=256
    ),
]
#: Where webhooks are posted to, as it was asked for. Some ask for what is no URL; nobody posts there.
WebhookUrl = Annotated[str, StringConstraints(min_length=1, max_length=512), AfterValidator(_printable)]

#: A moment in UTC. Naive times are refused.
Moment = AwareDatetime
