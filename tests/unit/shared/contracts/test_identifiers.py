from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.contracts.consent import ConsentGiven
from shared.contracts.identifiers import WebhookUrl
from shared.contracts.participant_recording import ParticipantRecordingRequested
from shared.contracts.room import SessionStarted
from tests.support.moments import at


def consent(**changes: Any) -> ConsentGiven:
    return ConsentGiven.model_validate(
        {"at": at(), "room_id": "r", "session_id": "s", "participant_id": "ann", **changes}
    )


@pytest.mark.parametrize(
    "name", ["ann", "00000000-0000-4000-8000-000000000000", "a.b", "ann@example.org", "-_:+=~", "7"]
)
def test_ordinary_identifiers_are_taken(name: str) -> None:
    assert consent(participant_id=name).participant_id == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "../etc", "a\\b", "a b", "a\n", "a\x00", "å", "a" * 129], ids=repr
)
def test_what_is_no_safe_part_of_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="participant_id"):
        consent(participant_id=name)


@pytest.mark.parametrize("url", ["https://e.org/?token=a", "Your Webhook URL", "https://bücher.example/", "x" * 512])
def test_a_target_is_any_printable_text(url: str) -> None:
    assert TypeAdapter(WebhookUrl).validate_python(url) == url


@pytest.mark.parametrize(
    "url", ["", "x" * 513, "a\n", "a\x1b[2J", "a\x00", "a\x7f", "a\u202eb", "a\u2028b", "a\x9bb"], ids=repr
)
def test_a_target_that_moves_the_cursor_or_turns_the_writing_around_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(WebhookUrl).validate_python(url)


def test_a_target_that_is_in_the_log_is_read_whatever_may_be_asked_for_now() -> None:
    about = {"at": at(), "room_id": "r", "session_id": "s", "participant_id": "ann", "participant_recording_id": "p"}
    event = ParticipantRecordingRequested.model_validate({**about, "webhook_url": "https://e.org/\u202e"})
    assert event.webhook_url == "https://e.org/\u202e"


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        SessionStarted.model_validate({"at": "2030-05-17T12:00:00", "room_id": "r", "session_id": "s"})


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(consent(), "room_id", "q")  # noqa: B010  the type checker would not let us
