from __future__ import annotations

from shared.contracts import actors


def test_actors_are_named_as_the_log_has_them() -> None:
    assert actors.participant("ann") == "participant:ann"
    assert actors.server("key") == "server:key"
    assert actors.worker("7") == "worker:7"
    assert actors.service("gateway") == "service:gateway"
    assert actors.command("webhooks") == "command:webhooks"
