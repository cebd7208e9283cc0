"""Text of people outside, as it may be shown to others."""

from __future__ import annotations


def shown(text: str) -> str:
    """Return text that came from users, without signs that move the cursor or turn the writing around."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
