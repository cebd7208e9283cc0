"""Where and when each file is heard and seen in a merge. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.recorder.merging.pieces import Piece

_MILLISECOND = timedelta(milliseconds=1)
#: Of a cell of the grid, in pixels.
CELL_WIDTH, CELL_HEIGHT = 640, 360


@dataclass(frozen=True, slots=True)
class Placed:
    """A file, and when it begins after the merge does."""

    piece: Piece
    offset_ms: int

    @property
    def end_ms(self) -> int:
        return self.offset_ms + self.piece.file.duration_ms


@dataclass(frozen=True, slots=True)
class Plan:
    """A merge begins with the first of its files and ends with the last."""

    placed: tuple[Placed, ...]

    @property
    def duration_ms(self) -> int:
        return max(each.end_ms for each in self.placed)

    @property
    def sounds(self) -> list[Placed]:
        return [each for each in self.placed if each.piece.has_sound]

    @property
    def cells(self) -> list[list[Placed]]:
        """The pictures of each participant, who has one cell; none for who was only heard."""
        everybody: dict[str, list[Placed]] = {each.piece.participant_id: [] for each in self.placed}
        for each in self.placed:
            if each.piece.has_picture:
                everybody[each.piece.participant_id].append(each)
        return list(everybody.values())


def planned(pieces: Sequence[Piece]) -> Plan:
    """Place each file by its beginning; there is at least one."""
    origin = min(piece.begin for piece in pieces)
    return Plan(tuple(Placed(piece, round((piece.begin - origin) / _MILLISECOND)) for piece in pieces))


def corners(count: int) -> list[tuple[int, int]]:
    """Return the left upper corner of each cell of a grid that is about as wide as high, in pixels, row by row."""
    columns = math.ceil(math.sqrt(count))
    return [(number % columns * CELL_WIDTH, number // columns * CELL_HEIGHT) for number in range(count)]


def size(count: int) -> tuple[int, int]:
    """Return width and height of a grid of so many cells."""
    columns = math.ceil(math.sqrt(count))
    return columns * CELL_WIDTH, math.ceil(count / columns) * CELL_HEIGHT
