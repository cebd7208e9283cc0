from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND
from services.recorder.media.retransmission import AGAIN_NS, CREDIT, REORDERED_NS, Retransmission


def asks(*missing: int, retransmission: Retransmission | None = None, at_ns: int = 0) -> list[int]:
    """Ask as soon as these have been missing for long enough."""
    retransmission = retransmission or Retransmission()
    retransmission.due(missing, at_ns)
    return retransmission.due(missing, at_ns + REORDERED_NS)


def test_what_is_missing_is_asked_for_when_it_is_not_merely_reordered() -> None:
    retransmission = Retransmission()
    assert retransmission.due([5, 7], 0) == []
    assert retransmission.due([5, 7], REORDERED_NS - 1) == []
    assert retransmission.due([5, 7], REORDERED_NS) == [5, 7]


def test_each_is_given_its_own_time() -> None:
    retransmission = Retransmission()
    retransmission.due([5], 0)
    assert retransmission.due([5, 7], REORDERED_NS) == [5]
    assert retransmission.due([5, 7], 2 * REORDERED_NS) == [7]


def test_it_is_asked_for_again_after_a_round_trip() -> None:
    retransmission = Retransmission()
    assert asks(5, retransmission=retransmission) == [5]
    asked_ns = REORDERED_NS
    assert retransmission.due([5], asked_ns + AGAIN_NS - 1) == []
    assert retransmission.due([5], asked_ns + AGAIN_NS) == [5]
    assert retransmission.due([5], asked_ns + 2 * AGAIN_NS - 1) == []


def test_what_has_come_or_was_given_up_is_not_asked_for() -> None:
    retransmission = Retransmission()
    retransmission.due([5, 7], 0)
    retransmission.came(5)
    assert retransmission.due([7], REORDERED_NS) == [7]
    assert retransmission.due([], REORDERED_NS + AGAIN_NS) == []


def test_what_is_missing_anew_after_it_had_come_is_new() -> None:
    retransmission = Retransmission()
    assert asks(5, retransmission=retransmission) == [5]
    retransmission.due([], 2 * REORDERED_NS)
    assert retransmission.due([5], REORDERED_NS + AGAIN_NS) == []


def test_a_sender_that_never_answers_is_asked_for_so_many_and_then_for_one_each_second() -> None:
    retransmission = Retransmission()
    assert asks(*range(CREDIT + 10), retransmission=retransmission) == list(range(CREDIT))
    asked = [len(retransmission.due(range(CREDIT + 10), NS_PER_SECOND // 10 * tenth)) for tenth in range(10, 51)]
    assert sum(asked) == 5


def test_a_sender_that_answers_is_asked_for_all() -> None:
    retransmission, asked = Retransmission(), 0
    for number in range(20):
        missing = range(number * 20, number * 20 + 20)
        now_ns = number * NS_PER_MS * 100
        for sequence in asks(*missing, retransmission=retransmission, at_ns=now_ns):
            asked += 1
            retransmission.came(sequence)
    assert asked == 400
    unanswered = asks(*range(1_000, 1_100), retransmission=retransmission, at_ns=2 * NS_PER_SECOND)
    assert len(unanswered) == CREDIT, "however often it answered"


def test_one_answer_pays_for_four() -> None:
    retransmission = Retransmission()
    assert len(asks(*range(CREDIT), retransmission=retransmission)) == CREDIT
    retransmission.came(0)
    retransmission.came(0)
    retransmission.came(CREDIT + 1)
    assert len(asks(*range(100, 110), retransmission=retransmission, at_ns=REORDERED_NS)) == 4


def test_what_comes_unasked_pays_for_nothing() -> None:
    retransmission = Retransmission()
    assert len(asks(*range(CREDIT), retransmission=retransmission)) == CREDIT
    retransmission.due([100], REORDERED_NS)
    retransmission.came(100)
    assert asks(101, retransmission=retransmission, at_ns=REORDERED_NS) == []


_course = st.lists(st.tuples(st.lists(st.integers(0, 60), unique=True), st.integers(0, NS_PER_SECOND)), max_size=40)


@given(_course, st.booleans())
def test_nothing_is_asked_for_that_is_not_missing_nor_more_than_the_credit(
    course: list[tuple[list[int], int]], answers: bool
) -> None:
    retransmission, now_ns, asked, answered = Retransmission(), 0, 0, 0
    for missing, elapsed_ns in course:
        now_ns += elapsed_ns
        due = retransmission.due(missing, now_ns)
        assert set(due) <= set(missing)
        assert len(due) <= CREDIT
        asked += len(due)
        if answers:
            for sequence in due:
                retransmission.came(sequence)
                answered += 1
    assert answers or asked <= CREDIT + 1 + now_ns // NS_PER_SECOND
