"""Servers that are no good Redis: each accepts connections and misbehaves in its own way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket], None]


def _answer_all(answer: bytes) -> Behaviour:
    """The same bytes to whatever comes."""

    def behave(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(answer)

    return behave


def _stall(connection: socket.socket) -> None:
    """Takes everything and says nothing."""
    while connection.recv(65536):
        pass


def _hang_up(connection: socket.socket) -> None:
    connection.recv(65536)


BEHAVIOURS: dict[str, Behaviour] = {
    "stalls": _stall,
    "hangs up": _hang_up,
    "speaks another protocol": _answer_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "sends bytes": _answer_all(bytes(range(256)) * 4),
    "sends a wrong length": _answer_all(b"$abc\r\nxyz\r\n"),
    "promises too much": _answer_all(b"$2000000000\r\nxyz"),
    "says OK to all": _answer_all(b"+OK\r\n" * 8),
    "says nil to all": _answer_all(b"$-1\r\n" * 8),
    "says 7 to all": _answer_all(b":7\r\n" * 8),
    "says text to all": _answer_all(b"$7\r\ngarbage\r\n" * 8),
    "refuses all": _answer_all(b"-ERR no\r\n" * 8),
}


def forward_to(redis_url: str) -> Behaviour:
    """Not broken: what comes goes to a real Redis, and its answers back."""
    port = int(redis_url.rsplit(":", 1)[1].split("/")[0])

    def behave(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as real:
            back = threading.Thread(target=_pump, args=(real, connection), daemon=True)
            back.start()
            _pump(connection, real)

    return behave


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


@contextmanager
def serve(behaviour: Behaviour, port: int = 0) -> Iterator[str]:
    """The URL of a server that behaves so."""
    with socket.create_server(("127.0.0.1", port)) as server:
        threading.Thread(target=_accept, args=(server, behaviour), daemon=True).start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def _accept(server: socket.socket, behaviour: Behaviour) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_behave, args=(connection, behaviour), daemon=True).start()


def _behave(connection: socket.socket, behaviour: Behaviour) -> None:
    with connection:
        try:
            behaviour(connection)
        except OSError:
            return
