"""Who may have merges made, and see them."""

from __future__ import annotations

from starlette.responses import FileResponse

from services.gateway.entrypoints.bearer import require_any_participant, require_moderator
from services.gateway.entrypoints.v2.recording_files import FileNotFoundInStoreError, StoredFiles
from services.gateway.merges import Merges
from services.gateway.projections.kept_recordings import KeptMerge
from shared.contracts.merge import MergeLayout
from shared.runtime.tokens import Identity


def require_merging(identity: Identity) -> None:
    """Raise ForbiddenError unless the bearer may have recordings merged, and see what came of it.

    The room is asked about once it is known.
    """
    identity.require_rest()
    require_any_participant(identity)
    require_moderator(identity)


def seen_room(identity: Identity, room_id: str | None) -> str | None:
    """Return the room whose merges a list shows; None: all. Raises ForbiddenError."""
    require_merging(identity)
    if room_id is not None:
        identity.require_room(room_id)
    return room_id or identity.room_id


async def seen_merge(merges: Merges, identity: Identity, merge_id: str, layout: MergeLayout) -> KeptMerge:
    """Return a merge that the bearer may see. Raises ForbiddenError and MergeNotFoundError."""
    require_merging(identity)
    merge = await merges.merge(merge_id, layout)
    identity.require_room(merge.room_id)
    return merge


async def merged_file(files: StoredFiles, merge: KeptMerge) -> FileResponse:
    """Return what sends a merge's file. Raises FileNotFoundInStoreError."""
    found = await files.response(merge.file.path, has_picture=merge.layout == "grid") if merge.file else None
    if found is None:
        raise FileNotFoundInStoreError(f"merge {merge.id}", 0)
    return found
