"""Everybody can use the page: with a keyboard, a screen reader, in light and dark, on a phone, without a camera."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.page.axe import axe_source, grave_findings
from tests.e2e.page.conftest import Link
from tests.e2e.page.visitor import Visitor

_HERE = Path(__file__).parent
_NO_DEVICES = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError') }"


class Inspected(Visitor):
    """A visitor whose page is looked at in each state."""

    source: str

    async def inspect(self, state: str) -> None:
        await self.picture(state)
        assert await grave_findings(self.page, self.source) == [], state
        await self.page.emulate_media(color_scheme="dark")
        await self.page.screenshot(path=self.folder / f"{state}-dark.png", full_page=True)


@pytest.fixture
async def inspected(browser: Browser, tmp_path: Path) -> Inspected:
    """Somebody whose browser lets axe in past the page's policy."""
    context = await browser.new_context(bypass_csp=True)
    visitor = Inspected(await context.new_page(), tmp_path)
    visitor.source = axe_source()
    return visitor


async def test_no_state_of_the_page_keeps_anybody_out(inspected: Inspected, link: Link) -> None:
    address = link(moderates=True)
    await inspected.page.goto(address.partition("#")[0])
    await inspected.sees("How to come in")
    await inspected.inspect("without-token")
    await inspected.page.get_by_label("Token").fill(address)
    await inspected.press("Use this token")
    await inspected.page.get_by_label("Your name").fill("Mona")
    await inspected.page.get_by_label("Room", exact=True).fill("none-such-room")
    await inspected.press("Enter")
    await inspected.sees("There is no such room.")
    await inspected.inspect("refused")
    await inspected.page.get_by_label("Room", exact=True).fill("")
    await inspected.press("Enter")
    await inspected.is_received()
    await inspected.inspect("asked")
    await inspected.press("Yes, record me")
    await inspected.press("Start recording")
    await inspected.sees("Recording began.")
    await inspected.inspect("recorded")
    await inspected.press("Pause")
    await inspected.sees("The recording is paused.")
    await inspected.inspect("paused")
    await inspected.press("Stop recording")
    await inspected.sees("Your yes has ended.")
    await inspected.press("Leave")
    await inspected.press("Play the recording of Mona")
    await inspected.page.get_by_text("The same in words").click()
    await inspected.inspect("recordings")
    assert inspected.errors == []


async def test_one_can_stay_without_camera_and_microphone(inspected: Inspected, link: Link) -> None:
    await inspected.page.add_init_script(_NO_DEVICES)
    await inspected.page.goto(link(moderates=True))
    await inspected.page.get_by_label("Your name").fill("Mona")
    await inspected.press("Enter")
    await inspected.sees("Connected")
    await inspected.sees("The browser does not give this page your camera or microphone.")
    await inspected.sees("Nothing is sent.")
    await inspected.press("Yes, record me")
    await inspected.press("Start recording")
    await inspected.sees("Recording began.")
    await inspected.inspect("without-devices")


async def test_a_meeting_is_held_by_keyboard_alone(inspected: Inspected, link: Link) -> None:
    page = inspected.page
    await page.goto(link(moderates=True))
    await expect(page.get_by_label("Your name")).to_be_focused()
    await page.keyboard.type("Mona")
    await page.keyboard.press("Enter")
    await inspected.is_received()
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    for name in ("Yes, record me", "Start recording"):
        await _tab_to(inspected, name)
        await page.keyboard.press("Enter")
    await inspected.is_told("Recording began.")
    await _tab_to(inspected, "Stop recording")
    await page.keyboard.press("Space")
    await inspected.is_told("The recording was stopped.")


async def _tab_to(visitor: Visitor, name: str) -> None:
    """Go on by Tab until this button has the focus; once around the page is enough."""
    button = visitor.button(name)
    await expect(button).to_be_enabled()
    for _ in range(40):
        if await button.evaluate("button => button === document.activeElement"):
            return
        await visitor.page.keyboard.press("Tab")
    raise AssertionError(f"{name} is not reached by Tab")


def test_the_lock_says_what_comes_and_not_from_where() -> None:
    text = (_HERE / "package-lock.json").read_text()
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}

    assert packages
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert "://" not in text
