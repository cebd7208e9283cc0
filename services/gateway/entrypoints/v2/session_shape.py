"""A session, and who was there, as REST v2 writes them. The names are VideoSDK's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.gateway.projections.sessions_read import ListedParticipant, ListedSession
from shared.runtime.moments import moment


def session_object(session: ListedSession, participants: Sequence[ListedParticipant], url: str) -> dict[str, Any]:
    return {
        "id": session.session_id,
        "roomId": session.room_id,
        "customRoomId": session.custom_room_id,
        "start": moment(session.started_at),
        "end": moment(session.ended_at) if session.ended_at else None,
        "participants": [participant_object(each) for each in participants],
        "status": "ended" if session.ended_at else "ongoing",
        "links": {
            "get_room": f"{url}/v2/rooms/{session.room_id}",
            "get_session": f"{url}/v2/sessions/{session.session_id}",
        },
    }


def participant_object(participant: ListedParticipant) -> dict[str, Any]:
    stays = [
        {"start": moment(stay.joined_at), "end": moment(stay.left_at) if stay.left_at else None}
        for stay in participant.stays
    ]
    return {"participantId": participant.participant_id, "name": participant.name, "timelog": stays}
