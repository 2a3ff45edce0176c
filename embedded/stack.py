"""Everything on this machine as one stack, in the foreground, over one data folder.

From the settings and the ports asked for to processes under the supervisor, and to `run.json`,
which tells other programs where everything is for as long as all of it is ready.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.children import Place, plan_children
from embedded.data_dir import hold_data_dir, keep_api_key, rotate_logs, write_privately
from embedded.jars import spark_jars
from embedded.ports import choose_port, find_free_port
from embedded.progress import say
from embedded.supervisor import Supervisor
from settings.load import checkpoint_root, lake_root
from settings.model import Settings

_DEFAULT_KAFKA_PORT = 9092
_DEFAULT_REDIS_PORT = 6379


@dataclass(frozen=True)
class AskedPorts:
    """What the command line asks for; none: the default if free, else any."""

    api: int | None = None
    kafka: int | None = None
    redis: int | None = None


def run_stack(settings: Settings, asked: AskedPorts, *, with_sample: bool) -> int:
    """Run everything until told to stop; the exit code. Raises StackError."""
    data_dir = Path(settings.data_dir).expanduser().resolve()
    with hold_data_dir(data_dir):
        run_file = data_dir / "run.json"
        run_file.unlink(missing_ok=True)  # one that a killed run left
        rotate_logs(data_dir / "logs")
        if settings.spark.packages:
            spark_jars()  # fetched here, where the progress is seen
        place = Place(
            data_dir,
            choose_port("--api-port", asked.api, settings.serving.port, say),
            choose_port("--kafka-port", asked.kafka, _DEFAULT_KAFKA_PORT, say),
            choose_port("--redis-port", asked.redis, _DEFAULT_REDIS_PORT, say),
            settings.stream.metrics_port or find_free_port(),
            keep_api_key(data_dir),
        )

        def publish(pids: Mapping[str, int] | None) -> None:
            if pids is None:
                run_file.unlink(missing_ok=True)
                return
            is_change = run_file.exists()
            content = describe_run(settings, place, pids)
            write_privately(run_file, json.dumps(content, indent=2))
            if not is_change:
                _say_ready(settings, place)

        children = plan_children(settings, place, with_sample=with_sample)
        return Supervisor(children, data_dir / "logs", say, publish).run()


def describe_run(settings: Settings, place: Place, pids: Mapping[str, int]) -> dict[str, object]:
    """The content of `run.json`."""
    return {
        "api": place.api,
        "api_key": place.api_key,
        "kafka": place.kafka,
        "redis": place.redis,
        "metrics": place.metrics,
        "topic": settings.kafka.topic,
        "lake": lake_root(settings),
        "checkpoints": checkpoint_root(settings),
        "pids": dict(pids),
    }


def _say_ready(settings: Settings, place: Place) -> None:
    say("ready")
    for title, value in (
        ("dashboard", f"{place.api}/"),
        ("API", f"{place.api}/docs (X-API-Key: see {place.data_dir / 'api_key'})"),
        ("Kafka", f"{place.kafka}, topic {settings.kafka.topic}"),
        ("Redis", place.redis),
        ("metrics", f"{place.metrics} (streaming), {place.api}/metrics (API)"),
        ("lake", lake_root(settings)),
        ("logs", str(place.data_dir / "logs")),
    ):
        say(f"  {title:<10} {value}")
    say("Ctrl-C stops everything; starting again continues.")
