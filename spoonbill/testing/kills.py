"""Work that is killed at random moments, and a check of what it left."""

import multiprocessing
import random
import signal
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

from spoonbill.errors import UnsupportedError

__all__ = ["killed"]

_START: Final = 60.0  # seconds within which a child has to begin


def killed(
    work: Callable[[], Any],
    check: Callable[[], Any],
    times: int = 20,
    *,
    seed: int | None = None,
    within: float = 0.5,
) -> int:
    r"""Run `work` in a child process, end it by SIGKILL at a random moment, and call `check` here; again and again.

    Each child goes on with what the one before it left. So that `check` knows what was finished, let `work` note it
    outside of the store after each call, for example by ``os.write`` to a file: the system keeps that when a process
    is killed. A kill is no power cut: what the system took is kept.

    Parameters
    ----------
    work : callable
        Opens its stores itself, and writes without end or for a while. Any function, also a local one.
    check : callable
        Raises, as by ``assert``, where what is there is wrong. It opens its stores anew, and closes them.
    times : int, optional
        How many children are started.
    seed : int, optional
        Decides on the moments; by default a random one. It is printed, and noted on the error of `check`. When a
        process gets how far is up to the system, so a seed repeats the moments and not all that happens.
    within : float, optional
        Seconds after the start of `work` within which a kill comes. Where `work` ends earlier, within its time.

    Returns
    -------
    int
        How many children were killed while they worked; the others had ended.

    Raises
    ------
    RuntimeError
        If `work` raised an error, or ended each time before it could be killed.
    UnsupportedError
        On a system that cannot fork, such as Windows.

    Examples
    --------
    ::

        def work():
            with open("finished", "ab", buffering=0) as finished, LmdbStore("a.lmdb") as store:
                for number in itertools.count(len(store)):
                    store[str(number)] = number
                    finished.write(b"%d\n" % number)


        def check():
            with LmdbStore("a.lmdb") as store:
                assert all(line in store for line in Path("finished").read_text().split())


        Path("finished").touch()
        killed(work, check)
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        raise UnsupportedError("killed needs a system that can fork: run this test on Linux or macOS")
    seed = random.randrange(1 << 32) if seed is None else seed  # noqa: S311 - no secret
    print(f"killed: seed={seed}")  # noqa: T201 - a test runner shows it of a test that failed
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    kills = 0
    for number in range(1, times + 1):
        moment = chance.random() * within
        code, seconds = _run(work, moment)
        if code not in {0, -signal.SIGKILL}:
            raise RuntimeError(f"work ended with exit code {code} in run {number} (seed={seed}): it tells why above")
        kills += code != 0
        within = min(within, seconds) if code == 0 else within
        try:
            check()
        except BaseException as error:
            error.add_note(f"killed: in run {number} of {times}, {moment:.6f} s after its start, seed={seed}")
            raise
    if times and not kills:
        raise RuntimeError(f"work ended each of {times} times before it was killed (seed={seed}): let it do more")
    return kills


def _run(work: Callable[[], Any], moment: float) -> tuple[int, float]:
    """Kill `work` in a child so many seconds after its start; return the exit code and the seconds it had."""
    context = multiprocessing.get_context("fork")
    begun, beginning = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(work, beginning))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of the caller's: work uses none of them
            child.start()
        beginning.close()
        if not begun.poll(_START):
            raise RuntimeError(f"the child did not begin within {_START:g} s")
        start = time.perf_counter()
        child.join(moment)
        child.kill()
        child.join()
        return child.exitcode or 0, time.perf_counter() - start
    finally:
        begun.close()
        if child.is_alive():
            child.kill()
            child.join()
        child.close()


def _work(work: Callable[[], Any], beginning: Connection) -> None:
    beginning.send_bytes(b".")
    beginning.close()
    work()
