"""Puts the recorder together: process manager, worker, and what erases and merges files."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.domain.merge import DeleteMerge
from services.recorder.eraser import Eraser
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.log_watch import LogWatch
from services.recorder.media.ffmpeg import find_ffmpeg
from services.recorder.media.ffmpeg_errors import FfmpegMissingError
from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.sources.ports import Addresses, Host, addresses_of_this_machine
from services.recorder.media.spool_disk import SpoolDisk
from services.recorder.merging.maker import MergeMaker
from services.recorder.merging.merger import Merger
from services.recorder.merging.streams import MergeStreams
from services.recorder.process_managers.deletions import DELETIONS, Deletion
from services.recorder.process_managers.erasures import ERASURES
from services.recorder.process_managers.rooms import RECORDED_ROOMS
from services.recorder.service import RecorderService
from services.recorder.settings import RecorderSettings
from services.recorder.watermark import WatermarkGauge
from services.recorder.worker import Worker
from shared.concurrency.supervision import supervised
from shared.contracts import actors
from shared.contracts.recording import WORKER_ANSWERS_WITHIN
from shared.eventsourcing.codec import Context
from shared.eventsourcing.process_manager import ProcessManager
from shared.messaging.answering import answering
from shared.messaging.asking import Owners
from shared.messaging.follower import Follower
from shared.messaging.topology import RECORDER_ASSIGNMENTS, RECORDER_COMMANDS, live_queue, worker_queue
from shared.runtime.errors import SettingError, StartupError
from shared.runtime.infrastructure import Infrastructure


@asynccontextmanager
async def running(infrastructure: Infrastructure, settings: RecorderSettings) -> AsyncIterator[None]:
    """Record while the context lasts. Raises StartupError when there is no ffmpeg or nowhere to store."""
    grace = timedelta(seconds=settings.participant_grace)
    bus, clock, streams = (
        infrastructure.bus,
        infrastructure.clock,
        ParticipantRecordingStreams(infrastructure.store, grace),
    )
    merges = MergeStreams(infrastructure.store)
    worker = _worker(infrastructure, settings, streams)
    eraser = Eraser(streams, merges, LocalObjectStore(settings.storage_root), worker, clock)

    async def delete(deletion: Deletion, context: Context) -> None:
        await (merges.give(deletion, context) if isinstance(deletion, DeleteMerge) else streams.give(deletion, context))

    rooms = ProcessManager(RECORDED_ROOMS, streams.give, actors.service("recorder"), clock)
    deletions = ProcessManager(DELETIONS, delete, actors.service("recorder"), clock)
    erasures = ProcessManager(ERASURES, eraser.erase, actors.service("recorder"), clock)
    merger = Merger(merges, _merge_maker(infrastructure, settings), infrastructure.instance, clock)
    follower = Follower(
        infrastructure.store,
        rooms.apply,
        deletions.apply,
        erasures.apply,
        lambda event, _: worker.apply(event),
        merger.apply,
    )
    watch = LogWatch(infrastructure.database, follower.catch_up, worker.watermark, clock)
    service = RecorderService(follower, Owners(bus, WORKER_ANSWERS_WITHIN.total_seconds()), worker, watch.heard)
    async with bus.subscribe(live_queue("recorder", infrastructure.instance), service.follow):
        await follower.catch_up()
        async with (
            supervised(
                rooms.run(), deletions.run(), erasures.run(), merger.run(), follower.until_stopped(), watch.run()
            ),
            worker.working(),
            bus.subscribe(RECORDER_ASSIGNMENTS, service.assign),
            bus.answer(worker_queue(worker.worker_id), answering(worker.sources.own_answerers())),
            bus.answer(
                RECORDER_COMMANDS,
                answering({**worker.sources.answerers(), **streams.answerers(), **merges.answerers()}),
            ),
        ):
            yield


def _addresses(settings: RecorderSettings) -> Addresses:
    rtp = _own("ONRECORD_RTP_HOST", settings.rtp_host)
    named = settings.webrtc_hosts
    names = named.split(",") if named else addresses_of_this_machine()
    webrtc = [_own("ONRECORD_WEBRTC_HOSTS", name.strip()) for name in names]
    return Addresses(rtp, webrtc, settings.rtp_port_range)


def _own(setting: str, name: str) -> Host:
    """Return the host of a name, if it is one of this machine."""
    try:
        host = Host.named(name)
        with socket.socket(host.family, socket.SOCK_DGRAM) as probe:
            probe.bind((host.address, 0))
    except OSError as error:
        raise SettingError(setting, f"is {name!r}, no address of this machine: {error.strerror}") from error
    return host


def _worker(infrastructure: Infrastructure, settings: RecorderSettings, streams: ParticipantRecordingStreams) -> Worker:
    root = settings.storage_root
    try:
        ffmpeg = find_ffmpeg(settings.ffmpeg)
        root.mkdir(parents=True, exist_ok=True)
        addresses = _addresses(settings)
        disk = _spool_disk(settings)
    except FfmpegMissingError as error:
        raise StartupError(str(error)) from error
    except OSError as error:
        raise StartupError(f"ONRECORD_STORAGE_URL names {root}, which cannot be made: {error.strerror}") from error
    return Worker(
        streams,
        LocalObjectStore(root),
        ffmpeg,
        WatermarkGauge(),
        infrastructure.instance,
        addresses,
        disk,
    )


def _spool_disk(settings: RecorderSettings) -> SpoolDisk:
    folder = settings.spool_dir or settings.storage_root
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError("ONRECORD_SPOOL_DIR", f"names {folder}, which cannot be made: {error.strerror}") from error
    return SpoolDisk(folder, settings.spool_mib * 1024 * 1024, round(settings.hold_back * NS_PER_SECOND))


def _merge_maker(infrastructure: Infrastructure, settings: RecorderSettings) -> MergeMaker:
    """Return what makes merges. The binary was found, and the folder made, for the worker."""
    objects, ffmpeg = LocalObjectStore(settings.storage_root), find_ffmpeg(settings.ffmpeg)
    return MergeMaker(infrastructure.store, objects, ffmpeg, infrastructure.instance)
