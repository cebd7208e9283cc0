"""The connection to the broker, where it does not come about."""

from __future__ import annotations

import asyncio
import gc
import logging
import warnings

import pytest

from shared.messaging.link import Link
from tests.support.processes import free_port


async def _failure(link: Link) -> ConnectionError:
    try:
        await link._connect()
    except ConnectionError as error:
        return error
    raise AssertionError("somebody listens there")


def test_an_attempt_in_vain_leaves_nothing_that_closes_itself_where_there_is_no_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Seen to fail where it is left to aio-pika: a coroutine was never awaited."""
    caplog.set_level(logging.CRITICAL, "aiormq.connection")  # what is logged would keep it
    link = Link(f"amqp://127.0.0.1:{free_port()}/")
    with asyncio.Runner() as runner, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        failed = runner.run(_failure(link))
        asyncio.set_event_loop(None)
        del failed
        gc.collect()
        assert [str(each.message) for each in warned] == []
