"""What a finished file says of itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Tags:
    """Whose file it is, and when it began: Title, DateUTC and the Name of each track (RFC 9559, section 5.1)."""

    participant_id: str
    room_id: str
    #: Of the file's time zero.
    begin: datetime

    def options(self) -> dict[str, str]:
        """Return them as options of ffmpeg's output.

        Each value is one argument, which ffmpeg splits at its first `=`: what follows is text, whatever it holds.
        """
        # g:0, g:1: ffmpeg takes both as the file's; a dict has room for one `metadata` only.
        return {
            "metadata:g:0": f"title={self.participant_id} in {self.room_id}",
            "metadata:g:1": f"creation_time={self.begin.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "metadata:s:v": f"title=picture of {self.participant_id}",
            "metadata:s:a": f"title=sound of {self.participant_id}",
        }
