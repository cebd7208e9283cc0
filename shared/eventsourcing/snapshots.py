"""Snapshots: states of long streams, kept so that not all of their events need be read.

They are a cache. Without them, or after a change of the code that folds events, states are folded from the beginning.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Generic, TypeVar

import asyncpg
from pydantic import TypeAdapter, ValidationError

from shared.eventsourcing.decider import Decider
from shared.eventsourcing.outages import outages_told

State = TypeVar("State")

_LOAD = "SELECT position, state FROM snapshots WHERE stream = $1 AND fold = $2"
_SAVE = """INSERT INTO snapshots (stream, position, fold, state) VALUES ($1, $2, $3, $4)
    ON CONFLICT (stream) DO UPDATE SET position = $2, fold = $3, state = $4"""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[State]):
    """A stream's state and the position it was folded up to."""

    state: State
    position: int


class Snapshots(Generic[State]):
    """One aggregate's snapshots, in Postgres. Its methods raise LogUnavailableError."""

    def __init__(self, pool: asyncpg.Pool, decider: Decider[State, Any, Any]) -> None:
        self._pool = pool
        self._states: TypeAdapter[State] = TypeAdapter(type(decider.initial))
        self._fold = fold_digest(decider)

    async def load(self, stream: str) -> Loaded[State] | None:
        with outages_told():
            row = await self._pool.fetchrow(_LOAD, stream, self._fold)
        try:
            return Loaded(self._states.validate_json(row["state"]), row["position"]) if row else None
        except ValidationError:
            return None  # as good as none

    async def save(self, stream: str, loaded: Loaded[State]) -> None:
        # Mappings in states are read-only views, which pydantic takes for unknown.
        state = self._states.dump_json(loaded.state, fallback=dict, warnings="none")
        with outages_told():
            await self._pool.execute(_SAVE, stream, loaded.position, self._fold, state)


def fold_digest(decider: Decider[Any, Any, Any]) -> str:
    """Return a digest of the aggregate's code and of all contracts: a state of other code is not trusted."""
    contracts = sorted((file for file in files("shared.contracts").iterdir() if file.is_file()), key=lambda f: f.name)
    digest = hashlib.sha256(inspect.getsource(inspect.getmodule(decider.evolve) or decider.evolve).encode())
    for file in contracts:
        digest.update(file.read_bytes())
    return digest.hexdigest()
