"""The files of one root, copied to another: resumed where it stopped, and shown when all of them are there."""

import json
from collections.abc import Iterator
from typing import Any

from spoonbill.backends.file_names import key_of
from spoonbill.backends.filesystem_async import AsyncMedium
from spoonbill.backends.filesystem_local import LocalMedium
from spoonbill.backends.filesystem_medium import NO_KEYS, PART, Info, Medium
from spoonbill.backends.filesystem_staging import drop_others
from spoonbill.exported_files import FILES_NOTE
from spoonbill.snapshot import Progress, counted

_STAGED = f".saving{PART}"
_JOURNAL = "journal-"
_AT_A_TIME = 200
_TOGETHER = 32 << 20
"""Bytes that are in memory together; a larger file passes in pieces."""
_PIECE = 8 << 20


def export(source: Medium, target: Medium, note: dict[str, Any], progress: Progress) -> None:
    """Copy every key's file to `target`, then show them all at once, with a note about them.

    Each file is first copied under a name that no listing shows. A journal tells which copies are whole, and of which
    state of their sources: a run that was interrupted is taken up where it stopped.
    """
    files = list(_files(source))
    staged = _Journal(target)
    left = [info for info in files if not staged.has(_name(source, info), source.tag(info))]
    reported = iter(counted(range(len(files)), progress, "saving"))
    for _ in range(len(files) - len(left)):
        next(reported)
    for batch in _batches(left):
        _copy(source, target, [_name(source, info) for info in batch], batch)
        staged.note({_name(source, info): source.tag(info) for info in batch})
        for _ in batch:
            next(reported)
    next(reported, None)  # lets the bar end
    _publish(target, {_name(source, info): int(info["size"]) for info in files}, note)
    staged.forget()


def _files(medium: Medium) -> Iterator[Info]:
    for page in medium.infos(""):
        yield from (info for info in page if not info["name"].endswith(NO_KEYS))


def _name(medium: Medium, info: Info) -> str:
    return str(info["name"][len(medium.start) :])


def _batches(infos: list[Info]) -> Iterator[list[Info]]:
    batch: list[Info] = []
    size = 0
    for info in infos:
        if batch and (len(batch) == _AT_A_TIME or size + int(info["size"]) > _TOGETHER):
            yield batch
            batch, size = [], 0
        batch.append(info)
        size += int(info["size"])
    if batch:
        yield batch


def _copy(source: Medium, target: Medium, names: list[str], infos: list[Info]) -> None:
    pairs = [(source.path(name), target.path(name + _STAGED)) for name in names]
    if _same_service(source, target):
        target.copy_many(source, pairs)
    elif len(infos) == 1 and int(infos[0]["size"]) > _TOGETHER:
        _pour(source, target, *pairs[0])
    else:
        found = source.read_many([origin for origin, _ in pairs])
        for one in found:
            if one.__class__ is not bytes:
                raise one if isinstance(one, Exception) else FileNotFoundError("a file went away: save again")
        for result in target.write_many({place: data for (_, place), data in zip(pairs, found, strict=True)}):
            if result is not None:
                raise result


def _same_service(source: Medium, target: Medium) -> bool:
    if isinstance(source, LocalMedium) or isinstance(target, LocalMedium):
        return isinstance(source, LocalMedium) and isinstance(target, LocalMedium)
    return isinstance(source, AsyncMedium) and bool(source.fs == target.fs)


def _pour(source: Medium, target: Medium, origin: str, place: str) -> None:
    """Copy one large file in pieces, which its staged name keeps from sight."""
    with source.fs.open(origin, "rb", block_size=_PIECE) as inlet, target.fs.open(place, "wb") as outlet:
        while piece := inlet.read(_PIECE):
            outlet.write(piece)


def _publish(target: Medium, sizes: dict[str, int], note: dict[str, Any]) -> None:
    pairs = [(target.path(name + _STAGED), target.path(name)) for name in sizes]
    target.drop_many([target.path(FILES_NOTE)])  # a crash from here on must not look like the folder of before
    for start in range(0, len(pairs), _AT_A_TIME):
        target.move_many(pairs[start : start + _AT_A_TIME])
    drop_others(target, {path for _, path in pairs})
    lines = [json.dumps({"spoonbill": "files 1", "files": len(sizes), **note})]
    lines += [json.dumps([name, size, key_of(name)]) for name, size in sizes.items()]
    target.write(target.path(FILES_NOTE), ("\n".join(lines) + "\n").encode())


class _Journal:
    """Which copies of an interrupted run are whole, and what they are copies of."""

    def __init__(self, target: Medium) -> None:
        self._target = target
        self._tags: dict[str, str] = {}
        self._parts: list[str] = []
        there = set()
        for page in target.infos(""):
            for info in page:
                name = _name(target, info)
                if name.startswith(_JOURNAL) and name.endswith(PART):
                    self._parts.append(name)
                elif name.endswith(_STAGED):
                    there.add(name.removesuffix(_STAGED))
        for part in sorted(self._parts):
            noted = json.loads(target.read(target.path(part)))
            self._tags.update((name, tag) for name, tag in noted.items() if name in there)

    def has(self, name: str, tag: str) -> bool:
        """Tell whether there is a whole copy of the file as it is now."""
        return self._tags.get(name) == tag

    def note(self, tags: dict[str, str]) -> None:
        """Remember that these were copied."""
        part = f"{_JOURNAL}{len(self._parts):06d}{PART}"
        self._target.write(self._target.path(part), json.dumps(tags).encode())
        self._parts.append(part)

    def forget(self) -> None:
        """Remove what is left of this run and of earlier ones."""
        left = [info["name"] for page in self._target.infos("") for info in page if info["name"].endswith(_STAGED)]
        self._target.drop_many([*map(self._target.path, self._parts), *left])
