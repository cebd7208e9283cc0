"""What who comes in is told of themselves, the others and the recording, to the letter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.gateway.projections.roster import target_id
from services.gateway.signaling.join_success import join_success
from shared.contracts.message import Event
from shared.contracts.room import ConsentPolicy, Role, WithdrawalPolicy
from tests.support.moments import at
from tests.unit.gateway.projections.happened import (
    FAILED,
    PAUSED,
    REQUESTED,
    RESUMED,
    SESSION,
    STARTED,
    STOPPED,
    gave,
    joined,
    left,
    role_changed,
    seen,
    session,
)

POLICIES = {"withdrawal_policy": "keep", "consent_policy": "clear"}
RUNNING = {
    "state": "recording",
    "status": "recording",
    "recording_id": "rec",
    "started_at": STARTED.model_dump(mode="json")["at"],
}


def told(*events: Event, who: str = "ann") -> dict[str, Any]:
    said: dict[str, Any] = json.loads(join_success(session(SESSION, *events), "r", who).model_dump_json())
    return said


def target(status: str) -> dict[str, object]:
    return {target_id("r"): {"name": "Recording", "streaming_kind": "recording", "status": status}}


def test_who_came_in_is_told_everything_that_clients_need() -> None:
    """The web client calls `.concat` on both histories, and reads quotas and modules of the tariff."""
    people = joined("ann", "moderator"), joined("bob", "guest"), joined("cy"), gave("bob"), left("cy", second=5)
    assert told(*people) == {
        "message": "join_success",
        "id": "ann",
        "display_name": "Ann",
        "role": "moderator",
        "participants": [seen("cy", left_at=at(5)), seen("bob", role="guest", consents=True)],
        "recording": {"targets": target("inactive"), **POLICIES, "consents_recording": False},
        "is_room_owner": True,
        "event_info": {"id": "r", "room_id": "r", "title": "r", "is_adhoc": True},
        "room_info": {
            "id": "r",
            "created_by": {
                "title": "",
                "firstname": "",
                "lastname": "",
                "display_name": "onrecord",
                "avatar_url": "",
            },
        },
        "tariff": {
            "id": "",
            "name": "onrecord",
            "quotas": {},
            "enabled_modules": ["recording"],
            "modules": {"recording": {"features": ["record"]}},
        },
        "chat": {"enabled": False, "room_history": [], "groups_history": []},
        "moderation": {
            "raise_hands_enabled": True,
            "waiting_room_enabled": False,
            "waiting_room_participants": [],
        },
        "polls": None,
        "shared_folder": None,
    }


def test_who_is_alone_is_told_of_nobody() -> None:
    assert told(joined())["participants"] == []


def test_who_is_present_has_not_left_and_that_is_said() -> None:
    (bob,) = told(joined(), joined("bob"))["participants"]
    assert bob["control"]["left_at"] is None


@pytest.mark.parametrize(
    ("events", "recording"),
    [
        ((), {"targets": target("inactive")}),
        ((REQUESTED,), {"state": "initializing", "status": "initializing", "targets": target("starting")}),
        (
            (REQUESTED, STARTED),
            {**RUNNING, "targets": target("active")},
        ),
        (
            (REQUESTED, STARTED, PAUSED),
            {**RUNNING, "targets": target("paused")},
        ),
        (
            (REQUESTED, STARTED, PAUSED, RESUMED),
            {**RUNNING, "targets": target("active")},
        ),
        ((REQUESTED, STARTED, STOPPED), {"targets": target("inactive")}),
        ((REQUESTED, FAILED), {"targets": target("inactive")}),
    ],
    ids=["none", "initializing", "recording", "paused", "resumed", "stopped", "failed"],
)
def test_how_it_stands_with_the_recording_is_said_for_both_generations(
    events: tuple[Event, ...], recording: dict[str, object]
) -> None:
    """What is idle has no state at all: a client of generation A takes any for a recording."""
    assert told(joined(), *events)["recording"] == {**recording, **POLICIES, "consents_recording": False}


@pytest.mark.parametrize("policy", ["keep", "erase"])
def test_what_a_withdrawal_does_is_told_before_anybody_is_asked_to_consent(policy: WithdrawalPolicy) -> None:
    begun = SESSION.model_copy(update={"withdrawal_policy": policy})
    said = json.loads(join_success(session(begun, joined()), "r", "ann").model_dump_json())
    assert said["recording"]["withdrawal_policy"] == policy


@pytest.mark.parametrize(("policy", "holds"), [("keep", True), ("clear", False)])
def test_who_comes_back_is_told_whether_their_yes_still_holds(policy: ConsentPolicy, *, holds: bool) -> None:
    begun = SESSION.model_copy(update={"consent_policy": policy})
    events = (begun, joined(), gave(), left(), joined(second=6))
    said = json.loads(join_success(session(*events), "r", "ann").model_dump_json())["recording"]
    assert (said["consent_policy"], said["consents_recording"]) == (policy, holds)


@pytest.mark.parametrize(("came_as", "is_owner"), [("moderator", True), ("user", False), ("guest", False)])
def test_who_came_as_a_moderator_owns_the_room(came_as: Role, *, is_owner: bool) -> None:
    assert told(joined(role=came_as))["is_room_owner"] is is_owner


def test_who_was_made_a_moderator_is_one_and_owns_nothing() -> None:
    said = told(joined(), role_changed())
    assert (said["role"], said["is_room_owner"]) == ("moderator", False)
