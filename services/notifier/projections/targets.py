"""Where each room wants to be told: its webhook URL."""

from __future__ import annotations

from shared.contracts.message import Event
from shared.contracts.room import RoomCreated
from shared.eventsourcing.event import StoredEvent


class Targets:
    """Webhook URLs by room."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}

    def apply(self, event: Event, stored: StoredEvent) -> None:  # noqa: ARG002  only the event counts
        if isinstance(event, RoomCreated) and event.webhook_url:
            self._urls[event.room_id] = event.webhook_url

    def url(self, room_id: str) -> str | None:
        return self._urls.get(room_id)
