"""Which words of the consent register hold, beside the gate that lets media pass."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consent.projections.consent_register import Answer, Word, in_force
from services.recorder.media.gate import Gate
from tests.support.moments import at


def word(answer: Answer, second: int, position: int = 1) -> Word:
    return Word("r", answer, at(second), position, UUID(int=position))


def held(*words: tuple[Answer, int]) -> list[tuple[Answer, int]]:
    """The words that hold, of these in the order of the log."""
    kept = in_force(word(answer, second, position) for position, (answer, second) in enumerate(words, 1))
    return [(said.answer, int((said.since - at()).total_seconds())) for said in kept]


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ([("given", 1), ("withdrawn", 5)], [("given", 1), ("withdrawn", 5)]),
        ([("given", 5), ("withdrawn", 3)], [("withdrawn", 3)]),
        ([("given", 5), ("withdrawn", 5)], [("withdrawn", 5)]),
        ([("given", 1), ("withdrawn", 5), ("withdrawn", 3)], [("given", 1), ("withdrawn", 3), ("withdrawn", 5)]),
        ([("withdrawn", 3), ("given", 1)], [("given", 1), ("withdrawn", 3)]),
        ([("attested", 1), ("withdrawn", 5)], [("attested", 1), ("withdrawn", 5)]),
        ([("attested", 5), ("withdrawn", 3)], [("withdrawn", 3)]),
        ([("attested", 5), ("withdrawn", 5)], [("withdrawn", 5)]),
        ([("attested", 1), ("cleared", 5), ("attested", 7)], [("attested", 1), ("cleared", 5), ("attested", 7)]),
        ([("refused", 1), ("given", 2)], [("refused", 1), ("given", 2)]),
        ([("given", 1), ("given", 3)], [("given", 1), ("given", 3)]),
        ([("given", 1), ("cleared", 5)], [("given", 1), ("cleared", 5)]),
        ([("given", 5), ("cleared", 5)], [("given", 5), ("cleared", 5)]),
        ([("given", 1), ("given", 7), ("cleared", 5)], [("given", 1), ("cleared", 5), ("given", 7)]),
        ([("given", 1), ("cleared", 5), ("withdrawn", 3)], [("given", 1), ("withdrawn", 3), ("cleared", 5)]),
        ([("given", 1), ("cleared", 5), ("given", 7)], [("given", 1), ("cleared", 5), ("given", 7)]),
    ],
)
def test_words_hold_from_their_moments_on_and_a_no_undoes_every_earlier_heard_yes_that_is_not_older(
    said: list[tuple[Answer, int]], holds: list[tuple[Answer, int]]
) -> None:
    """Seen to fail with a no that undoes only what is newer: a yes of its own moment was kept."""
    assert held(*said) == holds


_words = st.lists(
    st.tuples(st.sampled_from(["given", "refused", "withdrawn", "cleared"]), st.integers(0, 6)),
    max_size=12,
)


@given(_words)
def test_at_every_moment_the_register_says_what_the_gate_says(words: list[tuple[Answer, int]]) -> None:
    gate = Gate()
    gate.say("presence", 0, holds=True)
    for answer, second in words:
        if answer == "cleared":
            gate.lapse("consent", second)
        else:
            gate.say("consent", second, holds=answer == "given")
    holds = held(*words)
    for second in range(8):
        last = [answer for answer, since in holds if since <= second][-1:]  # of a moment, the last one counts
        assert (last == ["given"]) is gate.permits(second, second)


@given(_words, st.integers(0, 12))
def test_folding_what_holds_with_what_comes_next_is_folding_everything(
    words: list[tuple[Answer, int]], cut: int
) -> None:
    each = [word(answer, second, position) for position, (answer, second) in enumerate(words, 1)]
    known = sorted(in_force(each[:cut]), key=lambda said: said.global_position)
    assert in_force([*known, *each[cut:]]) == in_force(each)
