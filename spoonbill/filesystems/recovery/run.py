"""One load or save into a root: its random token, the names that carry it, and what it leaves when it is killed."""

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import cache
from itertools import islice
from typing import Any, Self

from spoonbill.common.batching import batches
from spoonbill.common.failures import pass_on_signal, suppress_failures
from spoonbill.filesystems.folder import JOURNAL, PART, Folder

STEM = "saving-"
_DAY = 86_400
"""Seconds after which a load or save on a folder that cannot tell who lives is taken as dead."""
_MOST = 1 << 16
_RUN = re.compile(r"saving-([0-9a-f]{32})-run~part\Z")
_FIELDS = {"spoonbill", "token", "roots", "source", "by", "at"}
_LOOKED_AT = 20
"""Runs of others that a new one looks at; the rest waits for the next."""

_live: set[str] = set()
"""The tokens of the runs of this process."""


@cache
def _name_of(pid: int) -> str:  # noqa: ARG001 - a forked child is another process
    return secrets.token_hex(8)


def staged_name(token: str, name: str) -> str:
    """Return where the new file of a name lies until it is shown."""
    return f"{STEM}{token}-{hash_text(name, 16)}{PART}"


def kept_name(token: str, name: str) -> str:
    """Return the second name of the old file of a name."""
    return f"{STEM}{token}-{hash_text(name, 16)}-old{PART}"


def list_name(token: str) -> str:
    """Return the name of the list of what changes."""
    return f"{STEM}{token}-changes{PART}"


def aside_name(token: str) -> str:
    """Return the name under which the journal is written, where it is written beside."""
    return f"{STEM}{token}-journal{PART}"


def hash_text(text: str, size: int) -> str:
    """Return a hash of a text in `size` bytes, as hexadecimal digits."""
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=size).hexdigest()


class Run:
    """A load or save that is under way, as a context manager: what it has written is removed at its end.

    A note tells of it while it is under way. Where the folder can, the process holds that note, so that the next one
    knows whether it lives; elsewhere it is dead after a day.

    Parameters
    ----------
    folder : Folder
        The root.
    source : str, optional
        What tells the source of a save from others: a save of the same source takes up where a dead one stopped.

    Attributes
    ----------
    token : str
        Random; it stands in the names of all that the run writes.
    taken_up : bool
        Whether it goes on with a run that was interrupted.
    """

    def __init__(self, folder: Folder, source: str | None = None) -> None:
        self._folder = folder
        self._source = source
        self._holding = ExitStack()
        self.token = secrets.token_hex(16)
        self.taken_up = False

    def __enter__(self) -> Self:
        folder = self._folder
        with folder.lock, folder.alone(wait=True):
            for token in list(self._dead()):
                if self._source is not None and not self.taken_up and self._is_of_source(token) and self._claim(token):
                    self.token, self.taken_up = token, True
                    _live.add(token)
                else:
                    sweep(folder, token)
            if not self.taken_up:
                try:
                    _live.add(self.token)
                    folder.stage_many({self._path(self.token): self._note()})
                    self._claim(self.token)
                except BaseException:
                    self.end()
                    raise
        return self

    def __exit__(self, *_: object) -> None:
        _live.discard(self.token)
        self._holding.close()

    def end(self) -> None:
        """Remove all that is left of it."""
        self.__exit__()
        sweep(self._folder, self.token)

    def left(self) -> set[str]:
        """Return the names of what it has written and that is ours."""
        names = _list_names(self._folder, f"{STEM}{self.token}-")
        return {name for name in names if name.endswith(PART) and self._folder.owns(self._folder.path(name))}

    # -- others ------------------------------------------------------------------------------------------------

    def _dead(self) -> Iterator[str]:
        """Yield the tokens of those that left something and live no more."""
        folder = self._folder
        if folder.exists(folder.path(JOURNAL)):  # one of them may be needed to finish what is noted there
            return
        tokens = (found[1] for found in map(_RUN.match, _list_names(folder, STEM)) if found)
        for token in islice((token for token in tokens if token not in _live), _LOOKED_AT):
            if folder.owns(self._path(token)) and self._is_dead(token):
                yield token

    def _is_dead(self, token: str) -> bool:
        path = self._path(token)
        with suppress(FileNotFoundError):
            claim = self._folder.claim(path)
            if claim is not None:
                with claim as free:
                    return free
            head = self._head(token)
            if head is not None:
                mine = head["by"] == _name_of(os.getpid()) or self._is_of_source(token)
                return mine or time.time() - head["at"] > _DAY
        return False

    def _is_of_source(self, token: str) -> bool:
        head = self._head(token)
        return head is not None and self._source is not None and head["source"] == self._source

    def _head(self, token: str) -> dict[str, Any] | None:
        """Return the note of a run where it is one that we write, for this root; else None."""
        try:
            data = self._folder.read_own(self._path(token))
            head = json.loads(data) if len(data) < _MOST else None
        except (OSError, ValueError, RecursionError) as error:
            pass_on_signal(error)
            return None
        if type(head) is not dict or set(head) != _FIELDS or head["spoonbill"] != "run 1" or head["token"] != token:
            return None
        roots, at = head["roots"], head["at"]
        bound = type(roots) is list and any(root in roots for root in self._folder.marks)
        return head if bound and type(at) is int else None

    # -- its parts ---------------------------------------------------------------------------------------------

    def _note(self) -> bytes:
        head = {"spoonbill": "run 1", "token": self.token, "roots": self._folder.marks, "source": self._source}
        return json.dumps({**head, "by": _name_of(os.getpid()), "at": int(time.time())}).encode()

    def _path(self, token: str) -> str:
        return self._folder.path(f"{STEM}{token}-run{PART}")

    def _claim(self, token: str) -> bool:
        claim = self._folder.claim(self._path(token))
        return claim is None or self._holding.enter_context(claim)


def sweep(folder: Folder, token: str) -> None:
    """Remove what carries a token, the note of the run last."""
    with suppress_failures():  # nobody sees them, and the next one sweeps again
        note = f"{STEM}{token}-run{PART}"
        names = [name for name in _list_names(folder, f"{STEM}{token}-") if name.endswith(PART) and name != note]
        for batch in batches([*names, note], 1000):
            folder.drop_many([folder.path(name) for name in batch])


def _list_names(folder: Folder, stem: str) -> Iterable[str]:
    return [folder.name(info["name"]) for page in folder.infos(stem) for info in page]
