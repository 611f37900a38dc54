"""Stores that read or write one page of the engine and forget the next; and listings that go wrong in a loop."""

from itertools import islice

from tests.contract.planted.base import Sound


def cut(page):
    """Return the stores that stop after one page of `page` entries."""

    class IterCut(Sound):
        def iter(self):
            return iter(list(self.data)[:page])

    class EntriesCut(Sound):
        def entries(self):
            return iter(list(self.data.items())[:page])

    class SelectCut(Sound):
        def select(self, query):
            return islice(super().select(query), page)

    class SetManyCut(Sound):
        def set_many(self, pairs):
            self.data.update(islice(pairs, page))

    class GetManyCut(Sound):
        def get_many(self, keys, default=None):
            return [self.get(key, default) if at < page else default for at, key in enumerate(keys)]

    class DeleteManyCut(Sound):
        def delete_many(self, keys):
            return sum(self.delete(key) for key in islice(keys, page))

    class ClearCut(Sound):
        def clear(self):
            for key in list(self.data)[:page]:
                del self.data[key]

    class CountCut(Sound):
        def count(self):
            return min(page, len(self.data))

    class ReplaceAllCut(Sound):
        def replace_all(self, pairs):
            self.data = dict(islice(pairs, page))

    kinds = (
        IterCut,
        EntriesCut,
        SelectCut,
        SetManyCut,
        GetManyCut,
        DeleteManyCut,
        ClearCut,
        CountCut,
        ReplaceAllCut,
    )
    for kind in kinds:
        kind.__name__ += f"At{page}"
    return kinds


class ListsMovedKeysTwice(Sound):
    """Lists pages by their offset, in the order of writing: a key that the loop writes moves to the end."""

    def set(self, key, value):
        self.data.pop(key, None)
        self.data[key] = value

    def iter(self):
        start = 0
        while page := list(self.data)[start : start + 100]:
            yield from page
            start += 100


class ListsMovedEntriesTwice(Sound):
    """Lists keys as they are when the loop begins, but entries live."""

    def set(self, key, value):
        self.data.pop(key, None)
        self.data[key] = value

    def entries(self):
        start = 0
        while page := list(self.data.items())[start : start + 100]:
            yield from page
            start += 100


class NeedsAListToRead(Sound):
    reads_odd_keys = True  # so that the contract makes no list of the keys first

    def get_many(self, keys, default=None):
        return [self.get(keys[at], default) for at in range(len(keys))]


class ReadsAnIterableTwice(Sound):
    reads_odd_keys = True  # so that the contract makes no list of the keys first

    def get_many(self, keys, default=None):
        present = {key: self.data[key] for key in keys if key in self.data}
        return [present.get(key, default) for key in keys]


class NeedsAListToWrite(Sound):
    def set_many(self, pairs):
        for at in range(len(pairs)):
            self.set(*pairs[at])


class NeedsAListToDelete(Sound):
    reads_odd_keys = True  # so that the contract makes no list of the keys first

    def delete_many(self, keys):
        gone = len({key for key in keys if key in self.data})
        for key in keys:
            self.delete(key)
        return gone


PLANTED = (
    *cut(100),
    *cut(1000),
    ListsMovedKeysTwice,
    ListsMovedEntriesTwice,
    NeedsAListToRead,
    ReadsAnIterableTwice,
    NeedsAListToWrite,
    NeedsAListToDelete,
)
