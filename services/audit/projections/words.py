"""Events in words. Pure."""

from __future__ import annotations

from shared.contracts.consent import ConsentAttested, ConsentCleared, ConsentSaid
from shared.contracts.message import Event
from shared.contracts.recording import RecordingStopped

_WORDS = {
    "room.participant-joined.v1": "joins the room",
    "room.participant-left.v1": "leaves the room",
    "consent.given.v1": "consents",
    "consent.attested.v1": "consent is attested",
    "consent.refused.v1": "refuses consent",
    "consent.withdrawn.v1": "withdraws consent",
    "consent.cleared.v1": "consent ends",
    "participant-recording.refused.v1": "a file is refused",
    "participant-recording.awaited.v1": "the participant is awaited",
    "participant-recording.paused.v1": "the file pauses",
    "participant-recording.resumed.v1": "the file goes on",
    "participant-recording.flow-started.v1": "media flows",
    "participant-recording.flow-stopped.v1": "no media flows",
    "participant-recording.track-file-finished.v1": "one file of the track is in place",
    "participant-recording.track-stopped.v1": "the track's recording is over",
    "participant-recording.deleted.v1": "the file is to be erased",
    "participant-recording.erased.v1": "the file is erased",
    "participant-recording.requested.v1": "a file is requested",
    "participant-recording.started.v1": "the file begins",
    "participant-recording.stop-requested.v1": "the file is to end",
    "participant-recording.stopped.v1": "the file is in place",
    "participant-recording.failed.v1": "the file failed",
    "recording.requested.v1": "the recording is asked for",
    "recording.started.v1": "the recording begins",
    "recording.paused.v1": "the recording pauses",
    "recording.resumed.v1": "the recording goes on",
    "recording.stopped.v1": "the recording ends",
    "recording.failed.v1": "the recording failed",
}
#: What need not be said beside the words.
_PLAIN_REASONS = {None, "quit", "requested"}
_CLEARED_BECAUSE = {"left": "they left the room", "recording_stopped": "a recording stopped"}


def in_words(event: Event) -> str:
    """Return what happened, for instance `withdraws consent`."""
    words, reason = _WORDS.get(event.type, event.type), getattr(event, "reason", None)
    if isinstance(event, ConsentSaid):
        return words if event.text_version is None else f"{words} (text version {event.text_version})"
    if isinstance(event, ConsentAttested):
        record = f", on its record {event.reference}" if event.reference else ""
        return f"{words} by the server with key {event.attested_by}{record}"
    if isinstance(event, ConsentCleared):
        return f"{words}: {_CLEARED_BECAUSE[event.reason]}"
    if isinstance(event, RecordingStopped) and event.discarded:
        return f"{words}, and is thrown away"
    return words if reason in _PLAIN_REASONS else f"{words}: {str(reason).replace('_', ' ')}"
