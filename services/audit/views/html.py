"""Writing HTML in which nothing is left unescaped by mistake."""

from __future__ import annotations

from html import escape

from shared.runtime.printable import shown


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Html:
    """Return an element. Children that are not Html are text; `aria_label` becomes `aria-label`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(shown(value))}"' for key, value in attributes.items()
    )
    return Html(f"<{name}{written}>{together(*children)}</{name}>")


def together(*children: str) -> Html:
    return Html("".join(child if isinstance(child, Html) else escape(shown(child)) for child in children))
