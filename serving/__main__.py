"""The API as a process of its own: settings -> Spark session -> FastAPI -> uvicorn.

Stops on SIGTERM and SIGINT after the requests under way; reads the lake and writes nothing.
"""

from __future__ import annotations

import signal
from contextlib import closing

import structlog
import uvicorn

from serving.app import create_app
from serving.deps import check_access_settings
from serving.gold_reader import GoldReader
from serving.session import start_session
from settings.load import lake_root, load_settings
from settings.logs import configure_logging
from settings.model import Settings

log = structlog.get_logger()

STOP_TIMEOUT_S = 2


def run(settings: Settings) -> None:
    """Serve until a signal says to stop. Raises UnsafeSettings."""
    check_access_settings(settings)
    spark = start_session(settings.serving.spark)
    try:
        root = lake_root(settings)
        serving = settings.serving
        reader = GoldReader(spark, root, serving.hot_megabytes * 2**20)
        app = create_app(settings, reader)
        log.info("serving", host=serving.host, port=serving.port, lake=root)
        config = uvicorn.Config(
            app,
            host=serving.host,
            port=serving.port,
            log_config=None,
            access_log=False,
            proxy_headers=bool(serving.trusted_proxies),
            forwarded_allow_ips=list(serving.trusted_proxies),
            server_header=False,
            # The parser whose size of request line and headers can be bounded.
            http="h11",
            h11_max_incomplete_event_size=serving.limits.max_header_bytes,
            timeout_graceful_shutdown=STOP_TIMEOUT_S,
        )
        with closing(reader.hot):
            _serve(uvicorn.Server(config))
    finally:
        spark.stop()
        log.info("stopped")


def _serve(server: uvicorn.Server) -> None:
    """Run the server; uvicorn raises the signal that stopped it again, which is no failure."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.run()
    if not server.started:
        raise SystemExit("the API did not start; the log above has the reason")


if __name__ == "__main__":
    loaded = load_settings()
    configure_logging(loaded)
    run(loaded)
