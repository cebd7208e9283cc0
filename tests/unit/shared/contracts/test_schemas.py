from __future__ import annotations

import json
from pathlib import Path

from shared.contracts.registry import COMMANDS, EVENTS
from shared.contracts.schemas import DIRECTORY, schema_files, write


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
