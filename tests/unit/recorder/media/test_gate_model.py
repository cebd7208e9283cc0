"""The gate against a model that asks for every single moment."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.gate import Condition, Gate
from services.recorder.media.pauses import Pauses
from tests.unit.recorder.media.test_gate import HERE, Word, gate, lapse, no, yes

BEGIN, END = -1, 9

#: Each pause's first moment, and the first one after it.
Spans = list[tuple[int, int]]

_words: st.SearchStrategy[list[Word]] = st.lists(
    st.builds(
        Word, st.sampled_from(("consent", "presence")), st.integers(0, 8), st.sampled_from(("yes", "no", "lapse"))
    ),
    max_size=10,
)
_moments = st.integers(BEGIN, END)
_spans: st.SearchStrategy[Spans] = st.lists(
    st.builds(lambda begin, length: (begin, begin + length), st.integers(0, 8), st.integers(1, 5)), max_size=3
)


def holds(words: list[Word], condition: Condition, moment: int) -> bool:
    """Whether a yes up to the moment was followed by nothing that ended it, and not undone by a no heard of later."""
    said = [(order, word) for order, word in enumerate(words) if word.condition == condition and word.at_ns <= moment]
    noes = [(order, word.at_ns) for order, word in said if word.says == "no"]
    lapses = [word.at_ns for _, word in said if word.says == "lapse"]
    return any(
        not any(no_at >= word.at_ns or no_order > order for no_order, no_at in noes)
        and not any(lapse_at >= word.at_ns for lapse_at in lapses)
        for order, word in said
        if word.says == "yes"
    )


def covers(spans: Spans, moment: int) -> bool:
    return any(begin <= moment < end for begin, end in spans)


def is_open(words: list[Word], spans: Spans, moment: int) -> bool:
    both = holds(words, "consent", moment) and holds(words, "presence", moment)
    return both and not covers(spans, moment)


def pauses(spans: Spans) -> Pauses:
    told = Pauses()
    for begin, end in spans:
        told.begin(begin)
        told.end(end)
    return told


def gate_with(words: list[Word], spans: Spans) -> Gate:
    """Return one with these pauses, in turn those of its room recording and its own."""
    return gate(*words).within(pauses(spans[::2]), pauses(spans[1::2]))


@settings(max_examples=500)
@given(_words, _spans, _moments, _moments)
def test_a_span_passes_when_every_moment_of_it_may(words: list[Word], spans: Spans, one: int, other: int) -> None:
    begin, end = sorted((one, other))
    every = all(is_open(words, spans, moment) for moment in range(begin, end + 1))
    assert gate_with(words, spans).permits(begin, end) is every


@settings(max_examples=500)
@given(_words, _spans, _moments, _moments)
def test_a_span_closes_at_the_first_moment_of_it_that_may_not_pass(
    words: list[Word], spans: Spans, one: int, other: int
) -> None:
    begin, end = sorted((one, other))
    closed = [moment for moment in range(begin, end + 1) if not is_open(words, spans, moment)]
    assert gate_with(words, spans).first_closed(begin, end) == (closed[0] if closed else None)


@given(_spans, _moments)
def test_a_pause_that_lasts_has_no_end(spans: Spans, begin: int) -> None:
    told = pauses(spans)
    told.begin(begin)
    for moment in range(BEGIN, END + 1):
        paused = moment >= begin or covers(spans, moment)
        assert told.first_in(moment, moment) == (moment if paused else None)


@settings(max_examples=300)
@given(_words, st.sampled_from(("no", "lapse")), _moments)
def test_a_gate_is_never_opened_by_a_no_or_a_lapse(words: list[Word], says: str, moment: int) -> None:
    before = gate(*words)
    for condition in ("consent", "presence"):
        after = gate(*words, Word(condition, 4, says))  # type: ignore[arg-type]
        assert before.permits(moment, moment) or not after.permits(moment, moment)


@settings(max_examples=300)
@given(_words, st.integers(0, 8), _moments)
def test_a_lapse_ends_each_yes_of_before_it_and_nothing_else(words: list[Word], lapse_at: int, moment: int) -> None:
    """Other than a no, which undoes every yes that is known already and was said after it."""
    lapsed = [word for word in words if (word.condition, word.says) == ("consent", "yes") and word.at_ns <= lapse_at]
    without = words if moment < lapse_at else [word for word in words if word not in lapsed]
    assert gate(*words, lapse(lapse_at)).permits(moment, moment) is gate(*without).permits(moment, moment)


@settings(max_examples=300)
@given(_words)
def test_the_place_of_a_lapse_in_the_log_does_not_matter(words: list[Word]) -> None:
    """Causes come by other streams than words."""
    lapses = [word for word in words if word.says == "lapse"]
    others = [word for word in words if word.says != "lapse"]
    first, last = gate(*lapses, *others), gate(*others, *lapses)
    for moment in range(BEGIN, END + 1):
        assert first.permits(moment, moment) is last.permits(moment, moment)


@settings(max_examples=200)
@given(_words)
def test_in_the_end_the_gate_is_as_open_as_the_logs_last_word_says(words: list[Word]) -> None:
    """Provided that a yes is only written when it is the newest word, as the consent service does."""
    newest = -1
    log: list[Word] = [HERE]
    for word in words:
        if word.condition == "consent" and (word.says == "no" or (word.says == "yes" and word.at_ns > newest)):
            log.append(yes(word.at_ns) if word.says == "yes" else no(word.at_ns))
            newest = max(newest, word.at_ns)
    assert gate(*log).permits(END, END) is (len(log) > 1 and log[-1].says == "yes")


# --- what closes it


@settings(max_examples=500)
@given(_words, _spans, _moments, _moments)
def test_each_moment_is_closed_by_the_conditions_that_fail_at_it_and_by_a_pause(
    words: list[Word], spans: Spans, one: int, other: int
) -> None:
    begin, end = sorted((one, other))
    closed = gate_with(words, spans).closed(begin, end)
    for moment in range(BEGIN, END + 1):
        within = begin <= moment < end
        assert covers(closed["consent"], moment) is (within and not holds(words, "consent", moment))
        assert covers(closed["presence"], moment) is (within and not holds(words, "presence", moment))
        assert covers(closed["pause"], moment) is (within and covers(spans, moment))


@given(_words, _spans, _moments, _moments)
def test_a_moment_passes_when_nothing_closes_it(words: list[Word], spans: Spans, one: int, other: int) -> None:
    begin, end = sorted((one, other))
    told = gate_with(words, spans)
    closed = told.closed(begin, end)
    for moment in range(begin, end):
        assert told.permits(moment, moment) is not any(covers(each, moment) for each in closed.values())


@given(_words, _spans, _moments, _moments)
def test_spans_that_are_closed_are_in_order_and_none_is_empty(
    words: list[Word], spans: Spans, one: int, other: int
) -> None:
    begin, end = sorted((one, other))
    for closed in gate_with(words, spans).closed(begin, end).values():
        edges = [begin, *(moment for span in closed for moment in span), end]
        assert edges == sorted(edges)
        assert all(first < last for first, last in closed)
