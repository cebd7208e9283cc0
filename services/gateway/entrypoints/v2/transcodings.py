"""REST v2: transcodings, the pictures of recordings in a grid, with all their sound, in one MP4."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from services.gateway.entrypoints.bearer import actor
from services.gateway.entrypoints.public_url import url_of
from services.gateway.entrypoints.v2.leniency import EmptyIsAbsent
from services.gateway.entrypoints.v2.merge_access import merged_file, require_merging, seen_merge, seen_room
from services.gateway.entrypoints.v2.merge_requests import NewTranscoding
from services.gateway.entrypoints.v2.merge_shape import TranscodingObject, transcoding_object
from services.gateway.entrypoints.v2.paging import Paging, paged
from services.gateway.entrypoints.v2.recording_files import StoredFiles
from services.gateway.entrypoints.v2.recording_models import PageInfo
from services.gateway.merges import Merges
from services.gateway.projections.kept_recordings import MergeState
from services.gateway.projections.recordings_read import WhichMerges
from shared.contracts.identifiers import MergeId, RoomId, SessionId
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens


class TranscodingList(BaseModel):
    page_info: PageInfo = Field(alias="pageInfo")
    data: list[TranscodingObject]


def transcodings_router(merges: Merges, files: StoredFiles, tokens: Tokens, public_url: str | None) -> APIRouter:
    router = APIRouter(prefix="/transcodings")

    @router.post("/merge", response_model_exclude_unset=True)
    async def start_transcoding(
        body: NewTranscoding, request: Request, authorization: Authorization = None
    ) -> TranscodingObject:
        """Lay recordings of one session side by side in one MP4, as soon as they are finished."""
        identity = tokens.read(authorization)
        require_merging(identity)
        recordings = await merges.found(body.recording_ids)
        identity.require_room(recordings[0].room_id)
        merge = await merges.start_grid(recordings, body.asked(identity))
        return transcoding_object(merge, url_of(request, public_url))

    @router.get("", response_model=TranscodingList, response_model_exclude_unset=True)
    async def list_transcodings(
        page: Paging,
        request: Request,
        status: Annotated[MergeState | None, EmptyIsAbsent] = None,
        room_id: Annotated[RoomId | None, EmptyIsAbsent, Query(alias="roomId")] = None,
        session_id: Annotated[SessionId | None, EmptyIsAbsent, Query(alias="sessionId")] = None,
        authorization: Authorization = None,
    ) -> dict[str, Any]:
        """List transcodings, newest first."""
        which = WhichMerges(
            layout="grid",
            room_id=seen_room(tokens.read(authorization), room_id),
            session_id=session_id,
            states=(status,) if status else None,
        )
        found = await merges.list(which, page.per_page, page.offset)
        url = url_of(request, public_url)
        return paged([transcoding_object(merge, url) for merge in found.items], page, found.total)

    @router.get("/{merge_id}", response_model_exclude_unset=True)
    async def get_transcoding(
        merge_id: MergeId, request: Request, authorization: Authorization = None
    ) -> TranscodingObject:
        """Return a transcoding."""
        merge = await seen_merge(merges, tokens.read(authorization), merge_id, "grid")
        return transcoding_object(merge, url_of(request, public_url))

    @router.post("/{merge_id}/cancel", response_model_exclude_unset=True)
    async def cancel_transcoding(
        merge_id: MergeId, request: Request, authorization: Authorization = None
    ) -> TranscodingObject:
        """Cancel a transcoding that is not over."""
        identity = tokens.read(authorization)
        require_merging(identity)
        merge = await seen_merge(merges, identity, merge_id, "grid")
        cancelled = await merges.cancel(merge, actor(identity))
        return transcoding_object(cancelled, url_of(request, public_url))

    @router.get("/{merge_id}/file", response_class=FileResponse)
    async def get_transcoding_file(merge_id: MergeId, authorization: Authorization = None) -> FileResponse:
        """Return a transcoding's MP4, whole or in ranges."""
        return await merged_file(files, await seen_merge(merges, tokens.read(authorization), merge_id, "grid"))

    return router
