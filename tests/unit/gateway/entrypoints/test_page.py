"""The page's files come as what they are, and may do no more in a browser than the page needs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from importlib.resources import files

import httpx
import pytest
from fastapi import FastAPI

from services.gateway.entrypoints.errors import install_error_answers
from services.gateway.entrypoints.page import page_router

_NAMES = sorted(each.name for each in (files("services.gateway") / "page").iterdir())
_PATHS = ["/", *(f"/page/{name}" for name in _NAMES)]
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_error_answers(app)
    app.include_router(page_router())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://meet.example:8080") as client:
        yield client


def directives(answer: httpx.Response) -> dict[str, str]:
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


@pytest.mark.parametrize("path", _PATHS)
async def test_every_file_has_its_type_and_is_asked_for_anew(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    kind = "html" if path == "/" else path.rpartition(".")[2]
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == _TYPES[kind]
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert (await http.head(path)).headers["ETag"] == answer.headers["ETag"]


async def test_what_a_browser_has_already_is_not_sent_again(http: httpx.AsyncClient) -> None:
    etag = (await http.get("/")).headers["ETag"]
    same, other = [await http.get("/", headers={"If-None-Match": each}) for each in (etag, '"another"')]
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", etag)
    assert other.status_code == 200


async def test_nothing_runs_or_is_loaded_or_asked_from_elsewhere(http: httpx.AsyncClient) -> None:
    assert directives(await http.get("/")) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "media-src": "'self' blob:",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "connect-src": "'self' ws://meet.example:8080 wss://meet.example:8080",
    }


async def test_the_page_alone_may_use_camera_and_microphone(http: httpx.AsyncClient) -> None:
    assert (await http.get("/")).headers["Permissions-Policy"] == "camera=(self), microphone=(self)"


@pytest.mark.parametrize("host", ["a; script-src *", "a b", "a,b", "'unsafe-inline'", "*", ""])
async def test_a_host_that_is_none_gets_into_no_policy(http: httpx.AsyncClient, host: str) -> None:
    policy = directives(await http.get("/", headers={"Host": host}))
    assert (policy["connect-src"], policy["script-src"]) == ("'self'", "'self'")


@pytest.mark.parametrize("host", ["[::1]:8080", "127.0.0.1", "localhost:8080"])
async def test_sockets_of_the_very_host_are_allowed(http: httpx.AsyncClient, host: str) -> None:
    policy = directives(await http.get("/", headers={"Host": host}))
    assert policy["connect-src"] == f"'self' ws://{host} wss://{host}"


@pytest.mark.parametrize("name", ["nothing.js", "%2e%2e", "%2e%2e%2fbootstrap.py", "%00"])
async def test_other_files_are_none(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.get(f"/page/{name}")
    assert answer.status_code == 404


def test_the_page_names_nothing_of_elsewhere() -> None:
    for each in (files("services.gateway") / "page").iterdir():
        addresses = re.findall(r"https?://[^\s\"'`<]+|//cdn[^\s\"']+", each.read_text())
        assert set(addresses) <= {"http://www.w3.org/2000/svg", "https://"}, each.name


def test_no_script_and_no_style_stands_in_the_markup() -> None:
    markup = (files("services.gateway") / "page" / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", markup)
    assert re.findall(r"<script[^>]*>(.*?)</script>", markup, re.DOTALL) == [""]
    assert not any("innerHTML" in each.read_text() for each in (files("services.gateway") / "page").iterdir())
