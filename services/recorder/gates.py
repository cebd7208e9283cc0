"""The gates of everybody in every session that is not over, as the log tells.

Pure. Where the room does not keep consent, a yes ends when its participant leaves and when the recording stops. The
consent service writes that down a little later; media does not wait for it, so it is taken from the causes themselves.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from services.recorder.media.gate import Gate
from services.recorder.media.pauses import Pauses
from services.recorder.moments import nanoseconds
from shared.contracts.consent import ConsentAttested, ConsentCleared, ConsentGiven, ConsentSaid
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingPaused, ParticipantRecordingResumed
from shared.contracts.recording import RecordingPaused, RecordingResumed, RecordingStopped
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionStarted

#: What may come after a session's end.
_Late = (
    ConsentSaid
    | ConsentAttested
    | ConsentCleared
    | RecordingPaused
    | RecordingResumed
    | RecordingStopped
    | ParticipantRecordingPaused
    | ParticipantRecordingResumed
)


@dataclass(slots=True)
class _Session:
    #: Whether a yes ends by itself.
    clears: bool = True
    #: When recordings stopped, ns: a yes from before that ended there, also one that is heard of later.
    stops_ns: list[int] = field(default_factory=list)
    gates: dict[str, Gate] = field(default_factory=dict)
    #: Of each room recording, and of each participant recording by itself.
    room_pauses: dict[str, Pauses] = field(default_factory=lambda: defaultdict(Pauses))
    own_pauses: dict[str, Pauses] = field(default_factory=lambda: defaultdict(Pauses))

    def gate(self, participant_id: str) -> Gate:
        if participant_id not in self.gates:
            gate = self.gates[participant_id] = Gate()
            for stop_ns in self.stops_ns:
                gate.lapse("consent", stop_ns)
        return self.gates[participant_id]

    def stop(self, at_ns: int) -> None:
        if self.clears:
            self.stops_ns.append(at_ns)
            for gate in self.gates.values():
                gate.lapse("consent", at_ns)


class Gates:
    """What was said in each session; those that are over are to be forgotten."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def __len__(self) -> int:
        """Return how many sessions are remembered."""
        return len(self._sessions)

    def of_file(
        self, session_id: str, participant_id: str, participant_recording_id: str, recording_id: str | None
    ) -> Gate:
        """Return the gate of a participant recording, which may be part of a room recording.

        Both may be paused. Of a session that is not known it is a closed one.
        """
        session = self._sessions.get(session_id, _Session())
        pauses = [session.own_pauses[participant_recording_id]]
        if recording_id:
            pauses.append(session.room_pauses[recording_id])
        return session.gate(participant_id).within(*pauses)

    def forget(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)

    def apply(self, event: Event) -> None:
        """Take the next event of the log."""
        match event:
            case SessionStarted():
                self._session(event.session_id).clears = event.consent_policy == "clear"
            case ParticipantJoined():
                self._gate(event).say("presence", nanoseconds(event.at), holds=True)
            case ParticipantLeft():
                self._leave(event)
            case _:
                if isinstance(event, _Late) and (session := self._sessions.get(event.session_id)):
                    self._apply_late(session, event)

    def _apply_late(self, session: _Session, event: _Late) -> None:
        """Take what may come after its session's end; then nobody is present who could be recorded."""
        match event:
            case ConsentGiven() | ConsentAttested():
                session.gate(event.participant_id).say("consent", nanoseconds(event.at), holds=True)
            case ConsentSaid():
                session.gate(event.participant_id).say("consent", nanoseconds(event.at), holds=False)
            case RecordingPaused():
                session.room_pauses[event.recording_id].begin(nanoseconds(event.at))
            case RecordingResumed():
                session.room_pauses[event.recording_id].end(nanoseconds(event.at))
            case ParticipantRecordingPaused():
                session.own_pauses[event.participant_recording_id].begin(nanoseconds(event.at))
            case ParticipantRecordingResumed():
                session.own_pauses[event.participant_recording_id].end(nanoseconds(event.at))
            case RecordingStopped():
                session.stop(nanoseconds(event.at))
            case ConsentCleared():
                session.gate(event.participant_id).lapse("consent", nanoseconds(event.at))

    def _leave(self, event: ParticipantLeft) -> None:
        gate = self._gate(event)
        # Who comes in by another connection has not been away; but whoever speaks by it has not consented.
        if event.reason != "replaced":
            gate.say("presence", nanoseconds(event.at), holds=False)
        if self._session(event.session_id).clears:
            gate.lapse("consent", nanoseconds(event.at))

    def _gate(self, event: ParticipantJoined | ParticipantLeft) -> Gate:
        return self._session(event.session_id).gate(event.participant_id)

    def _session(self, session_id: str) -> _Session:
        return self._sessions.setdefault(session_id, _Session())
