"""The AsyncAPI documents, as tests look at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

from services.gateway.signaling.asyncapi import signaling_document
from shared.documents.bus import bus_document

DOCUMENTS: Mapping[str, dict[str, Any]] = {"signaling": signaling_document(), "bus": bus_document()}


def references(part: Any) -> Iterator[str]:
    """Every `$ref` in this part of a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def found(document: Mapping[str, Any], reference: str) -> Any:
    """What the reference leads to. Raises KeyError."""
    root, *path = reference.split("/")
    if root != "#":
        raise KeyError(reference)
    return reduce(lambda part, key: part[key.replace("~1", "/").replace("~0", "~")], path, document)


def complaints(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> list[str]:
    """What the schema, which is a part of the document, has against the value."""
    whole = {"components": document["components"], "allOf": [schema]}
    return [error.message for error in Draft7Validator(whole, format_checker=FormatChecker()).iter_errors(value)]
