"""REST v2: merges, two channels of sound in one MP3."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from services.gateway.entrypoints.public_url import url_of
from services.gateway.entrypoints.v2.leniency import EmptyIsAbsent
from services.gateway.entrypoints.v2.merge_access import merged_file, require_merging, seen_merge, seen_room
from services.gateway.entrypoints.v2.merge_requests import NewMerge
from services.gateway.entrypoints.v2.merge_shape import MergeObject, merge_object, states_of
from services.gateway.entrypoints.v2.paging import Paging, paged
from services.gateway.entrypoints.v2.recording_files import StoredFiles
from services.gateway.entrypoints.v2.recording_models import PageInfo
from services.gateway.merges import Merges
from services.gateway.projections.recordings_read import WhichMerges
from shared.contracts.identifiers import MergeId, RoomId, SessionId
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens


class MergeStarted(BaseModel):
    message: str
    recording: MergeObject


class MergeList(BaseModel):
    """A page of merges. It is called `recordings` here, and `data` everywhere else."""

    page_info: PageInfo = Field(alias="pageInfo")
    recordings: list[MergeObject]


def merges_router(merges: Merges, files: StoredFiles, tokens: Tokens, public_url: str | None) -> APIRouter:
    router = APIRouter(prefix="/recordings/participant/merge")

    @router.post("", response_model_exclude_unset=True)
    async def start_merge(body: NewMerge, request: Request, authorization: Authorization = None) -> MergeStarted:
        """Mix two channels of participants' sound into one stereo MP3, as soon as their recordings are finished."""
        identity = tokens.read(authorization)
        require_merging(identity)
        identity.require_room(await merges.room_of(body.session_id))
        left, right = body.sources()
        merge = await merges.start_stereo(body.session_id, left, right, body.asked(identity))
        shown = merge_object(merge, url_of(request, public_url))
        return MergeStarted(message="Merge recording job started successfully.", recording=shown)

    @router.get("", response_model=MergeList, response_model_exclude_unset=True)
    async def list_merges(
        page: Paging,
        request: Request,
        status: Annotated[Literal["running", "completed", "failed"] | None, EmptyIsAbsent] = None,
        room_id: Annotated[RoomId | None, EmptyIsAbsent, Query(alias="roomId")] = None,
        session_id: Annotated[SessionId | None, EmptyIsAbsent, Query(alias="sessionId")] = None,
        merge_id: Annotated[MergeId | None, EmptyIsAbsent, Query(alias="id")] = None,
        authorization: Authorization = None,
    ) -> dict[str, Any]:
        """List merges, newest first."""
        which = WhichMerges(
            layout="stereo",
            merge_id=merge_id,
            room_id=seen_room(tokens.read(authorization), room_id),
            session_id=session_id,
            states=states_of(status) if status else None,
        )
        found = await merges.list(which, page.per_page, page.offset)
        url = url_of(request, public_url)
        return paged([merge_object(merge, url) for merge in found.items], page, found.total, "recordings")

    @router.get("/{merge_id}", response_model_exclude_unset=True)
    async def get_merge(merge_id: MergeId, request: Request, authorization: Authorization = None) -> MergeObject:
        """Return a merge."""
        merge = await seen_merge(merges, tokens.read(authorization), merge_id, "stereo")
        return merge_object(merge, url_of(request, public_url))

    @router.get("/{merge_id}/file", response_class=FileResponse)
    async def get_merge_file(merge_id: MergeId, authorization: Authorization = None) -> FileResponse:
        """Return a merge's MP3, whole or in ranges."""
        return await merged_file(files, await seen_merge(merges, tokens.read(authorization), merge_id, "stereo"))

    return router
