"""Which streams concern a room, a session, a participant or a recording.

A stream does if one of its events names them all. Two things an event does not say itself: a webhook is about what the
event it tells of is about, and the events of a participant recording are about the recording it was requested for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from uuid import UUID

from services.audit.reading import mentions, needle
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingRequested
from shared.contracts.webhook import WebhookEvent
from shared.eventsourcing.codec import decode
from shared.eventsourcing.event import StoredEvent


@dataclass(frozen=True, slots=True)
class Wanted:
    """The ids that events shall name. None: any."""

    room: str | None = None
    session: str | None = None
    participant: str | None = None
    #: A recording's, or a participant recording's.
    recording: str | None = None

    @property
    def given(self) -> dict[str, str]:
        """Those that are wanted, by what they are ids of."""
        each = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: identifier for name, identifier in each.items() if identifier is not None}


class Selection:
    """Finds the streams; is to be shown the events in the log's order."""

    def __init__(self, wanted: Wanted) -> None:
        self.streams: set[str] = set()
        self._wanted = wanted
        #: One of each has to be in a payload. Further ids stand for the wanted recording: those of its parts.
        self._recordings = [needle(wanted.recording)] if wanted.recording else []
        self._others = [needle(wanted_id) for name, wanted_id in wanted.given.items() if name != "recording"]
        #: Events that were found: webhooks tell of them.
        self._found: set[UUID] = set()

    def look(self, page: Iterable[StoredEvent]) -> None:
        """Take note of the streams that these events belong to, if they are about what is wanted."""
        for stored in page:
            if self._may_be_about_it(stored) and self._is_about_it(decode(stored)):
                self.streams.add(stored.stream)
                self._found.add(stored.id)

    def _may_be_about_it(self, stored: StoredEvent) -> bool:
        if stored.type.startswith("webhook."):
            return True
        payload = stored.payload
        if self._recordings and not any(mentions(payload, name) for name in self._recordings):
            return False
        return all(mentions(payload, name) for name in self._others)

    def _is_about_it(self, event: Event) -> bool:
        if isinstance(event, WebhookEvent):
            return event.event_id in self._found
        wanted = self._wanted
        return (
            wanted.room in {None, getattr(event, "room_id", None)}
            and wanted.session in {None, getattr(event, "session_id", None)}
            and wanted.participant
            in {None, getattr(event, "participant_id", None), getattr(event, "requested_by", None)}
            and (wanted.recording is None or self._is_of_recording(event))
        )

    def _is_of_recording(self, event: Event) -> bool:
        part = getattr(event, "participant_recording_id", None)
        if getattr(event, "recording_id", None) == self._wanted.recording:
            if isinstance(event, ParticipantRecordingRequested):
                self._recordings.append(needle(event.participant_recording_id))
            return True
        return part is not None and needle(part) in self._recordings
