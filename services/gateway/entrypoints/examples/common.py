"""What examples have in common."""

from __future__ import annotations

ROOM_ID, SESSION_ID = "abcd-efgh-ijkl", "61d6e823783d6b03a026ac05"
RECORDING_ID, OTHER_RECORDING_ID = "66976600a8faa5fa9694945c", "66976600a8faa5fa9694945e"
MERGE_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
URL = "https://rec.example/v2"
START, END = "2026-07-18T07:10:30.247Z", "2026-07-18T07:10:55.236Z"
PAGE = {"currentPage": 1, "perPage": 20, "lastPage": 1, "total": 1}
WHO = {"roomId": ROOM_ID, "participantId": "alice"}
SIZE = {"type": "video", "size": 3_400_651, "ratio": {"360": 136_085.0408}}
META = {"resolution": {"width": 640, "height": 360}, "format": "webm", "duration": 24.989}

#: Refusals.
NO_ROOM = {400: ("room_not_found",)}
NO_SESSION = {404: ("session_not_found",)}
