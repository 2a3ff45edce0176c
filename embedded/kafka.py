"""A real Kafka broker on this machine, and the product's topics on any broker.

From a data folder and a port to the command line of a single-node KRaft broker on loopback, storage
formatted; the topics are made the same way on brokers that others run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from embedded.errors import StackError
from embedded.jars import kafka_jars
from embedded.java import java_home
from embedded.ports import LOOPBACK, find_free_port
from embedded.process import die_with_parent
from settings.model import KafkaSettings

_ADMIN_TIMEOUT_S = 15
# Room for a batch's own header, and a dead letter's, round a record of the greatest size.
_BATCH_OVERHEAD_BYTES = 64 * 1024
_HEAP = "-Xmx512m"
_LOG_CONFIG = """\
status = warn
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %-5p %m (%c{1})%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
logger.recovery.name = kafka.log.LogManager
logger.recovery.level = info
"""


def prepare_broker(folder: Path, port: int, settings: KafkaSettings) -> tuple[str, ...]:
    """Write the broker's configuration, format its storage if need be; its command line.

    Storage is formatted aside and renamed into place: interrupted, it simply starts over.
    """
    folder = folder.resolve()
    if "," in str(folder):
        raise StackError(f"Kafka takes no comma in a path: {folder}. Choose another --data-dir.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log4j2.properties").write_text(_LOG_CONFIG)
    data, draft = folder / "data", folder / "data.part"
    if not data.exists():
        shutil.rmtree(draft, ignore_errors=True)
        _format_storage(_write_config(folder, draft, port, settings), folder)
        draft.rename(data)
    return _run_class(folder, "kafka.Kafka", str(_write_config(folder, data, port, settings)))


def has_broker(bootstrap_servers: str) -> bool:
    """Whether a broker answers there."""
    client = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    try:
        return bool(client.list_topics(timeout=1).brokers)
    except KafkaException:
        return False


def create_topics(settings: KafkaSettings) -> list[str]:
    """Create the topic of events and that of dead letters where missing; which ones it made.

    A topic that is there already is left alone. Returns when the brokers name both to whoever asks.
    Raises StackError.
    """
    config = {
        # Arrival time must be the broker's: a producer's own clock is not to be trusted.
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(settings.max_record_bytes + _BATCH_OVERHEAD_BYTES),
        "retention.ms": "-1",
    }
    client = AdminClient(
        # Its failures come back as errors; the client's own lines would only say them again.
        {"log_level": 0, "bootstrap.servers": settings.bootstrap_servers, **settings.options}
    )
    wanted = [
        NewTopic(name, settings.partitions, settings.replication_factor, config=config)
        for name in (settings.topic, settings.dead_letter_topic)
    ]
    answers = client.create_topics(
        wanted, operation_timeout=_ADMIN_TIMEOUT_S, request_timeout=_ADMIN_TIMEOUT_S
    )
    created = []
    for name, answer in answers.items():
        try:
            answer.result()
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StackError(
                    f"cannot create topic {name!r} at kafka.bootstrap_servers = "
                    f"{settings.bootstrap_servers!r}: {error.args[0].str()}. Check that the "
                    "brokers run and that this client may create topics, or create it there."
                ) from error
    _wait_until_named(client, settings)
    return created


def _wait_until_named(client: AdminClient, settings: KafkaSettings) -> None:
    # The controller answers before the brokers have read what it decided: a consumer that asks in
    # between is told that there is no such topic.
    missing = {settings.topic, settings.dead_letter_topic}
    deadline = time.monotonic() + _ADMIN_TIMEOUT_S
    while True:
        try:
            topics = client.list_topics(timeout=_ADMIN_TIMEOUT_S).topics
        except KafkaException as error:
            raise StackError(
                f"cannot list topics at kafka.bootstrap_servers = {settings.bootstrap_servers!r}: "
                f"{error.args[0].str()}. Check that the brokers run."
            ) from error
        missing -= {name for name, topic in topics.items() if topic.error is None}
        if not missing:
            return
        if time.monotonic() > deadline:
            raise StackError(
                f"the brokers at kafka.bootstrap_servers = {settings.bootstrap_servers!r} do not "
                f"name {', '.join(sorted(missing))} {_ADMIN_TIMEOUT_S} s after the controller "
                "accepted it. Check the brokers' logs, and that this client may describe topics."
            )
        time.sleep(0.05)


def _write_config(folder: Path, data: Path, port: int, settings: KafkaSettings) -> Path:
    # The controller's port need not last: only the node's id is kept in the storage.
    controller_port = find_free_port()
    batch_bytes = settings.max_record_bytes + _BATCH_OVERHEAD_BYTES
    properties: Mapping[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "log.retention.ms": -1,
        # No flush settings: what was written lies in the system's page cache and so survives a
        # kill of the broker; the lake's own files are no safer than that against a power cut.
        "message.max.bytes": batch_bytes,
        "replica.fetch.max.bytes": batch_bytes,
        "replica.fetch.response.max.bytes": batch_bytes,
        "socket.request.max.bytes": max(4 * batch_bytes, 100 * 1024 * 1024),
        # One node: every inner topic has one replica. Few partitions start and recover fast.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # A small machine's share of memory and threads.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 2,
    }
    file = folder / "server.properties"
    lines = []
    for key, value in properties.items():
        escaped = str(value).replace("\\", "\\\\")
        lines.append(f"{key}={escaped}")
    file.write_text("\n".join(lines) + "\n")
    return file


def _format_storage(config: Path, folder: Path) -> None:
    # A fresh id that does not begin with "-", which the tool would take for an option.
    cluster_id = "w" + urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
    answer = subprocess.run(
        _run_class(
            folder, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(config)
        ),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=die_with_parent(),
    )
    if answer.returncode != 0:
        raise StackError(
            f"Kafka could not format its storage in {folder}: "
            f"{(answer.stderr or answer.stdout).strip()[-500:]}. Check the folder's free space "
            "and rights, then start again."
        )


def _run_class(folder: Path, name: str, *arguments: str) -> tuple[str, ...]:
    return (
        str(java_home() / "bin" / "java"),
        _HEAP,
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
        *("-cp", os.pathsep.join(map(str, kafka_jars()))),
        name,
        *arguments,
    )
