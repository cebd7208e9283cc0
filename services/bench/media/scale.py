"""How much is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from services.bench.ground import Ground
from services.bench.media.frames import FrameIndex
from services.bench.presenting import Say


@dataclass(frozen=True, slots=True)
class Scale:
    #: Of what everybody sends, over and over; a multiple of the time between its keyframes.
    clip_seconds: int
    #: Rounds of ours and of each peer, in turn; for how many seconds each is measured.
    rounds: int
    seconds: float
    #: Participants of each round; fewer for the peer that encodes.
    participants: int
    encoded: int
    #: How many are recorded on one core, one number after the other until frames are lost, for how many seconds each.
    levels: Sequence[int]
    hold_seconds: float
    #: How long the file is that is finished.
    finished_seconds: int
    #: How often each participant withdraws.
    withdrawals: int

    @property
    def most(self) -> int:
        return max(self.participants, *self.levels)


FULL = Scale(
    clip_seconds=24,
    rounds=3,
    seconds=4,
    participants=10,
    encoded=2,
    levels=range(60, 181, 30),
    hold_seconds=3,
    finished_seconds=3600,
    withdrawals=20,
)
QUICK = Scale(
    clip_seconds=12,
    rounds=1,
    seconds=2,
    participants=5,
    encoded=1,
    levels=(50, 100),
    hold_seconds=2,
    finished_seconds=300,
    withdrawals=5,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """What each measurement needs."""

    ground: Ground
    scale: Scale
    say: Say
    ffmpeg: Path
    #: Where the clip is that everybody sends.
    clip: Path
    index: FrameIndex
    seed: int

    def chance(self, number: int) -> Random:
        """Return what decides for one participant when they do something: always the same for one seed."""
        return Random(f"{self.seed} {number}")  # noqa: S311  a seed shall give the same moments
