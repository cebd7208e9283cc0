from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.gate import Condition, Gate

#: Condition, moment, whether it holds from then on.
Word = tuple[Condition, int, bool]

BEGIN, END = -1, 9


def gate(*words: Word) -> Gate:
    told = Gate()
    for condition, at_ns, holds in words:
        told.say(condition, at_ns, holds=holds)
    return told


def yes(at_ns: int) -> Word:
    return "consent", at_ns, True


def no(at_ns: int) -> Word:
    return "consent", at_ns, False


def came(at_ns: int) -> Word:
    return "presence", at_ns, True


def left(at_ns: int) -> Word:
    return "presence", at_ns, False


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


# --- against a model that asks for every single moment

_words: st.SearchStrategy[list[Word]] = st.lists(
    st.tuples(st.sampled_from(("consent", "presence")), st.integers(0, 8), st.booleans()), max_size=10
)
_moments = st.integers(BEGIN, END)


def holds(words: list[Word], condition: Condition, moment: int) -> bool:
    """Whether some yes up to the moment was neither followed by a no nor undone by one that came after it."""
    said = [(order, at, holds) for order, (about, at, holds) in enumerate(words) if about == condition and at <= moment]
    noes = [(order, at) for order, at, holds in said if not holds]
    return any(
        not any(no_at >= at or no_order > order for no_order, no_at in noes) for order, at, holds in said if holds
    )


def is_open(words: list[Word], moment: int) -> bool:
    return holds(words, "consent", moment) and holds(words, "presence", moment)


@settings(max_examples=300)
@given(_words, _moments, _moments)
def test_a_span_passes_when_every_moment_of_it_may(words: list[Word], one: int, other: int) -> None:
    begin, end = sorted((one, other))
    every = all(is_open(words, moment) for moment in range(begin, end + 1))
    assert gate(*words).permits(begin, end) is every


@settings(max_examples=200)
@given(_words, _moments, _moments)
def test_a_span_closes_at_the_first_moment_of_it_that_may_not_pass(words: list[Word], one: int, other: int) -> None:
    begin, end = sorted((one, other))
    closed = [moment for moment in range(begin, end + 1) if not is_open(words, moment)]
    assert gate(*words).first_closed(begin, end) == (closed[0] if closed else None)


@settings(max_examples=200)
@given(_words, _moments)
def test_a_gate_is_never_opened_by_a_no(words: list[Word], moment: int) -> None:
    before = gate(*words)
    for condition in ("consent", "presence"):
        after = gate(*words, (condition, 4, False))
        assert before.permits(moment, moment) or not after.permits(moment, moment)


@settings(max_examples=200)
@given(_words)
def test_in_the_end_the_gate_is_as_open_as_the_logs_last_word_says(words: list[Word]) -> None:
    """Provided that a yes is only written when it is the newest word, as the consent service does."""
    newest = -1
    log: list[Word] = [HERE]
    for about, at, is_yes in words:
        if about == "consent" and (not is_yes or at > newest):
            log.append((about, at, is_yes))
            newest = max(newest, at)
    assert gate(*log).permits(END, END) is (len(log) > 1 and log[-1][2])
