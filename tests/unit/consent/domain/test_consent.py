from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.consent.domain.consent import CONSENT, ClearConsent, Consent, ConsentCommand, ConsentHappened
from services.recorder.media.gate import Gate
from services.recorder.moments import nanoseconds
from shared.contracts.consent import (
    ClearReason,
    ConsentCleared,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    SetConsent,
)
from tests.support.moments import at
from tests.support.specification import assert_repeating_writes_nothing, given, history


def said(second: float, *, consent: bool) -> SetConsent:
    return SetConsent(at=at(second), room_id="r", session_id="s", participant_id="ann", consent=consent)


def yes(second: float) -> SetConsent:
    return said(second, consent=True)


def no(second: float) -> SetConsent:
    return said(second, consent=False)


def clear(second: float, reason: ClearReason = "left") -> ClearConsent:
    return ClearConsent("r", "s", "ann", reason, at(second))


def gave(second: float) -> ConsentGiven:
    return ConsentGiven(at=at(second), room_id="r", session_id="s", participant_id="ann")


def refused(second: float) -> ConsentRefused:
    return ConsentRefused(at=at(second), room_id="r", session_id="s", participant_id="ann")


def withdrew(second: float) -> ConsentWithdrawn:
    return ConsentWithdrawn(at=at(second), room_id="r", session_id="s", participant_id="ann")


def cleared(second: float, reason: ClearReason = "left") -> ConsentCleared:
    return ConsentCleared(at=at(second), room_id="r", session_id="s", participant_id="ann", reason=reason)


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


def test_a_second_yes_is_written_down_and_consent_holds_since_the_first() -> None:
    given(CONSENT, gave(1)).when(yes(2)).then(gave(2))
    assert given(CONSENT, gave(1), gave(2)).state == Consent("given", at(1), newest=at(2))


def test_a_yes_that_was_said_before_the_second_one_and_arrives_after_it_tells_nothing_new() -> None:
    given(CONSENT, gave(1), gave(5)).when(yes(3)).then_nothing()


def test_a_second_no_is_a_refusal_written_down() -> None:
    given(CONSENT, refused(1)).when(no(2)).then(refused(2))
    assert given(CONSENT, refused(1), refused(2)).state == Consent("refused", at(1), newest=at(2))
    given(CONSENT, gave(1), withdrew(2)).when(no(3)).then(refused(3))


def test_a_word_is_kept_with_the_version_of_the_text_that_was_shown() -> None:
    def with_text(command: SetConsent) -> SetConsent:
        return command.model_copy(update={"text_version": "2030-01"})

    given(CONSENT).when(with_text(yes(1))).then(gave(1).model_copy(update={"text_version": "2030-01"}))
    given(CONSENT).when(with_text(no(1))).then(refused(1).model_copy(update={"text_version": "2030-01"}))
    given(CONSENT, gave(1)).when(with_text(no(2))).then(withdrew(2).model_copy(update={"text_version": "2030-01"}))


def test_the_state_tells_which_text_was_shown_last() -> None:
    """Also of a yes that has ended, but not of a word that came without one."""
    with_text = {"text_version": "2030-01"}
    words = (gave(1).model_copy(update=with_text), refused(1).model_copy(update=with_text))
    for word in words:
        assert CONSENT.fold([word]).text_version == "2030-01"
        assert CONSENT.fold([word, refused(2)]).text_version is None
    assert CONSENT.fold([gave(1), withdrew(2).model_copy(update=with_text)]).text_version == "2030-01"
    assert CONSENT.fold([words[0], cleared(2)]) == Consent("cleared", at(2), at(2), at(2), "2030-01")


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
    given(CONSENT, gave(1), withdrew(5), refused(7)).when(no(3)).then(withdrew(3))
    given(CONSENT, gave(1), withdrew(5), refused(7)).when(no(6)).then_nothing()


def test_a_yes_between_two_noes_that_arrive_in_the_wrong_order_is_outdated() -> None:
    given(CONSENT, gave(1), withdrew(5), withdrew(3)).when(yes(4)).then_nothing()


# --- clearing


def test_a_yes_that_holds_is_cleared_at_the_moment_of_the_cause_and_says_why() -> None:
    given(CONSENT, gave(1)).when(clear(9, "recording_stopped")).then(cleared(9, "recording_stopped"))
    given(CONSENT, gave(1)).when(clear(9, "left")).then(cleared(9, "left"))


def test_where_no_yes_holds_there_is_nothing_to_clear() -> None:
    for events in ((), (refused(1),), (gave(1), withdrew(2)), (gave(1), cleared(2))):
        given(CONSENT, *events).when(clear(9)).then_nothing()


def test_a_yes_of_the_very_moment_is_cleared() -> None:
    given(CONSENT, gave(9)).when(clear(9)).then(cleared(9))


def test_a_yes_that_was_said_after_that_moment_is_another_one_and_holds() -> None:
    given(CONSENT, gave(1), gave(10)).when(clear(9)).then_nothing()


def test_a_yes_that_was_said_before_a_clear_or_with_it_but_arrives_after_it_is_outdated() -> None:
    given(CONSENT, gave(1), cleared(9)).when(yes(8)).then_nothing()
    given(CONSENT, gave(1), cleared(9)).when(yes(9)).then_nothing()


def test_whose_yes_was_cleared_may_agree_again() -> None:
    given(CONSENT, gave(1), cleared(9)).when(yes(10)).then(gave(10))


def test_a_no_after_a_clear_is_a_refusal() -> None:
    given(CONSENT, gave(1), cleared(9)).when(no(10)).then(refused(10))


def test_a_no_that_was_said_before_a_clear_but_arrives_after_it_is_a_withdrawal() -> None:
    given(CONSENT, gave(1), cleared(9)).when(no(5)).then(withdrew(5))
    given(CONSENT, gave(1), cleared(9), refused(12)).when(no(5)).then(withdrew(5))


def test_of_two_noes_that_were_said_before_a_clear_the_earlier_one_counts() -> None:
    given(CONSENT, gave(1), cleared(9), withdrew(5)).when(no(7)).then_nothing()
    given(CONSENT, gave(1), cleared(9), withdrew(5)).when(no(3)).then(withdrew(3))


def test_a_no_between_a_clear_and_a_yes_that_is_known_counts() -> None:
    given(CONSENT, gave(1), cleared(9), gave(15)).when(no(12)).then(withdrew(12))


# --- what holds for any words, in any order of arrival

_words = st.lists(
    st.builds(lambda second, yes: said(second, consent=yes), st.integers(0, 6), st.booleans()), max_size=12
)
_commands: st.SearchStrategy[list[ConsentCommand]] = st.lists(
    st.one_of(st.builds(yes, st.integers(0, 6)), st.builds(no, st.integers(0, 6)), st.builds(clear, st.integers(0, 6))),
    max_size=12,
)
_events: st.SearchStrategy[list[ConsentHappened]] = st.lists(
    st.one_of([st.builds(kind, st.integers(0, 6)) for kind in (gave, refused, withdrew, cleared)])
)


@for_all(_commands)
def test_a_repeated_command_writes_nothing(commands: list[ConsentCommand]) -> None:
    assert_repeating_writes_nothing(CONSENT, commands)


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


@for_all(_commands)
def test_nobody_consents_after_a_no_that_is_not_older_than_their_newest_yes_nor_after_such_a_clear_of_a_yes(
    commands: list[ConsentCommand],
) -> None:
    """In whatever order words of several gateways and clears arrive."""
    events = history(CONSENT, commands)
    consent = CONSENT.fold(events)
    newest_yes = max((word.at for word in commands if isinstance(word, SetConsent) and word.consent), default=None)
    noes = [word.at for word in commands if isinstance(word, SetConsent) and not word.consent]
    clears = [event.at for event in events if isinstance(event, ConsentCleared)]
    if newest_yes is None or any(moment >= newest_yes for moment in (*noes, *clears)):
        assert consent.answer != "given"


@for_all(_commands)
def test_giving_the_clears_once_more_at_the_end_leaves_nobody_consenting_after_one(
    commands: list[ConsentCommand],
) -> None:
    """As the process manager does: a clear is due until no yes holds that it ends, whatever it came before."""
    clears = [command for command in commands if isinstance(command, ClearConsent)]
    consent = CONSENT.fold(history(CONSENT, [*commands, *clears]))
    newest_yes = max((word.at for word in commands if isinstance(word, SetConsent) and word.consent), default=None)
    if newest_yes is not None and any(command.at >= newest_yes for command in clears):
        assert consent.answer != "given"


@for_all(_commands)
def test_no_moment_after_a_no_passes_the_gate_but_by_a_yes_that_was_said_since(commands: list[ConsentCommand]) -> None:
    """Also the moments between a withdrawal and the clear that was known before it."""
    events = history(CONSENT, commands)
    gate = Gate()
    gate.say("presence", 0, holds=True)
    for event in events:
        gate.say("consent", nanoseconds(event.at), holds=isinstance(event, ConsentGiven))
    noes = [word.at for word in commands if isinstance(word, SetConsent) and not word.consent]
    yeses = [word.at for word in commands if isinstance(word, SetConsent) and word.consent]
    for moment in (at(second / 2) for second in range(14)):
        last_no = max((each for each in noes if each <= moment), default=None)
        if gate.permits(nanoseconds(moment), nanoseconds(moment)):
            assert any(each <= moment and (last_no is None or each > last_no) for each in yeses)


@for_all(_commands)
def test_the_state_says_what_the_gate_says_of_the_end(commands: list[ConsentCommand]) -> None:
    gate, consent = Gate(), Consent()
    gate.say("presence", 0, holds=True)
    for event in history(CONSENT, commands):
        gate.say("consent", nanoseconds(event.at), holds=isinstance(event, ConsentGiven))
        consent = CONSENT.evolve(consent, event)
        assert gate.permits(nanoseconds(at(99)), nanoseconds(at(99))) is (consent.answer == "given")


@for_all(_events)
def test_a_yes_that_holds_has_not_ended(events: list[ConsentHappened]) -> None:
    consent = CONSENT.fold(events)
    assert not (consent.answer == "given" and consent.ended)


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
