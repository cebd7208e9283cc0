"""What a session knows of its people, and what who comes in later sees of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.gateway.projections import live_session
from services.gateway.projections.live_session import LiveSession
from shared.contracts.message import Event
from tests.support.moments import at
from tests.unit.gateway.projections.happened import (
    ENDED,
    FAILED,
    KEEPING,
    REQUESTED,
    SESSION,
    STARTED,
    STOPPED,
    cleared,
    gave,
    joined,
    left,
    raised,
    role_changed,
    roster,
    seen,
    session,
    withdrew,
)


def others(live: LiveSession, than: str) -> list[dict[str, Any]]:
    return [json.loads(each.model_dump_json()) for each in live.others(than)]


def who_are_others(live: LiveSession, than: str) -> list[str]:
    return [each.id for each in live.others(than)]


# --- who is there


def test_others_are_all_but_oneself() -> None:
    live = session(SESSION, joined(), joined("bob", role="guest"))
    assert others(live, "ann") == [seen("bob", role="guest")]
    assert others(live, "bob") == [seen("ann")]
    assert len(others(live, "cy")) == 2


def test_others_are_seen_as_they_are_now() -> None:
    live = session(SESSION, joined(role="guest"), gave(), raised(second=4), role_changed())
    assert others(live, "bob") == [seen(role="moderator", came_as="guest", hand=(True, at(4)), consents=True)]


def test_the_gateway_and_connection_of_who_is_present_are_known() -> None:
    ann = session(SESSION, joined(connection="one")).present["ann"]
    assert (ann.gateway_id, ann.connection_id) == ("gateway", "one")


# --- who left


def test_others_are_also_those_who_left_with_when_they_did() -> None:
    live = session(SESSION, joined(), joined("bob"), left(second=5))
    assert "ann" not in live.present
    assert others(live, "bob") == [seen("ann", left_at=at(5))]


def test_who_left_and_came_back_is_seen_once_as_present() -> None:
    live = session(SESSION, joined(), left(), joined())
    assert others(live, "bob") == [seen("ann")]
    assert not live.gone


def test_who_came_back_does_not_see_themselves_among_those_who_left() -> None:
    assert others(session(SESSION, joined(), joined("bob"), left(), joined()), "ann") == [seen("bob")]


def test_who_comes_back_has_the_role_of_their_token_and_their_hand_down() -> None:
    live = session(SESSION, joined(), role_changed(), raised(), left(), joined())
    assert others(live, "bob") == [seen("ann")]


def test_the_thousand_who_left_last_are_remembered() -> None:
    count = live_session._REMEMBERED
    assert count == 1000
    coming_and_going = [event for n in range(count + 2) for event in (joined(f"p{n}"), left(f"p{n}"))]
    live = session(SESSION, joined(), *coming_and_going)
    assert who_are_others(live, "ann") == [f"p{n}" for n in range(2, count + 2)]


def test_who_comes_and_goes_again_and_again_displaces_nobody() -> None:
    again = [event for _ in range(live_session._REMEMBERED + 1) for event in (joined(), left())]
    assert who_are_others(session(SESSION, joined("bob"), left("bob"), *again), "cy") == ["bob", "ann"]


def test_who_left_again_counts_by_their_last_leaving() -> None:
    live = session(SESSION, joined(), left(), joined("bob"), left("bob"), joined(), left())
    assert list(live.gone) == ["bob", "ann"]


# --- consent


def test_nobody_consents_before_they_said_so() -> None:
    assert others(session(SESSION, joined()), "bob") == [seen("ann", consents=False)]


def test_consent_that_is_kept_holds_over_leaving_and_coming_back() -> None:
    """They are recorded, so they must be shown as consenting."""
    live = session(KEEPING, joined(), gave(), left())
    assert others(live, "bob") == [seen("ann", left_at=at(5), consents=True)]
    live = session(KEEPING, joined(), gave(), left(), joined())
    assert others(live, "bob") == [seen("ann", consents=True)]


def test_consent_ends_with_leaving_before_the_log_says_that_it_was_cleared() -> None:
    assert others(session(SESSION, joined(), gave(), left()), "bob") == [seen("ann", left_at=at(5), consents=False)]
    assert others(session(SESSION, joined(), gave(), left(), joined()), "bob") == [seen("ann", consents=False)]


def test_everybodys_consent_ends_with_the_recording_before_the_log_says_that_it_was_cleared() -> None:
    people = joined(), joined("bob"), joined("cy"), gave(), gave("bob"), left("bob", second=3)
    recorded = REQUESTED, STARTED, STOPPED
    seen_before = others(session(KEEPING, *people, REQUESTED, STARTED), "cy")
    assert [each["recording"]["consents_recording"] for each in seen_before] == [True, True]
    kept = others(session(KEEPING, *people, *recorded), "cy")
    assert [each["recording"]["consents_recording"] for each in kept] == [True, True]
    ended = others(session(SESSION, *people, *recorded), "cy")
    assert [each["recording"]["consents_recording"] for each in ended] == [False, False]


def test_those_who_were_seen_before_a_recording_stopped_are_seen_anew() -> None:
    known = roster(SESSION, joined(), gave(), REQUESTED, STARTED)
    live = known.session("r")
    assert live
    assert others(live, "bob") == [seen("ann", consents=True)]
    known.apply(STOPPED)
    assert others(live, "bob") == [seen("ann", consents=False)]


def test_a_recording_that_never_began_ends_no_consent() -> None:
    assert others(session(SESSION, joined(), gave(), REQUESTED, FAILED), "bob") == [seen("ann", consents=True)]


@pytest.mark.parametrize("ends", [STOPPED, left(second=6)], ids=["stopped", "left"])
def test_a_yes_that_was_said_after_what_ends_one_holds_wherever_it_stands_in_the_log(ends: Event) -> None:
    earlier = SESSION, joined(), gave(second=2), REQUESTED, STARTED
    for events in ((ends, joined(), gave(second=7)), (gave(second=7), ends, joined())):
        assert others(session(*earlier, *events), "bob") == [seen("ann", consents=True)]
    assert others(session(*earlier, ends, joined(), gave(second=6)), "bob") == [seen("ann", consents=False)]


def test_consent_that_was_cleared_does_not_come_back() -> None:
    assert others(session(SESSION, joined(), gave(), cleared()), "bob") == [seen("ann", consents=False)]
    rejoined = session(SESSION, joined(), gave(), left(), cleared(reason="left"), joined())
    assert others(rejoined, "bob") == [seen("ann", consents=False)]


def test_clearing_one_consent_clears_no_other() -> None:
    live = session(SESSION, joined(), joined("bob"), gave(), gave("bob"), cleared())
    assert live.yeses.holding == {"bob"}


def test_a_word_that_arrives_after_its_speaker_left_counts_when_they_come_back() -> None:
    live = session(KEEPING, joined(), gave(), left(), withdrew(), joined())
    assert others(live, "bob") == [seen("ann", consents=False)]


def test_consent_does_not_outlive_the_session() -> None:
    assert not session(KEEPING, joined(), gave(), left(), ENDED, KEEPING, joined()).yeses.holding
