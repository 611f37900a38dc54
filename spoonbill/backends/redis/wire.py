"""What goes over a connection to a Redis server: commands as bytes, and whether it is safe to send them again."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import redis.exceptions as theirs

from spoonbill.common.bridging.bridge import current
from spoonbill.common.failures import raise_alone


class LostAnswerError(Exception):
    """A command was sent that is not safe to repeat, and its answer never came."""


def pack(command: Iterable[bytes]) -> bytes:
    """Return a command as it goes over the wire; several times faster than the client's general form."""
    words = [b"$%d\r\n%b\r\n" % (len(word), word) for word in command]
    return b"*%d\r\n%b" % (len(words), b"".join(words))


def exchange(pool: Any, sent: Any, again: bool, count: int = 0) -> Any:
    """Send to a connection of `pool` and read the answer.

    Parameters
    ----------
    pool : ConnectionPool or AwaitedPool
        Of redis-py; inside a bridge of the running event loop.
    sent : tuple or bytes
        One command or, with `count`, several packed ones.
    again : bool
        Whether it is safe to repeat.
    count : int, optional
        How many answers to read. They come as a list, errors included.

    Raises
    ------
    LostAnswerError
        If the connection was lost after something was sent that is not safe to repeat.
    """
    line = None if current() is None else getattr(pool, "exchange", None)
    if line is not None:
        return line(sent, again, count)
    connection = pool.get_connection()  # what fails here has sent nothing
    waiting = False
    try:
        data = [sent] if count else connection.pack_command(*sent)
        waiting = True
        connection.send_packed_command(data)
        if count:
            return [_reply(connection) for _ in range(count)]
        return connection.read_response(disable_decoding=True)
    except theirs.ResponseError:
        raise
    except BaseException as error:
        connection.disconnect()
        if waiting and not again and is_undecided(error):
            raise LostAnswerError(str(error)) from error
        raise
    finally:
        pool.release(connection)


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response(disable_decoding=True)
    except theirs.ResponseError as error:
        return error


def is_undecided(error: BaseException) -> bool:
    """Return whether the server may have done what it was sent: a server that loads or was demoted has not."""
    refused = isinstance(error, theirs.BusyLoadingError) or isinstance(error.__context__, theirs.ReadOnlyError)
    return isinstance(error, (theirs.ConnectionError, theirs.TimeoutError)) and not refused


def raise_failed(replies: list[Any]) -> list[Any]:
    """Return the answers, or raise the first that is an error."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise_alone(reply)
    return replies


def watch(pool: Any, name: bytes, decide: Callable[[bytes | None], Sequence[bytes] | None]) -> bytes | None:
    """Change a key by what `decide` says of its value, if nobody else changes it meanwhile; return the value."""
    connection = pool.get_connection()
    waiting = False

    def ask(*command: Any) -> Any:
        connection.send_packed_command(connection.pack_command(*command))
        return connection.read_response(disable_decoding=True)

    try:
        while True:
            ask("WATCH", name)
            value: bytes | None = ask("GET", name)
            change = decide(value)
            if change is None:
                ask("UNWATCH")
                return value
            waiting = True
            connection.send_packed_command([*map(pack, ((b"MULTI",), change, (b"EXEC",)))])
            *_, done = [connection.read_response(disable_decoding=True) for _ in range(3)]
            waiting = False
            if done is not None:  # None: somebody changed the key in between
                raise_failed(done)
                return value
    except BaseException as error:
        connection.disconnect()  # which also ends the watch
        if waiting and is_undecided(error):
            raise LostAnswerError(str(error)) from error
        raise
    finally:
        pool.release(connection)
