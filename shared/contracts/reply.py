"""The owner's answer to a command."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.message import Contract


class Accepted(Contract):
    """It is in the log, or was already."""

    type: ClassVar[str] = "reply.accepted.v1"


class Refused(Contract):
    """It was decided against, or could not be done."""

    type: ClassVar[str] = "reply.refused.v1"

    #: For programs, for instance `already_recording`.
    code: str
    #: For people: what was wrong and what to do.
    message: str
