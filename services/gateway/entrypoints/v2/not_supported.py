"""What is VideoSDK's, and not ours."""

from __future__ import annotations

from shared.eventsourcing.decider import RefusedError


class NotSupportedError(RefusedError):
    """What would be missing in the result without a word is refused."""

    code = "not_supported"

    def __init__(self, field: str, instead: str = "leave it out") -> None:
        super().__init__(f"{field} is not supported: {instead}")
        self.field = field
