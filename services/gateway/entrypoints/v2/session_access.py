"""Sessions, for whoever may see them."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from services.gateway.domain.room_errors import UnknownSessionError
from services.gateway.entrypoints.bearer import require_any_participant, require_moderator
from services.gateway.entrypoints.public_url import url_of
from services.gateway.entrypoints.v2.session_shape import session_object
from services.gateway.projections.sessions_read import Directory, ListedParticipant, ListedSession
from shared.eventsourcing.decider import RefusedError
from shared.runtime.tokens import Identity, Tokens


class UnknownParticipantError(RefusedError):
    """Nobody of that id was ever in the session."""

    code = "participant_not_found"

    def __init__(self, session_id: str, participant_id: str) -> None:
        super().__init__(f"participant {participant_id} was never in session {session_id}")
        self.session_id = session_id
        self.participant_id = participant_id


class SessionAccess:
    """Finds sessions, and writes them down. Raises TokenError and ForbiddenError for who may not see them."""

    def __init__(self, directory: Directory, tokens: Tokens, public_url: str | None) -> None:
        self._directory = directory
        self._tokens = tokens
        self._public_url = public_url

    def reader(self, authorization: str | None, participant_id: str | None = None) -> Identity:
        """Return who may read of that participant, or of all of them."""
        identity = self._tokens.read(authorization)
        identity.require_rest()
        if participant_id is None:
            require_any_participant(identity)
        else:
            identity.require_participant(participant_id)
        return identity

    def moderator(self, authorization: str | None, participant_id: str | None = None) -> Identity:
        """Return who may send that participant away, or all of them."""
        identity = self.reader(authorization, participant_id)
        require_moderator(identity)
        return identity

    async def found(self, session_id: str, identity: Identity) -> ListedSession:
        """Return the session. Raises UnknownSessionError."""
        session = await self._directory.session(session_id)
        if session is None:
            raise UnknownSessionError(session_id)
        identity.require_room(session.room_id)
        return session

    async def shown(self, session_id: str, identity: Identity, request: Request) -> dict[str, Any]:
        """Return the session with everybody who was there. Raises UnknownSessionError."""
        session = await self.found(session_id, identity)
        everybody = await self._directory.everybody([session_id])
        return self.written(session, everybody[session_id], request)

    def written(
        self, session: ListedSession, participants: list[ListedParticipant], request: Request
    ) -> dict[str, Any]:
        return session_object(session, participants, url_of(request, self._public_url))
