"""Free TCP ports on loopback.

From the operating system to whoever starts a server in `embedded/`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from embedded.errors import StackError

LOOPBACK = "127.0.0.1"


def find_free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def is_free(port: int) -> bool:
    """Whether one could listen on this port."""
    with socket.socket() as probe:
        # As servers do; otherwise a port counts as taken for a minute after its server stopped.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            # A wildcard listener of somebody else does not hinder bind() everywhere.
            probe.listen(1)
        except OSError:
            return False
    return True


def choose_port(option: str, asked: int | None, default: int, say: Callable[[str], None]) -> int:
    """The port asked for, else the default, else any free one, which is said.

    Raises StackError where the one asked for is taken.
    """
    if asked is not None:
        if not is_free(asked):
            raise StackError(f"{option} {asked}: this port is taken. Name another, or none.")
        return asked
    if is_free(default):
        return default
    port = find_free_port()
    say(f"port {default} is taken: using {port} instead ({option} names another)")
    return port
