"""A running system, and people who open its page in a real Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from services.system import System
from shared.runtime.tokens import Permission, Tokens
from tests.e2e.page.visitor import Visitor

#: The picture and the sound are made up, and nobody is asked for leave. Few pictures, as several encode on few cores.
_OPTIONS = [
    "--use-fake-device-for-media-stream=fps=10",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
]

Visit = Callable[[], Awaitable[Visitor]]
Link = Callable[..., str]


@pytest.fixture
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_OPTIONS)
        yield browser
        await browser.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Visit:
    """Let somebody new come, with a browser of their own."""

    async def visit() -> Visitor:
        return Visitor(await (await browser.new_context()).new_page(), tmp_path)

    return visit


@pytest.fixture
def link(running: System) -> Link:
    """Return the address of the page, with a token."""

    def link(*, moderates: bool = False, participant: str | None = None) -> str:
        permissions: list[Permission] = ["allow_join", "allow_mod"] if moderates else ["allow_join"]
        roles = ["rtc"] if participant else []
        tokens = Tokens(running.infrastructure.credentials)
        token = tokens.issue(datetime.now(UTC), permissions=permissions, roles=roles, participant_id=participant)
        return f"http://127.0.0.1:{running.http_port}/#token={token}"

    return link
