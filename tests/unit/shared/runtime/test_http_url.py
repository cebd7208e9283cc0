from __future__ import annotations

import pytest
from hypothesis import given

from shared.runtime.http_url import http_url
from tests.support.webhook_urls import NEARLY_URLS

NONE = [
    "",
    "webhook",
    "Your Webhook URL",
    "ftp://example.org",
    "https://",
    "https:///hook",
    "http://h:port/",
    "http://[::1/",
    "https://xn--a/hook",
    "http://xn--/",
    "https://.h/",
    "https://h..h/",
    "http://h:0/",
    "http://h:-1/",
    "http://h:65536/",
    "http://h:99999/",
    f"http://{'a' * 64}/",
    "http://\ud800/",
    "http://h/\ud800",
]


@pytest.mark.parametrize("text", NONE, ids=ascii)
def test_what_cannot_be_asked_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        http_url(text)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("https://example.org/hook", b"example.org", None),
        ("HTTP://Example.org.:65535", b"example.org.", 65535),
        ("http://[::1]:1/", b"::1", 1),
        ("https://bücher.example/", b"xn--bcher-kva.example", None),
        ("https://xn--bcher-kva.example/", b"xn--bcher-kva.example", None),
    ],
)
def test_what_can_be_asked_is_taken_apart(text: str, host: bytes, port: int | None) -> None:
    url = http_url(text)
    assert (url.raw_host, url.port) == (host, port)


@given(NEARLY_URLS)
def test_whatever_is_typed_in_is_refused_or_can_be_asked(text: str) -> None:
    try:
        url = http_url(text)
    except ValueError:
        return
    assert url.scheme in ("http", "https")
    assert url.host
    assert url.raw_host.decode().encode("idna")
    assert url.port is None or 0 < url.port < 65536
