"""Posting reaches who it may reach, and nobody else; and whatever a target answers, it costs a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network

import pytest

from services.notifier.adapters import guarded_network, http
from services.notifier.adapters.addresses import Address, Network
from services.notifier.adapters.errors import (
    TargetAddressError,
    TargetAnswerError,
    TargetError,
    TargetNameError,
    TargetSilentError,
    TargetUnreachableError,
    TargetUrlError,
)
from services.notifier.adapters.guarded_network import Resolve
from services.notifier.adapters.http import Answer, HttpPoster
from tests.integration.notifier.target import LOOPBACK, Target

_Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BODY = '{"grüße":1}'.encode()


@asynccontextmanager
async def posting(allowed: Sequence[Network] = LOOPBACK, resolve: Resolve | None = None) -> AsyncIterator[HttpPoster]:
    poster = HttpPoster(allowed, 10, resolve)
    try:
        yield poster
    finally:
        await poster.close()


async def post(url: str, allowed: Sequence[Network] = LOOPBACK, resolve: Resolve | None = None) -> Answer:
    async with posting(allowed, resolve) as poster:
        return await poster.post(url, BODY, {"webhook-id": "00000000-0000-0000-0000-000000000007"})


@asynccontextmanager
async def serving(serve: _Serve, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """A server of raw connections; those that are open at the end are cut."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await serve(reader, writer)
        except ConnectionError:
            return

    server = await asyncio.start_server(connected, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for writer in writers:
            writer.transport.abort()
        server.close()


def answering(text: bytes) -> _Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(BODY)
        writer.write(text)
        await writer.drain()
        writer.close()

    return serve


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


# ------------------------------------------------------------------------------------------------- who is reached


async def test_the_body_arrives_as_it_is_with_its_headers(target: Target) -> None:
    assert await post(target.url()) == Answer(200)
    ((_, _, body),) = target.posted
    assert body == BODY
    (headers,) = target.headers
    assert headers["host"] == f"127.0.0.1:{target.port}"
    assert headers["user-agent"] == "onrecord"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
        "[2001:0:808:808::80ff:fffe]",
    ],
)
async def test_no_way_to_write_our_own_address_reaches_it(target: Target, host: str) -> None:
    with pytest.raises(TargetError) as refused:
        await post(target.url(host=host), allowed=())
    assert target.posted == []
    assert isinstance(refused.value, TargetAddressError) or host in ("LOCALHOST.", "0177.0.0.1")


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "[fd00:ec2::254]"])
async def test_addresses_of_networks_and_clouds_are_refused_without_a_try(host: str) -> None:
    with pytest.raises(TargetAddressError, match="ONRECORD_WEBHOOK_NETWORKS"):
        await post(f"http://{host}/latest/meta-data", allowed=())


async def test_one_address_that_is_not_public_is_enough_to_refuse_a_name(target: Target) -> None:
    async def resolve(_: str) -> Sequence[Address]:
        return [ip_address("127.0.0.1"), ip_address("10.0.0.1")]

    with pytest.raises(TargetAddressError):
        await post(target.url(host="both.example"), LOOPBACK, resolve)
    assert target.posted == []


async def test_what_is_connected_to_is_the_address_that_was_checked(target: Target) -> None:
    """Rebinding: a name that has another address whenever it is looked up. Seen to fail with the name connected to."""
    answers = [[ip_address("127.0.0.1")], [ip_address("127.0.0.2")]]
    asked: list[str] = []

    async def resolve(host: str) -> Sequence[Address]:
        asked.append(host)
        return answers[min(len(asked) - 1, 1)]

    allowed = (ip_network("127.0.0.1/32"),)
    async with posting(allowed, resolve) as poster:
        assert await poster.post(target.url(host="rebinding.example"), BODY, _id()) == Answer(200)
    async with posting(allowed, resolve) as poster:
        with pytest.raises(TargetAddressError):
            await poster.post(target.url(host="rebinding.example"), BODY, _id())
    assert asked == ["rebinding.example"] * 2
    assert len(target.posted) == 1
    assert target.headers[0]["host"] == f"rebinding.example:{target.port}"


async def test_a_name_without_one_that_answers_is_tried_at_its_other_addresses(target: Target) -> None:
    async def resolve(_: str) -> Sequence[Address]:
        return [ip_address("127.0.0.9"), ip_address("127.0.0.1")]

    assert await post(target.url(host="two.example"), LOOPBACK, resolve) == Answer(200)


async def test_a_redirect_is_an_answer_and_is_not_followed(target: Target) -> None:
    answer = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % target.url().encode()
    async with serving(answering(answer)) as port:
        assert await post(f"http://127.0.0.1:{port}/") == Answer(307)
    assert target.posted == []


async def test_proxies_of_the_environment_are_not_asked(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await post(target.url()) == Answer(200)


async def test_a_name_that_tls_would_choke_on_is_no_url() -> None:
    """Seen to fail with its resolver asked: that one knows it, and TLS raised by itself."""

    async def resolve(_: str) -> Sequence[Address]:
        return [ip_address("127.0.0.1")]

    with pytest.raises(TargetUrlError):
        await post("https://.h/", LOOPBACK, resolve)


@pytest.mark.parametrize("url", ["gopher://h/", "http://", "http://h:port/", "h", "file:///etc/passwd", "http://[::1/"])
async def test_a_url_that_cannot_be_posted_to_is_refused(url: str) -> None:
    with pytest.raises(TargetUrlError):
        await post(url)


async def test_a_name_that_nobody_knows_is_not_reached() -> None:
    async def resolve(_: str) -> Sequence[Address]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(TargetNameError, match=r"nobody\.example"):
        await post("http://nobody.example/", LOOPBACK, resolve)


async def test_a_closed_port_is_not_reached() -> None:
    with pytest.raises(TargetUnreachableError, match=r"no connection to 127\.0\.0\.1"):
        await post("http://127.0.0.1:1/")


async def test_a_target_without_tls_behind_https_is_not_reached(target: Target) -> None:
    with pytest.raises(TargetUnreachableError, match="TLS failed"):
        await post(target.url().replace("http:", "https:"))


# ------------------------------------------------------------------------------------------------ what it answers


async def test_an_answer_without_end_is_read_to_a_bound() -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(BODY)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()
            sent += 1024

    async with serving(flood) as port:
        assert await post(f"http://127.0.0.1:{port}/") == Answer(200)
    # What the sockets between hold is written too.
    assert sent < 64 * 1024 + 16 * 1024 * 1024


async def test_an_answer_that_drips_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail with a limit for each read alone."""
    monkeypatch.setattr(http, "_READ_SECONDS", 0.1)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(BODY)
        writer.write(b"HTTP/1.1 204 OK\r\nContent-Length: 1000000\r\n\r\n".replace(b"204", b"200"))
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)  # so that each read has something

    async with serving(drip) as port, asyncio.timeout(5):
        assert await post(f"http://127.0.0.1:{port}/") == Answer(200)


async def test_an_answer_whose_head_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_TIMEOUT_SECONDS", 0.3)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(BODY)
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)  # so that each read has something

    async with serving(drip) as port, asyncio.timeout(5):
        with pytest.raises(TargetSilentError, match=r"no answer within 0\.3 s"):
            await post(f"http://127.0.0.1:{port}/")


async def test_a_target_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_TIMEOUT_SECONDS", 0.3)
    async with serving(silence) as port:
        with pytest.raises(TargetSilentError):
            await post(f"http://127.0.0.1:{port}/")


async def test_looking_a_name_up_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_TIMEOUT_SECONDS", 0.3)

    async def resolve(_: str) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(TargetSilentError):
        await post("http://slow.example/", LOOPBACK, resolve)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"secret of the network\r\n\r\n",
        b"HTTP/1.1 999999 secret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nsecret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"secret" * 100_000,
    ],
    ids=["nothing", "no HTTP", "no status", "no header", "a header without end"],
)
async def test_what_is_no_answer_is_told_without_a_word_of_it(answer: bytes) -> None:
    async with serving(answering(answer)) as port:
        with pytest.raises(TargetAnswerError) as told:
            await post(f"http://127.0.0.1:{port}/")
    assert "secret" not in str(told.value)


async def test_a_status_holds_though_its_answer_is_cut_off() -> None:
    async with serving(answering(b"HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\nhal")) as port:
        assert await post(f"http://127.0.0.1:{port}/") == Answer(500)


async def test_when_to_come_again_is_taken_from_the_answer(target: Target) -> None:
    target.status = 503
    target.answer_headers = {"Retry-After": "120"}
    assert await post(target.url()) == Answer(503, "120")


async def test_a_connection_is_used_again_and_after_a_cut_anew(target: Target) -> None:
    async with posting() as poster:
        for _ in range(3):
            assert await poster.post(target.url(), BODY, _id()) == Answer(200)
    assert len(target.posted) == 3


def test_the_bounds_are_what_the_handbook_says() -> None:
    assert (http._TIMEOUT_SECONDS, http._READ_BYTES) == (10, 64 * 1024)
    assert guarded_network._CONNECT_SECONDS < http._TIMEOUT_SECONDS
    assert issubclass(TargetSilentError, TargetError)


def _id() -> dict[str, str]:
    return {"webhook-id": "00000000-0000-0000-0000-000000000007"}
