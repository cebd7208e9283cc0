"""One suite for each port, run on everything that claims to be one: the fake is as good as the real thing or fails."""

import pytest

pytest.register_assert_rewrite(
    "tests.contract.event_store",
    "tests.contract.append_together",
    "tests.contract.global_order",
    "tests.contract.log_model",
    "tests.contract.bus",
    "tests.contract.lanes",
    "tests.contract.commands",
    "tests.contract.failures",
)
