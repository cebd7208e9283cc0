"""What clients are seen to send for nothing, and is taken as nothing."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from shared.contracts.identifiers import StoragePrefix


def _absent_if_empty(value: object) -> object:
    return None if value == "" else value


def _without_slashes_around(value: object) -> object:
    return value.strip("/") if isinstance(value, str) else value


#: Stands beside the type of what may be absent: an empty text is.
EmptyIsAbsent = BeforeValidator(_absent_if_empty)
#: Folders, with or without slashes around them: `/recordings/` is `recordings`.
Folders = Annotated[StoragePrefix, BeforeValidator(_without_slashes_around)]
