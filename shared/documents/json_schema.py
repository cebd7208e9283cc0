"""JSON schemas of models, with what the `#:` comments of their fields say."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

_NOTE = re.compile(r"    #: (.*)")
_FIELD = re.compile(r"    (\w+):")
_NULL = {"type": "null"}


class Noted(GenerateJsonSchema):
    """Describes fields by their comments, and leaves out titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        for name, note in dict(_notes(schema["cls"])).items():
            described["properties"][name].setdefault("description", note)
        return described

    def model_field_schema(self, schema: core_schema.ModelField) -> JsonSchemaValue:
        described = super().model_field_schema(schema)
        if self.mode == "serialization" or described.get("default", ...) is None:
            described.pop("default", None)  # it is sent anyhow, or left out
        if self.mode == "serialization" and schema.get("serialization_exclude_if"):
            return _never_null(described)
        return described


def component_schemas(models: Iterable[type[BaseModel]], mode: JsonSchemaMode) -> dict[str, Any]:
    """Return the schemas of the models and of all that they are made of, by name, as components of one document."""
    template = "#/components/schemas/{model}"
    _, made = models_json_schema([(model, mode) for model in models], ref_template=template, schema_generator=Noted)
    schemas: dict[str, Any] = made["$defs"]
    return schemas


def _never_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Return what is left where null is left out."""
    (told,) = (each for each in schema["anyOf"] if each != _NULL)
    return {**{key: value for key, value in schema.items() if key != "anyOf"}, **told}


def _notes(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the fields that have a comment, with it; those of the nearest class last."""
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls is not BaseModel:
            yield from ((name, note) for name, note in _read(inspect.getsource(cls)) if name in model.model_fields)


def _read(source: str) -> Iterator[tuple[str, str]]:
    notes: list[str] = []
    for line in source.splitlines():
        if note := _NOTE.fullmatch(line):
            notes.append(note[1])
            continue
        field = _FIELD.match(line)
        if field and notes:
            yield field[1], " ".join(notes)
        notes = []
