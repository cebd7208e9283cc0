"""A target to post to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.notifier.target import Target, serving_target


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    async with serving_target() as target:
        yield target
