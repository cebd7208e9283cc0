from __future__ import annotations

import pytest

from tests.mutation.__main__ import FLOOR, verdict
from tests.mutation.score import Score, scores, total

RESULTS = """
    services.consent.domain.consent.x_decide__mutmut_1: killed
    services.consent.domain.consent.x__give__mutmut_2: survived
    services.recorder.media.gate.xǁGateǁsay__mutmut_1: timeout
    services.recorder.media.gate.xǁGateǁsay__mutmut_2: no tests
    services.recorder.media.gate.xǁGateǁsay__mutmut_3: not checked
"""


def test_each_module_has_the_share_of_its_changes_that_tests_noticed() -> None:
    found = scores(RESULTS)
    assert found == {"services.consent.domain.consent": Score(1, 2), "services.recorder.media.gate": Score(1, 3)}
    assert total(found) == Score(2, 5)
    assert total(found).noticed_share == 40


def test_where_nothing_was_tried_it_is_no_score() -> None:
    with pytest.raises(ValueError, match="no result"):
        scores("To apply a mutant on disk: mutmut apply <id>")


@pytest.mark.parametrize(("noticed", "is_enough"), [(int(FLOOR * 10) - 1, False), (int(FLOOR * 10), True)])
def test_below_the_floor_it_fails_and_says_what_to_do(noticed: int, *, is_enough: bool) -> None:
    said = verdict(Score(noticed, 1000))
    assert (said is None) == is_enough
    if said:
        assert "write tests" in said
