"""What a participant is told who just came in."""

from __future__ import annotations

from services.gateway.projections.live_session import LiveSession
from services.gateway.projections.roster import target_id
from services.gateway.signaling.events import EventInfo, JoinSuccess, RecordingState, RoomInfo, Target


def join_success(session: LiveSession, room_id: str, participant_id: str) -> JoinSuccess:
    """Return it for somebody who is present in the room's session."""
    myself = session.present[participant_id]
    return JoinSuccess(
        id=participant_id,
        display_name=myself.display_name,
        role=myself.role,
        participants=session.others(participant_id),
        recording=_recording_state(session, room_id, participant_id),
        is_room_owner=myself.own_role == "moderator",
        event_info=EventInfo(id=room_id, room_id=room_id, title=room_id),
        room_info=RoomInfo(id=room_id),
    )


def _recording_state(session: LiveSession, room_id: str, participant_id: str) -> RecordingState:
    recording = session.recording
    state = RecordingState(
        targets={target_id(room_id): Target(status=session.stream_status)},
        withdrawal_policy=session.withdrawal_policy,
        consent_policy="clear" if session.yeses.clears else "keep",
        consents_recording=session.yeses.holds(participant_id),
    )
    if recording is None:
        return state
    if recording.status == "starting":
        return state.model_copy(update={"state": "initializing", "status": "initializing"})
    running = {"state": "recording", "status": "recording", "recording_id": recording.recording_id}
    return state.model_copy(update={**running, "started_at": recording.started_at})
