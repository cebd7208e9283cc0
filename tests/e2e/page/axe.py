"""What axe-core has against the page as it stands: findings that keep people from using it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Page

from tests.support import node

_GRAVE = {"serious", "critical"}
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def axe_source() -> str:
    """Return the script, installed as the lock file says."""
    return (node.packages(Path(__file__).parent) / "node_modules" / "axe-core" / "axe.min.js").read_text()


async def grave_findings(page: Page, source: str) -> list[str]:
    """Return what is serious or worse, in light and in dark."""
    return [finding for scheme in _SCHEMES for finding in await _findings(page, source, scheme)]


async def _findings(page: Page, source: str, scheme: Literal["light", "dark"]) -> list[str]:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.evaluate(source)
    result: dict[str, Any] = await page.evaluate("axe.run()")
    return [
        f"{scheme}: {each['id']}: {each['help']}: {node['html']}"
        for each in result["violations"]
        if each["impact"] in _GRAVE
        for node in each["nodes"]
    ]
