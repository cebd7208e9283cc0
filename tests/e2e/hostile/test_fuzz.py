"""Arbitrary messages in arbitrary order: no traceback, and no state that the log does not explain."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings

from tests.e2e.hostile.gateway import Gateway
from tests.e2e.hostile.party import Account, Party, logged_account, logged_room, registered, told_account
from tests.e2e.hostile.steps import Step, steps
from tests.e2e.signaling.client import Site
from tests.support.eventually import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(0)]

#: As many as every test run can afford; more are asked for by the environment.
_EXAMPLES = int(os.environ.get("ONRECORD_FUZZ_EXAMPLES", "30"))


@settings(
    max_examples=_EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=steps)
async def test_whatever_is_said_the_log_explains_what_comes_of_it(
    gateway: Gateway, site: Site, steps: list[Step]
) -> None:
    with gateway.no_errors_logged():
        async with AsyncExitStack() as stack:
            party = Party(site, await site.create_room(), stack)
            for step in steps:
                await party.do(step)
            await party.settle()

            await eventually(lambda: _explained(gateway, party), within=20)

            await party.leave()
            await eventually(lambda: _nobody_is_left(gateway, party), within=20)
        assert [each.wrong for each in party.guests] == [[]] * len(party.guests)


async def _explained(gateway: Gateway, party: Party) -> bool:
    """Tell whether gateway, register, log and connections say the same. What was just said may be on its way."""
    session_id = (await logged_room(gateway, party.room_id)).session_id
    told, logged = await told_account(party), await logged_account(gateway, party.room_id)
    there = {each.name for each in party.guests if each.open and each.joined}
    present = _but_newcomers(logged)
    if not there or session_id is None:
        return not there and not present
    return (
        set(present) == there
        and _but_newcomers(told) == present
        and told.consenting == logged.consenting == await registered(gateway, session_id)
        and told.recording == logged.recording
    )


def _but_newcomers(account: Account) -> dict[str, tuple[str, str, bool]]:
    """Leave out those who came to have a look."""
    return {each: state for each, state in account.present.items() if state[0] != "Newcomer"}


async def _nobody_is_left(gateway: Gateway, party: Party) -> bool:
    room = await logged_room(gateway, party.room_id)
    return room.session_id is None and not room.participants
