"""What all AsyncAPI 3.0 documents of onrecord are made of.

`make schemas` writes them to `docs/asyncapi`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared.documents.schemas import json_text

DIRECTORY = Path(__file__).parents[2] / "docs" / "asyncapi"

Json = dict[str, Any]

_VERSION = "3.0.0"
_LICENSE = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}


def document(title: str, description: str, **parts: Json) -> Json:
    """Return a document of these parts: servers, channels, operations, components."""
    info = {"title": title, "version": "1.0.0", "description": description, "license": _LICENSE}
    return {"asyncapi": _VERSION, "info": info, "defaultContentType": "application/json", **parts}


def write(name: str, content: Mapping[str, Any]) -> None:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    (DIRECTORY / f"{name}.json").write_text(json_text(content))


def ref(*path: str) -> dict[str, str]:
    """Return a reference to what is at that path of the document."""
    return {"$ref": "/".join(["#", *(part.replace("~", "~0").replace("/", "~1") for part in path)])}


def of_channel(channel: str, messages: Iterable[str]) -> list[dict[str, str]]:
    """Return references to messages of a channel, as operations have them."""
    return [ref("channels", channel, "messages", each) for each in messages]


def channel_messages(names: Iterable[str]) -> Json:
    """Return a channel's messages, each by its name among the components."""
    return {name: ref("components", "messages", name) for name in names}


def summary(model: type[BaseModel]) -> str:
    """Return the first line of what is said of a message, else its name in words."""
    if model.__doc__:
        return inspect.cleandoc(model.__doc__).splitlines()[0]
    return re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__).capitalize() + "."
