"""The editor's project that lays the copies side by side, in OpenTimelineIO. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from opentimelineio.adapters import write_to_string
from opentimelineio.opentime import RationalTime, TimeRange
from opentimelineio.schema import Clip, ExternalReference, Marker, MarkerColor, Timeline, Track, TrackKind

from services.align.plan import AlignedCopy, Plan
from shared.contracts.gaps import Track as MediaTrack

#: Editors count in pictures: so many in a second. Files have none at fixed times, but begin together all the same.
_RATE = 30
#: Where our own fields are in metadata.
_OURS = "onrecord"
_KINDS: dict[MediaTrack, str] = {"video": TrackKind.Video, "audio": TrackKind.Audio}


def project(plan: Plan) -> str:
    """Return the project's text: of each copy a track for its picture and one for its sound.

    Gaps are markers on them, named by their reasons. Copies are named relative to the project: the folder can be moved.
    """
    timeline = Timeline(
        name=plan.recording_id,
        global_start_time=_since_midnight(plan.start),
        metadata=_ours(room_id=plan.room_id, recording_id=plan.recording_id, start=_utc(plan.start)),
    )
    timeline.tracks.extend(track for copy in plan.copies for track in _tracks(copy))
    text: str = write_to_string(timeline, "otio_json")
    return text


def _tracks(copy: AlignedCopy) -> Iterator[Track]:
    codecs: dict[MediaTrack, str] = {"video": copy.source.video_codec, "audio": copy.source.audio_codec}
    for kind, codec in codecs.items():
        if codec:
            yield Track(name=f"{copy.participant_id} {kind}", children=[_clip(copy, kind)], kind=_KINDS[kind])


def _clip(copy: AlignedCopy, kind: MediaTrack) -> Clip:
    whole = _range(0, copy.duration_ms)
    return Clip(
        name=copy.participant_id,
        media_reference=ExternalReference(target_url=quote(copy.name), available_range=whole),
        source_range=whole,
        markers=list(_markers(copy, kind)),
        metadata=_ours(
            participant_id=copy.participant_id,
            participant_recording_id=copy.participant_recording_id,
            begin=_utc(copy.begin),
            lead_ms=copy.lead_ms,
            source=copy.source.path,
            source_sha256=copy.source.sha256,
            gaps_left_out=copy.gaps.left_out,
        ),
    )


def _markers(copy: AlignedCopy, kind: MediaTrack) -> Iterator[Marker]:
    if copy.lead_ms:
        yield _marker("not_begun", 0, copy.lead_ms, MarkerColor.BLACK)
    for gap in copy.gaps.longest:
        if gap.track == kind:
            yield _marker(gap.reason, copy.lead_ms + gap.begin_ms, copy.lead_ms + gap.end_ms, MarkerColor.RED)


def _marker(reason: str, begin_ms: int, end_ms: int, color: str) -> Marker:
    exact = _ours(begin_ms=begin_ms, end_ms=end_ms)
    return Marker(name=reason, marked_range=_range(begin_ms, end_ms), color=color, metadata=exact)


def _range(begin_ms: int, end_ms: int) -> TimeRange:
    """Return the pictures that a time takes in, begun ones too at its beginning, and none at its end that is not."""
    begin, end = begin_ms * _RATE // 1000, end_ms * _RATE // 1000
    return TimeRange(RationalTime(begin, _RATE), RationalTime(end - begin, _RATE))


def _since_midnight(moment: datetime) -> RationalTime:
    """Return the time of day in UTC, as timecodes are."""
    utc = moment.astimezone(UTC)
    seconds = (utc.hour * 60 + utc.minute) * 60 + utc.second
    return RationalTime(seconds * _RATE + utc.microsecond * _RATE // 1_000_000, _RATE)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _ours(**fields: Any) -> dict[str, Any]:
    return {_OURS: fields}
