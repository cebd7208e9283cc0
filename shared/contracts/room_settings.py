"""What a server may ask of a room when it makes one, beyond its name."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from shared.contracts.consent import Reference
from shared.contracts.message import Contract


class AutoClose(Contract):
    """Sessions of the room end by themselves."""

    #: Minutes from the session's start.
    minutes: PositiveInt
    #: Nobody may join the room after that.
    deactivates: bool = False


class Attestation(Contract):
    """The server vouches for everybody whom it has recorded in the room: it collects consent itself."""

    reference: Reference | None = None


class MediaSource(Contract):
    """What brings participants who do not join by signaling: whoever it has is present."""

    #: `rtp`: those whose plain RTP a server announces.
    type: Literal["rtp"]
