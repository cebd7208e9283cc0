"""Why commands to the recordings of a participant are refused.

RefusedError
├── ParticipantAlreadyRecordingError
├── ConsentRequiredError
├── NotRecordingError
├── NotStartedError
├── RecordingRunningError
└── RecordingNotFoundError
"""

from __future__ import annotations

from shared.eventsourcing.decider import RefusedError


class ParticipantAlreadyRecordingError(RefusedError):
    """The participant is being recorded or waited for, or their last file is still being finished."""

    code = "already_recording"

    def __init__(self, participant_id: str, participant_recording_id: str) -> None:
        super().__init__(f"participant {participant_id} is being recorded already as {participant_recording_id}")
        self.participant_id = participant_id
        self.participant_recording_id = participant_recording_id


class ConsentRequiredError(RefusedError):
    """The participant has not agreed."""

    code = "consent_required"

    def __init__(self, participant_id: str) -> None:
        super().__init__(f"participant {participant_id} has not agreed to be recorded: have them agree, or attest it")
        self.participant_id = participant_id


class NotRecordingError(RefusedError):
    """There is nothing to stop, to pause or to go on with."""

    code = "not_recording"

    def __init__(self, participant_id: str) -> None:
        super().__init__(f"participant {participant_id} is not being recorded: start a recording first")
        self.participant_id = participant_id


class NotStartedError(RefusedError):
    """No worker writes yet, so there is nothing to pause."""

    code = "not_started"

    def __init__(self, participant_recording_id: str) -> None:
        super().__init__(f"recording {participant_recording_id} has not begun: wait until it is started, or stop it")
        self.participant_recording_id = participant_recording_id


class RecordingRunningError(RefusedError):
    """What is not over cannot be deleted."""

    code = "recording_running"

    def __init__(self, participant_recording_id: str) -> None:
        super().__init__(f"recording {participant_recording_id} is not over: stop it, and wait until it has stopped")
        self.participant_recording_id = participant_recording_id


class RecordingNotFoundError(RefusedError):
    """No recording had that id, and is still to be had."""

    code = "recording_not_found"

    def __init__(self, participant_recording_id: str) -> None:
        super().__init__(f"there is no recording {participant_recording_id} of this participant")
        self.participant_recording_id = participant_recording_id
