"""Coming in: by whose word, into which room, and what is said when that fails."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from services.system import System
from shared.runtime.tokens import Tokens
from tests.e2e.page.conftest import Link, Visit
from tests.e2e.rest.place import Place
from tests.support.eventually import eventually

_MARKUP = "<b>Eve</b><img src=x>"


async def test_the_token_is_taken_out_of_the_address(visit: Visit, link: Link) -> None:
    mona = await visit()
    await mona.page.goto(link(moderates=True))
    await mona.sees("Your name")
    assert "#" not in mona.page.url
    await mona.page.reload()
    await mona.sees("Your name")


@pytest.mark.parametrize("moderates", [True, False])
async def test_what_others_call_themselves_is_text(visit: Visit, link: Link, *, moderates: bool) -> None:
    mona, eve = await visit(), await visit()
    await mona.enter(link(moderates=True), "Mona")
    await eve.enter(link(moderates=moderates), _MARKUP, await mona.room())
    await mona.is_told(f"{_MARKUP} came in.")
    await expect(mona.page.get_by_role("listitem").filter(has_text=_MARKUP)).to_be_visible()
    assert await mona.page.locator("main img, main b").count() == 0


async def test_a_token_that_is_not_good_is_said_so_and_another_one_can_be_pasted(
    running: System, visit: Visit, link: Link
) -> None:
    mona = await visit()
    past = datetime.now(UTC) - timedelta(days=2)
    stale = Tokens(running.infrastructure.credentials).issue(past, permissions=["allow_join", "allow_mod"])
    await mona.page.goto(f"{link().partition('#')[0]}#token={stale}")
    await mona.page.get_by_label("Your name").fill("Mona")
    await mona.press("Enter")
    await mona.sees("This token is not good, or not any more.")
    await mona.page.get_by_label("Token").fill(link(moderates=True))
    await mona.press("Use this token")
    await mona.press("Enter")
    await mona.is_received()


async def test_an_invitation_with_a_password_asks_for_it(visit: Visit, link: Link) -> None:
    mona, guest = await visit(), await visit()
    await mona.enter(link(moderates=True), "Mona")
    address, _, token = link(moderates=True).partition("#token=")
    path = f"v1/rooms/{await mona.room()}/invites"
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": token}) as http:
        code = (await http.post(path, json={"password": "tea"})).json()["invite_code"]
    await guest.page.goto(f"{address}#room={await mona.room()}&invite={code}")
    await guest.page.get_by_label("Your name").fill("Gus")
    await guest.press("Enter")
    await guest.sees("This invitation has a password.")
    await guest.page.get_by_label("Password of the invitation").fill("tea")
    await guest.press("Enter")
    await guest.is_received()
    await mona.sees_of("Gus", "guest")


async def test_an_invitation_that_is_none_is_said_so(visit: Visit, link: Link) -> None:
    guest = await visit()
    mona = await visit()
    await mona.enter(link(moderates=True), "Mona")
    room = await mona.room()
    await guest.page.goto(f"{link().partition('#')[0]}#room={room}&invite=6e6d53a7-58c4-4f1e-8a59-0d6f0d1f5c11")
    await guest.page.get_by_label("Your name").fill("Gus")
    await guest.press("Enter")
    await guest.sees("This invitation is not good any more.")


async def test_the_link_that_is_printed_lets_a_moderator_in(
    database_url: str, amqp_url: str, tmp_path: Path, visit: Visit
) -> None:
    settings = {
        "ONRECORD_DATABASE_URL": database_url,
        "ONRECORD_AMQP_URL": amqp_url,
        "ONRECORD_DATA_DIR": str(tmp_path),
    }
    mona = await visit()
    async with Place.up(settings, tmp_path) as place:
        log = place.folder / "onrecord.log"
        await eventually(lambda: "The page, for a moderator" in log.read_text())
        (link,) = re.findall(r"http://\S+#token=\S+", log.read_text())
        await mona.enter(link, "Mona")
        await mona.press("Start recording")
        await mona.sees("Recording began.")
