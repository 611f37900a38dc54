"""The asynchronous face of stores of every embedded kind: its own contract, and the whole contract through it."""

from spoonbill import Cached, Codec
from spoonbill.backends import Lmdb
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, SQLiteStore
from spoonbill.testing import AsyncContract, Awaited, StoreContract


def of_memory(path):
    return InMemoryStore()


def of_lmdb(path):
    return LmdbStore(path / "data.lmdb")


def of_sqlite(path):
    return SQLiteStore(path / "data.sqlite")


def of_files(path):
    return FilesystemStore(path / "files")


def of_a_stack(path):
    return Cached(Codec(Lmdb(path / "data.lmdb")), maxsize=3)


class TestMemory(AsyncContract):
    def make(self, path):
        return of_memory(path)


class TestLmdb(AsyncContract):
    def make(self, path):
        return of_lmdb(path)


class TestSQLite(AsyncContract):
    def make(self, path):
        return of_sqlite(path)


class TestFiles(AsyncContract):
    def make(self, path):
        return of_files(path)


class TestStack(AsyncContract):
    def make(self, path):
        return of_a_stack(path)


class TestMemoryAwaited(StoreContract):
    def make(self, path):
        return Awaited(of_memory(path))


class TestLmdbAwaited(StoreContract):
    def make(self, path):
        return Awaited(of_lmdb(path))


class TestSQLiteAwaited(StoreContract):
    def make(self, path):
        return Awaited(of_sqlite(path))


class TestFilesAwaited(StoreContract):
    def make(self, path):
        return Awaited(of_files(path))


class TestStackAwaited(StoreContract):
    def make(self, path):
        return Awaited(of_a_stack(path))
