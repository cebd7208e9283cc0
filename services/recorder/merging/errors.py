"""Why a merge comes to nothing.

MergeError
├── InputUnusableError     a recording that cannot go into it, now or ever
├── InputLateError         a recording that was not finished in time
├── EncoderMissingError    this ffmpeg cannot write what is wanted
└── UnexpectedMergeError   what came out is not what was wanted
"""

from __future__ import annotations

from services.recorder.media.ffmpeg_errors import FfmpegError


def reason_of(error: Exception) -> str:
    """Return why a merge comes to nothing, in words that anybody may read: no path, and none of ffmpeg's."""
    match error:
        case InputUnusableError() | InputLateError():
            return str(error)
        case EncoderMissingError():
            return "the recorder's ffmpeg cannot write such files"
        case UnexpectedMergeError():
            return "what came out is not what was wanted: ask for the merge again"
        case FfmpegError():
            return "the recorder's ffmpeg failed: ask for the merge again"
        case _:
            return "the recorder failed: ask for the merge again"


class MergeError(Exception):
    """A merge cannot be made."""


class InputUnusableError(MergeError):
    """A recording cannot go into the merge."""

    def __init__(self, participant_recording_id: str, participant_id: str, reason: str) -> None:
        super().__init__(f"recording {participant_recording_id} of participant {participant_id} {reason}")
        self.participant_recording_id = participant_recording_id
        self.participant_id = participant_id


class InputLateError(MergeError):
    """A recording is still not finished."""

    def __init__(self, participant_recording_id: str, participant_id: str, seconds: float) -> None:
        super().__init__(
            f"recording {participant_recording_id} of participant {participant_id} was not finished within "
            f"{seconds:g} s: stop it, and ask for the merge again"
        )
        self.participant_recording_id = participant_recording_id
        self.participant_id = participant_id


class EncoderMissingError(MergeError):
    """ffmpeg was built without an encoder."""

    def __init__(self, ffmpeg: str, encoders: list[str]) -> None:
        super().__init__(
            f"{ffmpeg} has no encoder {' and no '.join(encoders)}: set ONRECORD_FFMPEG to one that has, or unset it"
        )
        self.encoders = encoders


class UnexpectedMergeError(MergeError):
    """The merged file is not what was wanted."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key} {reason}: ask for the merge again")
        self.key = key
