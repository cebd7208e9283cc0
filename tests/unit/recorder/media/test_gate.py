from __future__ import annotations

from typing import Literal, NamedTuple

from services.recorder.media.gate import Condition, Gate
from services.recorder.media.pauses import Pauses


class Word(NamedTuple):
    """From a moment on a condition holds, or does not, or what was said until then does not count any more."""

    condition: Condition
    at_ns: int
    says: Literal["yes", "no", "lapse"]


def gate(*words: Word) -> Gate:
    told = Gate()
    for word in words:
        if word.says == "lapse":
            told.lapse(word.condition, word.at_ns)
        else:
            told.say(word.condition, word.at_ns, holds=word.says == "yes")
    return told


def yes(at_ns: int) -> Word:
    return Word("consent", at_ns, "yes")


def no(at_ns: int) -> Word:
    return Word("consent", at_ns, "no")


def lapse(at_ns: int) -> Word:
    return Word("consent", at_ns, "lapse")


def came(at_ns: int) -> Word:
    return Word("presence", at_ns, "yes")


def left(at_ns: int) -> Word:
    return Word("presence", at_ns, "no")


HERE = came(0)


# --- spans


def test_nothing_passes_before_anything_was_said() -> None:
    assert not gate().permits(0, 0)


def test_nothing_passes_on_consent_or_presence_alone() -> None:
    assert not gate(yes(0)).permits(5, 6)
    assert not gate(came(0)).permits(5, 6)


def test_a_span_passes_from_the_moment_at_which_both_hold() -> None:
    told = gate(came(2), yes(4))
    assert told.permits(4, 9)
    assert not told.permits(3, 9)


def test_a_span_that_ends_when_consent_is_withdrawn_does_not_pass() -> None:
    told = gate(HERE, yes(1), no(5))
    assert told.permits(1, 4)
    assert not told.permits(1, 5)


def test_a_span_over_a_moment_of_no_consent_does_not_pass() -> None:
    assert not gate(HERE, yes(1), no(4), yes(5)).permits(3, 6)


def test_a_span_after_coming_back_passes() -> None:
    told = gate(yes(1), came(0), left(3), came(6))
    assert not told.permits(3, 5)
    assert told.permits(6, 9)


def test_repeated_words_change_nothing() -> None:
    assert gate(HERE, yes(1), yes(4), yes(4)).permits(2, 8)
    assert not gate(HERE, no(1), no(4)).permits(5, 5)


# --- words in any order


def test_a_no_wins_over_a_yes_of_the_same_moment_whichever_is_heard_first() -> None:
    for words in ((yes(3), no(3)), (no(3), yes(3))):
        assert not gate(HERE, *words).permits(3, 3)
        assert not gate(HERE, *words).permits(4, 9)


def test_a_yes_that_was_said_before_a_known_no_ends_at_that_no() -> None:
    told = gate(HERE, no(5), yes(2))
    assert told.permits(2, 4)
    assert not told.permits(5, 5)


def test_a_no_that_is_heard_of_late_takes_effect_when_it_was_said() -> None:
    told = gate(HERE, yes(1), no(6), no(3))
    assert told.permits(1, 2)
    assert not told.permits(3, 3)
    assert not told.permits(6, 9)


def test_a_no_that_is_heard_of_late_undoes_the_yes_that_was_said_after_it() -> None:
    """The log's last word is no: everybody is told that the participant does not consent."""
    told = gate(HERE, yes(1), yes(5), no(3))
    assert told.permits(1, 2)
    assert not told.permits(5, 9)


def test_a_yes_after_that_opens_again() -> None:
    assert gate(HERE, yes(5), no(3), yes(7)).permits(7, 9)


# --- a yes that ends by itself


def test_a_yes_that_lapses_holds_until_then() -> None:
    told = gate(HERE, yes(1), lapse(5))
    assert told.permits(1, 4)
    assert not told.permits(5, 5)
    assert not told.permits(9, 9)


def test_a_yes_that_was_said_after_a_lapse_stands_whichever_is_heard_first() -> None:
    for words in ((lapse(5), yes(7)), (yes(7), lapse(5))):
        told = gate(HERE, yes(1), *words)
        assert told.permits(1, 4)
        assert not told.permits(5, 6)
        assert told.permits(7, 9)


def test_a_yes_that_was_said_before_a_lapse_ends_with_it_whichever_is_heard_first() -> None:
    for words in ((lapse(5), yes(3)), (yes(3), lapse(5))):
        told = gate(HERE, *words)
        assert told.permits(3, 4)
        assert not told.permits(5, 9)


def test_a_yes_of_the_very_moment_of_a_lapse_ends_with_it() -> None:
    for words in ((lapse(5), yes(5)), (yes(5), lapse(5))):
        assert not gate(HERE, *words).permits(5, 5)
        assert not gate(HERE, *words).permits(6, 9)


def test_a_lapse_that_is_told_again_changes_nothing() -> None:
    told = gate(HERE, yes(1), lapse(5), yes(7), lapse(5))
    assert told.permits(1, 4)
    assert told.permits(7, 9)


def test_a_withdrawal_from_before_a_lapse_that_is_heard_of_after_it_takes_effect_when_it_was_said() -> None:
    told = gate(HERE, yes(1), lapse(5), no(3))
    assert told.permits(1, 2)
    assert not told.permits(3, 9)


def test_a_withdrawal_from_before_a_lapse_undoes_the_yes_after_it_that_was_known_already() -> None:
    assert not gate(HERE, yes(1), lapse(5), yes(7), no(3)).permits(7, 9)


# --- pauses


def test_a_gate_is_closed_while_the_recording_is_paused() -> None:
    pauses = Pauses()
    told = gate(HERE, yes(1)).within(pauses)
    pauses.begin(4)
    assert told.permits(1, 3)
    assert told.first_closed(1, 9) == 4
    pauses.end(6)
    assert not told.permits(1, 4)
    assert not told.permits(5, 7)
    assert told.permits(6, 9)


def test_a_recording_that_is_not_paused_opens_no_gate() -> None:
    pauses = Pauses()
    told = gate(HERE, yes(4)).within(pauses)
    pauses.begin(2)
    pauses.end(3)
    assert not told.permits(3, 3)
    assert not gate(HERE, yes(1), no(2)).permits(3, 3)


def test_a_file_that_two_may_pause_is_closed_while_either_does() -> None:
    one, other = Pauses(), Pauses()
    told = gate(HERE, yes(1)).within(one, other)
    one.begin(2)
    other.begin(4)
    one.end(5)
    assert told.first_closed(1, 9) == 2
    assert told.first_closed(5, 9) == 5
    other.end(7)
    assert told.first_closed(5, 9) == 5
    assert told.permits(7, 9)


def test_the_gates_of_two_recordings_know_the_same_words_and_have_pauses_of_their_own() -> None:
    told, first, second = gate(HERE), Pauses(), Pauses()
    one, other = told.within(first), told.within(second)
    told.say("consent", 1, holds=True)
    first.begin(4)
    assert not one.permits(4, 4)
    assert other.permits(4, 9)
    told.say("consent", 7, holds=False)
    assert other.first_closed(1, 9) == 7


# --- where it closes


def test_a_gate_that_never_was_open_is_closed_from_the_beginning_of_any_span() -> None:
    assert gate().first_closed(7, 9) == 7
    assert gate(HERE).first_closed(7, 9) == 7


def test_an_open_gate_closes_nowhere() -> None:
    assert gate(HERE, yes(3)).first_closed(3, 9) is None


def test_a_gate_tells_where_it_closes_in_a_span() -> None:
    told = gate(HERE, yes(1), no(4))
    assert told.first_closed(1, 3) is None
    assert told.first_closed(1, 4) == 4
    assert told.first_closed(1, 9) == 4
    assert told.first_closed(6, 9) == 6


def test_a_gate_that_is_open_again_at_the_end_still_tells_where_it_closed() -> None:
    assert gate(HERE, yes(1), no(4), yes(5)).first_closed(1, 9) == 4


def test_of_two_conditions_the_one_that_failed_first_counts() -> None:
    assert gate(HERE, yes(1), left(7), no(5)).first_closed(1, 9) == 5
    assert gate(HERE, yes(1), left(3), no(5)).first_closed(1, 9) == 3
    assert gate(HERE, yes(1), no(3), left(5), yes(6)).first_closed(1, 9) == 3


# --- what closes it


def test_each_condition_tells_when_it_did_not_hold() -> None:
    told = gate(came(1), yes(3), no(5), yes(6), left(8))
    assert told.closed(0, 9) == {"presence": [(0, 1), (8, 9)], "consent": [(0, 3), (5, 6)], "pause": []}


def test_what_closes_is_told_of_the_moments_that_were_asked_for_alone() -> None:
    told = gate(HERE, yes(1), no(4))
    assert told.closed(1, 4)["consent"] == []
    assert told.closed(1, 5)["consent"] == [(4, 5)]
    assert told.closed(6, 9)["consent"] == [(6, 9)]
    assert told.closed(6, 6)["consent"] == []


def test_a_yes_and_a_no_of_one_moment_do_not_open_it() -> None:
    assert gate(HERE, yes(5), no(5)).closed(0, 9)["consent"] == [(0, 9)]


def test_pauses_of_the_room_and_of_the_file_are_told_as_one() -> None:
    one, other = Pauses(), Pauses()
    told = gate(HERE, yes(1)).within(one, other)
    one.begin(2)
    one.end(5)
    other.begin(4)
    assert told.closed(0, 9)["pause"] == [(2, 9)]
    other.end(6)
    assert told.closed(3, 9)["pause"] == [(3, 6)]
