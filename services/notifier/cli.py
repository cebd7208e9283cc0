"""`onrecord webhooks …`."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import typer

from shared.runtime.command_line import AsJson, run_command

webhooks = typer.Typer(no_args_is_help=True, help="Show what webhooks told whom and how that went; post one again.")


@webhooks.command("list")
def list_webhooks(
    room: Annotated[str | None, typer.Option(help="Only those of this room.")] = None,
    state: Annotated[
        Literal["pending", "delivered", "given_up", "disabled"] | None, typer.Option(help="Only those in this state.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the newest ones: id, moment, state, type and target."""
    from services.notifier import command  # noqa: PLC0415  each command imports what it needs: the others start faster

    run_command("webhooks", command.list_command(room, state, limit, as_json=as_json))


@webhooks.command("show")
def show_webhook(
    webhook_id: Annotated[UUID, typer.Argument(help="As `list` shows it.")], as_json: AsJson = False
) -> None:
    """Show one with its body and each attempt."""
    from services.notifier import command  # noqa: PLC0415

    run_command("webhooks", command.show_command(webhook_id, as_json=as_json))


@webhooks.command("resend")
def resend_webhook(webhook_id: Annotated[UUID, typer.Argument(help="As `list` shows it.")]) -> None:
    """Have one posted again, whatever came of it before."""
    from services.notifier import command  # noqa: PLC0415

    run_command("webhooks", command.resend_command(webhook_id))
