"""Participants as people are: each at the page, in a tab of a headless Chromium, with camera and microphone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.demo.chromium import DevTools, Tab, chromium
from services.demo.telling import IssueToken, Say

_RECEIVED = "document.getElementById('media-state').textContent.startsWith('The recorder receives you')"
#: A picture takes its time on a busy machine, and several are encoded beside one another.
_CONNECT_SECONDS = 60


class Visitors:
    """They do by the page what people do, and nothing else."""

    def __init__(self, base_url: str, issue_token: IssueToken, names: Sequence[str], say: Say) -> None:
        self._base_url = base_url
        self._issue_token = issue_token
        self._names = names
        self._say = say
        self._tabs: dict[str, Tab] = {}

    @asynccontextmanager
    async def present(self, room_id: str) -> AsyncIterator[None]:
        self._say("Starting Chromium …")
        async with chromium() as devtools:
            for name in self._names:
                self._tabs[name] = await self._enter(devtools, room_id, name)
                self._say(f"{name} joins by the page")
            for tab in self._tabs.values():
                await tab.until(_RECEIVED, _CONNECT_SECONDS)
            yield

    async def consent(self, name: str, *, consent: bool) -> None:
        await self._tabs[name].run(f"document.getElementById('consent-{'yes' if consent else 'no'}').click()")

    async def _enter(self, devtools: DevTools, room_id: str, name: str) -> Tab:
        tab = await devtools.open(f"{self._base_url}/#token={self._issue_token(name, False)}")
        await tab.until("document.getElementById('name')?.checkVisibility() ?? false")
        for field, value in (("name", name.title()), ("room", room_id)):
            await tab.run(f"document.getElementById('{field}').value = {json.dumps(value)}")
        await tab.run("document.getElementById('enter').click()")
        await tab.until("document.getElementById('meeting').checkVisibility()")
        return tab
