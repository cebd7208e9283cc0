"""The watermark: up to which moment everything that was said is known. The relay says, workers hold media by it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import NonNegativeInt

from shared.contracts.identifiers import Moment
from shared.contracts.message import Contract


class Watermark(Contract):
    """Not an event: it is never stored and only the newest counts.

    Whoever receives it has received every event up to `global_position`, and nothing said before `at` is missing.
    """

    type: ClassVar[str] = "relay.watermark.v1"

    at: Moment
    global_position: NonNegativeInt
