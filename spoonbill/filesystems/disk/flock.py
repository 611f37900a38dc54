"""A folder that one process holds at a time, and that is free again when the process ends, however it ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from spoonbill.common.failures import pass_on_signal, suppress_failures
from spoonbill.filesystems.disk.safely import READ_LINKED


@contextmanager
def folder_lock(folder: str, *, wait: bool) -> Iterator[bool]:
    """Hold a folder, or a file; with `wait` False give False where somebody else holds it.

    It is the system's own lock on the folder (``flock``), so no file is left behind. Where there is none, on Windows
    and on some filesystems of networks, everybody holds the folder.

    Parameters
    ----------
    folder : str
        A local folder or file that is there.
    wait : bool
        Whether to wait until it is free.
    """
    try:
        import fcntl
    except ImportError:
        yield True
        return
    descriptor = os.open(folder, READ_LINKED)
    held = True
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = False
        except OSError as error:  # a filesystem without such locks
            pass_on_signal(error)
        yield held
    finally:
        with suppress_failures(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # for a forked child that has the descriptor too
        os.close(descriptor)
