"""JSON schemas of all events and commands, for those who read or write them in another language.

`python -m shared.documents.schemas` writes them to `docs/schemas`, one file for each wire type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.contracts.message import Contract
from shared.contracts.registry import COMMANDS, EVENTS
from shared.documents.json_schema import Noted

DIRECTORY = Path(__file__).parents[2] / "docs" / "schemas"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_files() -> dict[str, str]:
    """Return what each file is to hold, by its name."""
    contracts: Mapping[str, type[Contract]] = {**EVENTS, **COMMANDS}
    return {f"{wire_type}.json": json_text(_schema(wire_type, contract)) for wire_type, contract in contracts.items()}


def write(directory: Path = DIRECTORY) -> None:
    """Write every file, and remove those of types that are no more."""
    directory.mkdir(parents=True, exist_ok=True)
    files = schema_files()
    for path in directory.glob("*.json"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (directory / name).write_text(text)


def json_text(document: Mapping[str, Any]) -> str:
    """Return the document as it is committed: the same text for the same document."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _schema(wire_type: str, contract: type[Contract]) -> dict[str, Any]:
    return {**contract.model_json_schema(schema_generator=Noted), "$schema": _DIALECT, "$id": wire_type}


if __name__ == "__main__":
    write()
