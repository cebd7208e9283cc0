"""The timeline beside a file, made of what was measured and what the log has. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.recorder.media.frame import NS_PER_MS
from shared.contracts.file_timeline import FileTimeline, LogPlaces, TimelineGap, TimelineTrack
from shared.contracts.gaps import FileGaps, Gap, Track
from shared.contracts.participant_recording import ParticipantRecordingRequested, RecordedFile


def timeline(
    event: ParticipantRecordingRequested,
    extent: tuple[datetime, datetime],
    file: RecordedFile,
    gaps: FileGaps,
    skew_ns: int | None,
    log: LogPlaces,
) -> FileTimeline:
    """Return the timeline of a file that lasts from the one moment to the other."""
    begin, end = extent
    codecs: dict[Track, str] = {"audio": file.audio_codec, "video": file.video_codec}
    return FileTimeline(
        room_id=event.room_id,
        session_id=event.session_id,
        participant_id=event.participant_id,
        participant_recording_id=event.participant_recording_id,
        recording_id=event.recording_id,
        file=file,
        begin=begin,
        end=end,
        tracks=tuple(_track(track, codec, gaps, begin) for track, codec in codecs.items()),
        gaps_left_out=gaps.left_out,
        gaps_left_out_ms=gaps.left_out_ms,
        skew_ms=None if skew_ns is None else skew_ns / NS_PER_MS,
        log=log,
    )


def _track(track: Track, codec: str, gaps: FileGaps, begin: datetime) -> TimelineTrack:
    own = tuple(_gap(gap, begin) for gap in gaps.longest if gap.track == track)
    return TimelineTrack(track=track, codec=codec, gaps=own)


def _gap(gap: Gap, begin: datetime) -> TimelineGap:
    return TimelineGap(
        begin_ms=gap.begin_ms,
        end_ms=gap.end_ms,
        begin=begin + timedelta(milliseconds=gap.begin_ms),
        end=begin + timedelta(milliseconds=gap.end_ms),
        reason=gap.reason,
    )
