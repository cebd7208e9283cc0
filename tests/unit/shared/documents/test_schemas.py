from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from shared.contracts.registry import COMMANDS, EVENTS
from shared.documents.json_schema import component_schemas
from shared.documents.schemas import DIRECTORY, schema_files, write


def written(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.glob("*")}


def test_the_committed_schemas_are_those_of_the_contracts() -> None:
    assert written(DIRECTORY) == schema_files(), "run make schemas"


def test_every_event_and_command_has_a_schema_that_bears_its_wire_type() -> None:
    schemas = {name: json.loads(text) for name, text in schema_files().items()}
    assert schemas.keys() == {f"{wire_type}.json" for wire_type in (*EVENTS, *COMMANDS)}
    assert all(f"{schema['$id']}.json" == name for name, schema in schemas.items())


def test_writing_makes_exactly_these_files(tmp_path: Path) -> None:
    (tmp_path / "thing.gone.v1.json").write_text("{}")
    write(tmp_path)
    assert written(tmp_path) == schema_files()


class Named(BaseModel):
    #: Said twice,
    #: on two lines.
    name: str
    #: The parent's word.
    size: int


class Sized(Named):
    #: The nearest word.
    size: int
    #: Left out while there is none.
    weight: Annotated[int | None, Field(exclude_if=lambda weight: weight is None)] = None
    unsaid: int | None = None


def test_a_field_is_described_by_the_comment_above_it_and_the_nearest_class_has_the_last_word() -> None:
    properties = component_schemas([Sized], "validation")["Sized"]["properties"]
    assert {name: field.get("description") for name, field in properties.items()} == {
        "name": "Said twice, on two lines.",
        "size": "The nearest word.",
        "weight": "Left out while there is none.",
        "unsaid": None,
    }


def test_what_is_left_out_where_there_is_none_is_told_to_be_never_null() -> None:
    told = component_schemas([Sized], "serialization")["Sized"]["properties"]
    assert told["weight"] == {"type": "integer", "description": "Left out while there is none."}
    assert told["unsaid"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
