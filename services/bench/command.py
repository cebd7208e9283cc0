"""`onrecord bench …`: measures this system on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer(no_args_is_help=True, help="Measure this system on this machine.")

JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result into this file as well.")]
Quick = Annotated[bool, typer.Option("--quick", help="Measure less, within two minutes.")]


@bench.callback()
def measure() -> None:
    """Measure this system on this machine."""


@bench.command("log")
def log_command(
    json_file: JsonFile = None,
    only: Annotated[
        str | None, typer.Option(help="Only some of append, batches, replay, latency, growth, separated by commas.")
    ] = None,
    quick: Quick = False,
    seed: Annotated[int, typer.Option(help="Payloads, meetings and pauses are the same for the same seed.")] = 1,
) -> None:
    """Measure the log: appends, batches, replay, commit to handler, growth. Takes about six minutes.

    It makes databases of its own on the server of ONRECORD_DATABASE_URL, whose role must be allowed to, and drops
    them; unset, it starts an embedded one. ONRECORD_AMQP_URL must name a virtual host that nobody uses; unset, the bus
    is within the process.
    """
    from services.bench.log.command import bench_log, chosen  # noqa: PLC0415  the other commands start faster
    from services.bench.log.scale import FULL, QUICK  # noqa: PLC0415
    from shared.runtime.settings import Settings, load_settings  # noqa: PLC0415

    bench_log(load_settings(Settings), QUICK if quick else FULL, chosen(only), seed, json_file)


@bench.command("signaling")
def signaling_command(
    json_file: JsonFile = None,
    only: Annotated[str | None, typer.Option(help="Only some of starting, holding, separated by commas.")] = None,
    quick: Quick = False,
    seed: Annotated[int, typer.Option(help="People say what they say at the same moments for the same seed.")] = 1,
) -> None:
    """Measure signaling: `start` to `started`, and a thousand clients on one gateway. Takes about five minutes.

    Every service is a process of its own. It makes databases on the server of ONRECORD_DATABASE_URL and drops them;
    unset, it starts an embedded one. ONRECORD_AMQP_URL must name a virtual host that nobody uses.
    """
    from services.bench.signaling.command import bench_signaling, chosen  # noqa: PLC0415
    from services.bench.signaling.scale import FULL, QUICK  # noqa: PLC0415
    from shared.runtime.settings import Settings, load_settings  # noqa: PLC0415

    bench_signaling(load_settings(Settings), QUICK if quick else FULL, chosen(only), seed, json_file)


@bench.command("webhooks")
def webhooks_command(
    json_file: JsonFile = None,
    quick: Quick = False,
    seed: Annotated[int, typer.Option(help="It is told with the result; nothing is left to chance.")] = 1,
) -> None:
    """Measure webhooks: from commit to first attempt, at 200 events a second. Takes about two minutes.

    It makes databases on the server of ONRECORD_DATABASE_URL and drops them; unset, it starts an embedded one.
    """
    from services.bench.webhooks.command import bench_webhooks  # noqa: PLC0415
    from services.bench.webhooks.scale import FULL, QUICK  # noqa: PLC0415
    from shared.runtime.settings import Settings, load_settings  # noqa: PLC0415

    bench_webhooks(load_settings(Settings), QUICK if quick else FULL, seed, json_file)


@bench.command("media")
def media_command(
    json_file: JsonFile = None,
    only: Annotated[
        str | None, typer.Option(help="Only some of beside, one-core, withdrawing, finishing, separated by commas.")
    ] = None,
    quick: Quick = False,
    seed: Annotated[int, typer.Option(help="It is told with the result; nothing is left to chance.")] = 1,
) -> None:
    """Measure the media path: what a participant costs beside ffmpeg and GStreamer, how many a core records, finishing.

    Every service is a process of its own, and media is real RTP. Takes about five minutes. It makes databases on the
    server of ONRECORD_DATABASE_URL and drops them; unset, it starts an embedded one. ONRECORD_AMQP_URL must name a
    virtual host that nobody uses.
    """
    from services.bench.media.command import bench_media, chosen  # noqa: PLC0415
    from services.bench.media.scale import FULL, QUICK  # noqa: PLC0415
    from services.recorder.settings import RecorderSettings  # noqa: PLC0415
    from shared.runtime.settings import load_settings  # noqa: PLC0415

    bench_media(load_settings(RecorderSettings), QUICK if quick else FULL, chosen(only), seed, json_file)
