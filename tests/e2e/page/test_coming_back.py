"""What is lost comes back by itself: the connection, the media, and the page."""

from __future__ import annotations

from playwright.async_api import Request, Response

from services.system import System
from shared.contracts.room import ParticipantJoined
from tests.e2e.page.conftest import Link, Visit
from tests.e2e.page.visitor import Visitor
from tests.support.eventually import eventually
from tests.support.meeting import events_of
from tests.support.proxy import proxied


async def test_who_loses_the_connection_comes_back_as_the_same_and_publishes_anew(
    running: System, visit: Visit, link: Link
) -> None:
    alice = await visit()
    offers = _offers(alice)
    async with proxied(link(moderates=True)) as proxy:
        await alice.enter(proxy.url, "Alice")
        await alice.press("Yes, record me")
        await proxy.close()
        await alice.sees("Connection lost, coming back")
        await proxy.open()
        await alice.is_received()
        await alice.sees("Your yes has ended.")
    joined = [event for event in await events_of(running.infrastructure.store) if isinstance(event, ParticipantJoined)]
    assert len(joined) == 2
    assert len({event.participant_id for event in joined}) == 1
    assert len(offers) == 2


async def test_media_is_published_anew_when_its_session_is_lost(visit: Visit, link: Link) -> None:
    alice = await visit()
    offers = _offers(alice)
    await alice.enter(link(moderates=True), "Alice")
    (first,) = offers
    await _end(alice, first)
    await eventually(lambda: len(offers) == 2)
    await alice.is_received()


def _offers(visitor: Visitor) -> list[Response]:
    """Return the answers to all offers, also those that are yet to come."""
    answers: list[Response] = []

    def take(answer: Response) -> None:
        request: Request = answer.request
        if request.method == "POST" and "/v1/whip/" in answer.url:
            answers.append(answer)

    visitor.page.on("response", take)
    return answers


async def _end(visitor: Visitor, answer: Response) -> None:
    """End the session behind the page's back."""
    headers = {"Authorization": (await answer.request.all_headers())["authorization"]}
    ended = await visitor.page.request.delete(answer.headers["location"], headers=headers)
    assert ended.status == 200
