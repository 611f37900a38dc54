"""A neighbour on a bad day: a TCP proxy that loses answers, cuts connections and delays, as it is told or by chance."""

import random
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from spoonbill.common.locks import new_lock

__all__ = ["FAULTS", "FaultyProxy"]

FAULTS: Final = ("drop", "reset", "truncate", "half_close", "delay", "refuse", "cut")
"""What can go wrong with a request.

========== =====================================================================
drop       it arrives; its answer is lost, and the connection is closed
reset      it arrives; its answer is lost, and the connection is reset
truncate   it arrives; its answer ends early, and the connection is closed
half_close it arrives; the way back is shut before the answer
delay      it arrives; its answer comes late
refuse     it does not arrive: the connection is reset
cut        it arrives in part, and the connection is closed
========== =====================================================================
"""

_PIECE: Final = 1 << 16
_ARRIVES: Final = frozenset({"drop", "reset", "truncate", "half_close", "delay"})
_ABORT: Final = struct.pack("ii", 1, 0)


class FaultyProxy:
    """A proxy on loopback before a TCP server, as a context manager.

    The fault comes when the server has answered, for all that arrives: so what a lost request did is settled when its
    sender notices.

    Parameters
    ----------
    host : str
        The server's.
    port : int
        The server's.
    rate : float, optional
        The share of requests that go wrong by chance, 0 to 1.
    seed : int, optional
        Decides which do, and how.
    faults : tuple of str, optional
        What may go wrong by chance, of `FAULTS`.
    delay : float, optional
        Seconds by which a late answer comes late.

    Attributes
    ----------
    port : int
        Where the proxy listens, on 127.0.0.1.
    seen : collections.Counter
        How often each fault came.

    Examples
    --------
    ::

        with FaultyProxy("127.0.0.1", 6379) as proxy, RedisStore(f"redis://127.0.0.1:{proxy.port}") as store:
            proxy.fail("drop", b"GETDEL")
            store.pop("a")  # UnansweredError: it may have been done
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        rate: float = 0.0,
        seed: int = 0,
        faults: tuple[str, ...] = FAULTS,
        delay: float = 0.05,
    ) -> None:
        self._server = (host, port)
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated
        self._faults = faults
        self._delay = delay
        self._armed: tuple[str, bytes] | None = None
        self._lock = new_lock()
        self._connections: set[socket.socket] = set()
        self.rate = rate
        self.seen: Counter[str] = Counter()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and close every connection."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for each in self._connections:
                _shut(each)

    def fail(self, fault: str, where: bytes = b"") -> None:
        """Let the next request that holds these bytes go wrong.

        Parameters
        ----------
        fault : str
            One of `FAULTS`.
        where : bytes, optional
            What the beginning of the request has to hold.
        """
        if fault not in FAULTS:
            raise ValueError(f"a fault is one of {', '.join(FAULTS)}, not {fault!r}")
        with self._lock:
            self._armed = (fault, where)

    def disarm(self) -> None:
        """Take back what `fail` asked for, where it has not come."""
        with self._lock:
            self._armed = None

    @property
    def pending(self) -> bool:
        """Whether the fault that `fail` asked for has not come yet."""
        return self._armed is not None

    # -- connections -------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection(self._server)
            except OSError:
                _reset(client)
                continue
            with self._lock:
                self._connections |= {client, server}
            link = _Link(self, client, server)
            threading.Thread(target=link.upward, daemon=True).start()
            threading.Thread(target=link.downward, daemon=True).start()

    def forget(self, *ends: socket.socket) -> None:
        """Take connections that ended off the list."""
        with self._lock:
            self._connections.difference_update(ends)

    def decide(self, request: bytes) -> str:
        """Return the fault that a request meets, or an empty str."""
        with self._lock:
            fault = ""
            if self._armed is not None and self._armed[1] in request:
                fault, self._armed = self._armed[0], None
            elif self._chance.random() < self.rate:
                fault = self._chance.choice(self._faults)
            if fault:
                self.seen[fault] += 1
            return fault

    def wait(self) -> None:
        """Let the time of a late answer pass."""
        time.sleep(self._delay)


class _Link:
    """One connection: what the client sends goes upward, what the server answers downward."""

    def __init__(self, proxy: FaultyProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._fault = ""
        self._answered = True

    def upward(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(_PIECE):
                if self._answered and not self._fault:  # the beginning of a request
                    self._answered = False
                    self._fault = self._proxy.decide(data)
                if self._fault == "refuse":
                    break
                if self._fault == "cut":
                    self._server.sendall(data[: len(data) // 2])
                    break
                self._server.sendall(data)
        if self._fault in {"refuse", "cut"}:
            _reset(self._client)
        _shut(self._server) if self._fault not in _ARRIVES else _shut_writing(self._server)

    def downward(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(_PIECE):
                self._answered = True
                if self._fault == "delay":
                    self._proxy.wait()
                    self._fault = ""
                if self._fault:
                    self._spoil(data)
                    break
                self._client.sendall(data)
        _shut(self._client)
        _shut(self._server)
        self._proxy.forget(self._client, self._server)
        self._client.close()
        self._server.close()

    def _spoil(self, data: bytes) -> None:
        if self._fault == "reset":
            _reset(self._client)
        elif self._fault == "truncate":
            self._client.sendall(data[: len(data) // 2])
        elif self._fault == "half_close":
            _shut_writing(self._client)
            self._proxy.wait()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _shut_writing(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_WR)


def _reset(end: socket.socket) -> None:
    """End a connection without a goodbye."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        end.shutdown(socket.SHUT_RD)  # or a thread that waits for it would keep it open
    end.close()
