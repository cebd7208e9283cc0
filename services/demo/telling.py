"""What everything in the demo is given."""

from __future__ import annotations

from collections.abc import Callable

#: Takes a sentence for the person who watches.
Say = Callable[[str], None]
#: Makes a token for a participant; None: for a server. The flag says whether they moderate.
IssueToken = Callable[[str | None, bool], str]
