"""Topic patterns as AMQP 0-9-1 has them, section 3.1.3.3."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.registry import EVENTS
from shared.messaging.in_process import matches
from shared.messaging.topology import RECORDER_ASSIGNMENTS, live_queue


@pytest.mark.parametrize(
    ("pattern", "key", "admits"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a", "a.b", False),
        ("a.b", "a", False),
        ("*", "a", True),
        ("*", "a.b", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("*.b.*", "a.b.c", True),
        ("*.*", "a", False),
        ("#", "a", True),
        ("#", "a.b.c", True),
        ("a.#", "a", True),
        ("a.#", "a.b", True),
        ("a.#", "a.b.c", True),
        ("a.#", "b.a", False),
        ("a.#", "ab", False),
        ("#.c", "c", True),
        ("#.c", "a.b.c", True),
        ("#.c", "a.c.b", False),
        ("a.#.c", "a.c", True),
        ("a.#.c", "a.b.b.c", True),
        ("#.b.#", "a.b.c", True),
        ("#.b.#", "a.c", False),
        ("#.#", "a", True),
        ("*.#", "a", True),
        ("#.*", "a.b", True),
        ("a.b*", "a.bc", False),
        ("a-b.#", "a.b", False),
    ],
)
def test_a_star_is_one_word_and_a_hash_any_number(pattern: str, key: str, *, admits: bool) -> None:
    assert matches(pattern, key) is admits


def heard(*patterns: str) -> set[str]:
    return {key for key in EVENTS if any(matches(pattern, key) for pattern in patterns)}


def test_workers_are_assigned_exactly_what_is_requested() -> None:
    assert heard(*RECORDER_ASSIGNMENTS.bindings) == {"recording.requested.v1", "participant-recording.requested.v1"}


def test_a_live_queue_hears_everything() -> None:
    assert heard(*live_queue("gateway", "one").bindings) == EVENTS.keys()


_words = st.lists(st.sampled_from(["a", "b", "*", "#"]), min_size=1, max_size=5)
_keys = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=6)


@settings(max_examples=200)
@given(_words, _keys)
def test_patterns_mean_what_their_regular_expressions_mean(pattern: list[str], key: list[str]) -> None:
    means = {"*": r"\.[^.]+", "#": r"(\.[^.]+)*"}
    expression = "".join(means.get(word, rf"\.{word}") for word in pattern)
    admits = re.fullmatch(expression, "".join(f".{word}" for word in key)) is not None
    assert matches(".".join(pattern), ".".join(key)) is admits
