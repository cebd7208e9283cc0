"""Where servers have webhooks posted to. An empty text is as if nothing were said."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from services.gateway.entrypoints.v2.leniency import EmptyIsAbsent
from shared.contracts.identifiers import WebhookUrl
from shared.runtime.http_url import http_url


def _can_be_posted_to(url: str) -> str:
    try:
        http_url(url)
    except ValueError as error:
        raise ValueError(
            "write a URL with http or https, a host and, if any, a port from 1 to 65535: https://example.org/hook"
        ) from error
    return url


#: Of a call. Clients are seen to send `Your Webhook URL`, and shall be recorded nevertheless.
CallTarget = Annotated[WebhookUrl | None, EmptyIsAbsent]
#: Of a room, which is made with care: it is one that can be posted to.
RoomTarget = Annotated[Annotated[WebhookUrl, AfterValidator(_can_be_posted_to)] | None, EmptyIsAbsent]
