"""What `make bench` runs for its arguments."""

from __future__ import annotations

import pytest

from tests.bench.__main__ import chosen


def test_all_benches_run_with_the_options_that_fit_all() -> None:
    every = "log", "signaling", "webhooks", "media"
    assert chosen(["--quick", "--seed", "2"]) == (every, ["--quick", "--seed", "2"])


def test_one_bench_runs_when_it_is_named() -> None:
    assert chosen(["log", "--only", "append"]) == (("log",), ["--only", "append"])


@pytest.mark.parametrize("option", ["--only", "--json=file"])
def test_an_option_of_one_bench_needs_its_name(option: str) -> None:
    with pytest.raises(SystemExit, match="is for one bench: say which first"):
        chosen(["--quick", option])
