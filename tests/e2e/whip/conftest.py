"""A running system, and a real Chromium that publishes to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from services.system import System

_OPTIONS = ["--use-fake-device-for-media-stream=fps=20", "--use-fake-ui-for-media-stream", "--no-sandbox"]
_PUBLISHER = Path(__file__).with_name("publisher.js")


@pytest.fixture
async def browser_page(chromium: Path, running: System) -> AsyncIterator[Page]:
    """A page of the gateway's own origin with nothing on it but the publisher."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_OPTIONS)
        page = await browser.new_page()
        await page.add_init_script(path=_PUBLISHER)
        await page.goto(f"http://127.0.0.1:{running.http_port}/livez")
        yield page
        await browser.close()
