"""Requests are built of URLs that people outside typed in."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings

from services.notifier.adapters.errors import TargetUrlError
from services.notifier.adapters.http import _request
from tests.support.webhook_urls import NEARLY_URLS


def test_a_request_says_whom_it_asks_and_keeps_who_is_asking_to_itself() -> None:
    request = _request("https://user:pass@bücher.example:8443/hook?a=1#top", b"{}", {"webhook-id": "7"})
    assert (request.url.scheme, request.url.host, request.url.port) == (b"https", b"xn--bcher-kva.example", 8443)
    assert request.url.target == b"/hook?a=1"
    assert (b"host", b"xn--bcher-kva.example:8443") in request.headers


@settings(max_examples=500)
@given(NEARLY_URLS)
@example("https://xn--a/hook")
@example("http://xn--/")
@example("http://h:0/")
@example("http://h:-1/")
@example("http://h:99999/")
@example("https://.h/")
def test_of_whatever_is_typed_in_comes_a_request_or_that_it_is_no_url(text: str) -> None:
    try:
        request = _request(text, b"{}", {})
    except TargetUrlError:
        return
    assert request.url.host
    assert not set(request.url.target) & set(b"\x00 \r\n")
    assert not set(dict(request.headers)[b"host"]) & set(b"\x00 \r\n")


@pytest.mark.parametrize("url", ["https://xn--a/hook", "http://xn--/", "http://h:0/", "http://h:99999/", "https://.h/"])
def test_a_host_or_port_that_there_cannot_be_is_no_url(url: str) -> None:
    with pytest.raises(TargetUrlError):
        _request(url, b"{}", {})
