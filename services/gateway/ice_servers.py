"""STUN and TURN servers that clients are told of, as links (RFC 9725 section 4.6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import timedelta

from shared.concurrency.clock import Clock

#: How long what a client is told is good for: longer than meetings are.
_LIFETIME = timedelta(hours=24)


class IceServers:
    """The servers that the settings name. TURN's credentials are made for each client, of a secret shared with it.

    As coturn's `use-auth-secret` has them (draft-uberti-behave-turn-rest-00): the name is when they end, and for whom.
    """

    def __init__(self, urls: Sequence[str], turn_secret: str | None, clock: Clock) -> None:
        self._urls = urls
        self._turn_secret = turn_secret
        self._clock = clock

    def links(self, participant_id: str) -> Iterator[str]:
        """Yield the value of a Link header for each server."""
        for url in self._urls:
            link = f'<{url}>; rel="ice-server"'
            yield link if url.startswith("stun") else f"{link}; {self._credentials(participant_id)}"

    def _credentials(self, participant_id: str) -> str:
        username = f"{int((self._clock() + _LIFETIME).timestamp())}:{participant_id}"
        digest = hmac.digest((self._turn_secret or "").encode(), username.encode(), hashlib.sha1)
        credential = base64.b64encode(digest).decode()
        return f'username="{username}"; credential="{credential}"; credential-type="password"'
