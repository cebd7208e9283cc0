"""What a session knows of its people, and what who comes in later sees of them."""

from __future__ import annotations

import json
from typing import Any

from services.gateway.projections import live_session
from services.gateway.projections.live_session import LiveSession
from tests.support.moments import at
from tests.unit.gateway.projections.happened import (
    ENDED,
    SESSION,
    cleared,
    gave,
    joined,
    left,
    raised,
    role_changed,
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


def test_consent_that_nothing_ended_holds_over_leaving_and_coming_back() -> None:
    """In a room that keeps it they are recorded, so they must be shown as consenting."""
    live = session(SESSION, joined(), gave(), left(), joined())
    assert others(live, "bob") == [seen("ann", consents=True)]


def test_who_left_is_seen_to_consent_as_long_as_it_is_not_cleared() -> None:
    kept = session(SESSION, joined(), gave(), left())
    assert others(kept, "bob") == [seen("ann", left_at=at(5), consents=True)]
    ended = session(SESSION, joined(), gave(), left(), cleared(reason="left"))
    assert others(ended, "bob") == [seen("ann", left_at=at(5), consents=False)]


def test_consent_that_was_cleared_does_not_come_back() -> None:
    assert others(session(SESSION, joined(), gave(), cleared()), "bob") == [seen("ann", consents=False)]
    rejoined = session(SESSION, joined(), gave(), left(), cleared(reason="left"), joined())
    assert others(rejoined, "bob") == [seen("ann", consents=False)]


def test_clearing_one_consent_clears_no_other() -> None:
    assert session(SESSION, joined(), joined("bob"), gave(), gave("bob"), cleared()).consenting == {"bob"}


def test_a_word_that_arrives_after_its_speaker_left_counts_when_they_come_back() -> None:
    live = session(SESSION, joined(), gave(), left(), withdrew(), joined())
    assert others(live, "bob") == [seen("ann", consents=False)]


def test_consent_does_not_outlive_the_session() -> None:
    assert session(SESSION, joined(), gave(), left(), ENDED, SESSION, joined()).consenting == set()
