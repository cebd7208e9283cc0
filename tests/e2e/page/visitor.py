"""Somebody at the page: what they do there, by what they see and by nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Locator, Page, expect

#: A busy machine takes its time.
LIMIT_MS = 40_000
WIDTHS = {"desktop": (1200, 900), "phone": (320, 700)}

expect.set_options(timeout=LIMIT_MS)


@dataclass(slots=True)
class Visitor:
    page: Page
    #: For pictures of the page.
    folder: Path
    #: What the page threw, which it never does.
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(LIMIT_MS)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def press(self, name: str) -> None:
        await self.button(name).click()

    async def enter(self, link: str, name: str, room: str = "") -> None:
        """Open a link, say who one is, and enter."""
        await self.page.goto(link)
        await self.page.get_by_label("Your name").fill(name)
        if room:
            await self.page.get_by_label("Room", exact=True).fill(room)
        await self.press("Enter")
        await self.is_received()

    async def is_received(self) -> None:
        await self.sees("Connected")
        await self.sees("The recorder receives you.")

    async def sees(self, text: str) -> None:
        await expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    async def is_told(self, news: str) -> None:
        """See it said in the line that screen readers read out."""
        await expect(self.page.get_by_role("status").filter(has_text=news)).to_be_visible()

    async def sees_of(self, name: str, consents: str) -> None:
        row = self.page.get_by_role("list").get_by_role("listitem").filter(has_text=name)
        await expect(row).to_contain_text(consents)

    async def room(self) -> str:
        title = self.page.get_by_role("heading", level=1)
        return (await title.inner_text()).removeprefix("Room ")

    async def invitation(self) -> str:
        await self.press("Copy invitation link")
        link = self.page.get_by_label("Invitation link")
        await expect(link).not_to_have_value("")
        return await link.input_value()

    async def picture(self, state: str) -> None:
        """Keep what the page looks like in this state, at both widths."""
        for width, (x, y) in WIDTHS.items():
            await self.page.set_viewport_size({"width": x, "height": y})
            await self.page.screenshot(path=self.folder / f"{state}-{width}.png", full_page=True)
            assert not await self.scrolls_sideways(), f"{state} is wider than a {width}"
        await self.page.set_viewport_size({"width": 1200, "height": 900})

    async def scrolls_sideways(self) -> bool:
        width = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        scrolled, seen = await self.page.evaluate(width)
        return bool(scrolled > seen)


async def together(*visitors: Visitor, text: str) -> None:
    await asyncio.gather(*(visitor.sees(text) for visitor in visitors))
