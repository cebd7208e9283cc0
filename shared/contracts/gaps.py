"""Gaps: which times of a file hold silence or black, and why."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeInt

from shared.contracts.message import Contract

#: What sounds or what is seen.
Track = Literal["audio", "video"]

GapReason = Literal[
    #: The participant's yes did not hold.
    "no_consent",
    #: They were not in the room, or nothing at all came of them.
    "disconnected",
    #: The room recording or the participant recording was.
    "paused",
    #: They were there, and of their sound nothing came.
    "muted",
    #: They were there, and of their picture nothing came.
    "camera_off",
    #: Packets came, and made nothing whole; or the picture waited for a keyframe.
    "lost",
    #: What was said did not become known in time.
    "not_known",
    #: It came, and could not be written: ffmpeg broke off, or its disk was full.
    "not_written",
]


class Gap(Contract):
    """Time of one track of a file that holds silence or black; times count from the file's beginning."""

    track: Track
    begin_ms: NonNegativeInt
    #: The first ms that is not in it.
    end_ms: NonNegativeInt
    reason: GapReason


class FileGaps(Contract):
    """The gaps of a file: the longest ones, by track and time."""

    longest: tuple[Gap, ...] = ()
    #: How many there are beside them, and how long these last together.
    left_out: NonNegativeInt = 0
    left_out_ms: NonNegativeInt = 0
