from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.consent.domain.consent import CONSENT, Consent, ConsentHappened
from shared.contracts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn, SetConsent
from tests.support.moments import at
from tests.support.specification import assert_repeating_writes_nothing, given, history


def said(second: float, *, consent: bool) -> SetConsent:
    return SetConsent(at=at(second), room_id="r", session_id="s", participant_id="ann", consent=consent)


def yes(second: float) -> SetConsent:
    return said(second, consent=True)


def no(second: float) -> SetConsent:
    return said(second, consent=False)


def gave(second: float) -> ConsentGiven:
    return ConsentGiven(at=at(second), room_id="r", session_id="s", participant_id="ann")


def refused(second: float) -> ConsentRefused:
    return ConsentRefused(at=at(second), room_id="r", session_id="s", participant_id="ann")


def withdrew(second: float) -> ConsentWithdrawn:
    return ConsentWithdrawn(at=at(second), room_id="r", session_id="s", participant_id="ann")


def test_nobody_consents_before_they_said_so() -> None:
    assert given(CONSENT).state == Consent("none", None)


def test_a_yes_gives_consent_at_the_moment_it_was_said() -> None:
    given(CONSENT).when(yes(1)).then(gave(1))


def test_a_no_that_follows_no_yes_is_a_refusal() -> None:
    given(CONSENT).when(no(1)).then(refused(1))


def test_a_no_after_a_yes_withdraws() -> None:
    given(CONSENT, gave(1)).when(no(2)).then(withdrew(2))


def test_who_refused_may_agree_later() -> None:
    given(CONSENT, refused(1)).when(yes(2)).then(gave(2))


def test_who_withdrew_may_agree_again() -> None:
    given(CONSENT, gave(1), withdrew(2)).when(yes(3)).then(gave(3))


def test_a_second_yes_changes_nothing() -> None:
    given(CONSENT, gave(1)).when(yes(2)).then_nothing()


def test_a_second_no_is_written_down_and_changes_no_answer() -> None:
    given(CONSENT, refused(1)).when(no(2)).then(refused(2))
    assert given(CONSENT, refused(1), refused(2)).state == Consent("refused", at(1), newest=at(2))
    given(CONSENT, gave(1), withdrew(2)).when(no(3)).then(withdrew(3))
    assert given(CONSENT, gave(1), withdrew(2), withdrew(3)).state == Consent("withdrawn", at(2), newest=at(3))


def test_a_no_that_is_known_to_be_outlived_tells_nothing_new() -> None:
    given(CONSENT, refused(2)).when(no(1)).then_nothing()
    given(CONSENT, gave(1), withdrew(2), withdrew(4)).when(no(3)).then_nothing()


def test_a_yes_said_before_the_second_no_but_arriving_after_it_is_outdated() -> None:
    given(CONSENT, refused(1), refused(5)).when(yes(3)).then_nothing()


def test_a_yes_that_was_said_before_a_no_but_arrives_after_it_does_not_undo_it() -> None:
    given(CONSENT, refused(2)).when(yes(1)).then_nothing()
    given(CONSENT, gave(1), withdrew(3)).when(yes(2)).then_nothing()


def test_of_a_no_and_a_yes_of_one_moment_the_no_counts() -> None:
    given(CONSENT, refused(2)).when(yes(2)).then_nothing()
    given(CONSENT, gave(2)).when(no(2)).then(withdrew(2))


def test_a_no_that_arrives_after_a_yes_said_later_counts_nevertheless() -> None:
    given(CONSENT, gave(2)).when(no(1)).then(withdrew(1))


def test_a_no_that_was_said_earlier_than_the_known_one_takes_effect_earlier() -> None:
    given(CONSENT, gave(1), withdrew(5)).when(no(3)).then(withdrew(3))


def test_a_yes_between_two_noes_that_arrive_in_the_wrong_order_is_outdated() -> None:
    given(CONSENT, gave(1), withdrew(5), withdrew(3)).when(yes(4)).then_nothing()


# --- what holds for any words, in any order of arrival

_words = st.lists(
    st.builds(lambda second, yes: said(second, consent=yes), st.integers(0, 6), st.booleans()), max_size=12
)
_events: st.SearchStrategy[list[ConsentHappened]] = st.lists(
    st.one_of([st.builds(kind, st.integers(0, 6)) for kind in (gave, refused, withdrew)])
)


@for_all(_words)
def test_a_repeated_command_writes_nothing(words: list[SetConsent]) -> None:
    assert_repeating_writes_nothing(CONSENT, words)


@for_all(_events)
def test_no_order_of_events_is_refused(events: list[ConsentHappened]) -> None:
    newest = max((event.at for event in events), default=None)
    assert CONSENT.fold(events).newest == newest


@for_all(_words)
def test_consent_is_never_given_without_a_yes_after_the_last_no(words: list[SetConsent]) -> None:
    for count in range(len(words) + 1):
        consent = CONSENT.fold(history(CONSENT, words[:count]))
        last_yes = max((word.at for word in words[:count] if word.consent), default=None)
        last_no = max((word.at for word in words[:count] if not word.consent), default=None)
        if consent.answer == "given":
            assert last_yes is not None
            assert last_no is None or last_yes > last_no


@for_all(_words)
def test_words_that_arrive_in_order_count_as_they_were_said(words: list[SetConsent]) -> None:
    in_order = sorted(words, key=lambda word: (word.at, not word.consent))
    consent = CONSENT.fold(history(CONSENT, in_order))
    assert (consent.answer == "given") == bool(in_order and in_order[-1].consent)


@for_all(_words)
def test_every_event_takes_effect_at_the_moment_of_its_word(words: list[SetConsent]) -> None:
    events = history(CONSENT, words)
    spoken = {(word.at, word.consent) for word in words}
    assert {(event.at, isinstance(event, ConsentGiven)) for event in events} <= spoken
