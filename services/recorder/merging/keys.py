"""Where merges are stored. Pure; the identifiers and the prefix are safe as parts of paths."""

from __future__ import annotations

from shared.contracts.merge import MergeRequested


def merge_key(requested: MergeRequested) -> str:
    """Return the object key of the merged file.

    `[<prefix>/]<sessionId>/merge_recording_<mergeId>.mp3`, or `…/composite_recording_<mergeId>.mp4` of a grid.
    """
    folder = "/".join(part for part in (requested.storage_prefix, requested.session_id) if part)
    if requested.layout == "stereo":
        return f"{folder}/merge_recording_{requested.merge_id}.mp3"
    return f"{folder}/composite_recording_{requested.merge_id}.mp4"


def part_key(requested: MergeRequested, worker_id: str) -> str:
    """Return where a worker writes the file until it is whole: two workers never write to the same."""
    return f"{merge_key(requested)}.{worker_id}.part"
