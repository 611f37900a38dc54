"""Redis and Valkey: plain keys with string values, on one server, behind Sentinels or in a cluster."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from typing import Any, NoReturn

from spoonbill.backends.redis.client import is_cluster, portable_configuration, recipe_of
from spoonbill.common.failures import raise_alone

# That line comes first: where the client is missing, it says what to install.
# isort: split
from spoonbill.backends.redis.atomic import Atomic
from spoonbill.backends.redis.batches import Batches, OtherTypeError
from spoonbill.backends.redis.cluster import ClusterConnection
from spoonbill.backends.redis.connection import RedisConnection
from spoonbill.backends.redis.errors import GUIDE, forbidden, is_unanswered, is_wrong_type
from spoonbill.backends.redis.names import MOST, Names, encode_ttl
from spoonbill.backends.redis.patterns import is_servers_own
from spoonbill.backends.redis.scan import scan_names
from spoonbill.backends.redis.scan_parts import SCAN, scan_part, split_table
from spoonbill.backends.redis.slot_parts import SLOTS, scan_slots, split_slots
from spoonbill.backends.redis.watching import watched
from spoonbill.backends.shared import Heard, Watch
from spoonbill.common.batching import batches
from spoonbill.common.masking import scrub
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.errors import SpoonbillError, StoreError, UnsupportedError
from spoonbill.query import Part, Plan, Query, Step
from spoonbill.store import Store
from spoonbill.store.methods.counting import incremented
from spoonbill.store.numbers import check_number
from spoonbill.store.parts import check_count, parts_of_names, select_names

_ABSENT = -2
"""What PTTL answers for a key that is not there."""
_BATCH = 1000
_BATCH_BYTES = 1 << 20


class Redis(Store[str, bytes]):
    """A database of a Redis or Valkey server, or the keys in it that begin with a prefix.

    A key is written as its UTF-8 text, and a value as its bytes, so other programs see them as they are. A key of
    another program that is no UTF-8 reads as a str with lone surrogates, and is the same key again when it is given.

    Parameters
    ----------
    client : str or Redis or RedisCluster, optional
        A URL (``redis://``, ``rediss://``, ``unix://``, ``valkey://``, ``redis+sentinel://host:port/service/0``), or
        a client of redis-py, which stays open when this store is closed.
    prefix : str, optional
        This store's keys begin with it. Without one the whole database is this store's: ``clear`` empties it.
    ttl : float, optional
        Seconds after which the server removes an entry, counted from its last set, by the server's own clock.
    cluster : bool, optional
        Whether the URL is that of a node of a cluster.
    retry_for : float, optional
        Seconds for which a call is tried again while the server is away, where that is safe. 0: not at all.
    **client_options
        For the client of redis-py.

    Raises
    ------
    UnsupportedError
        If the URL or an option cannot be read.

    Notes
    -----
    ``set(key, value, ttl=5)`` overrides the store's `ttl`; ``ttl=math.inf`` lets an entry stay. Nothing connects
    before the first call. ``len`` may count an entry that has expired until the server has removed it.
    """

    limits = Limits(key_bytes=MOST, value_bytes=MOST)
    guarantees = Guarantees(
        threads="safe; each call takes a connection of its own",
        processes="safe, on any number of machines",
        fork="both sides go on, the child with connections of its own",
        crash="what the server's own persistence keeps (appendonly, save)",
        iteration="an entry that is there all the time comes once; one that comes or goes meanwhile may come or not",
        atomic="between all clients; a batch is a row of steps",
    )
    dialect = "server_glob"
    features = frozenset({"ttl"})
    awaits = True

    def __init__(
        self,
        client: Any = "redis://localhost:6379/0",
        *,
        prefix: str = "",
        ttl: float | None = None,
        cluster: bool = False,
        retry_for: float = 5.0,
        **client_options: Any,
    ) -> None:
        recipe = recipe_of(client, client_options, cluster=cluster)
        handed = None if recipe is not None else client
        self._names = Names(self, prefix)
        self.limits = self._names.limits
        self._name, self._fit = self._names.name, self._names.fit
        clustered = is_cluster(handed, recipe)
        self._connection = (ClusterConnection if clustered else RedisConnection)(handed, recipe, retry_for)
        self.loop_handles, self._call = self._connection.loops, self._connection.call
        self.awaits = self.loop_handles is not None
        self._kind = SLOTS if clustered else SCAN  # of the parts that it makes
        self._atomic, self._batches = Atomic(self._connection), Batches(self._connection)
        self._expiry = () if ttl is None else encode_ttl(self, ttl)
        self.ends_by_default = ttl is not None

    # -- single keys -------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        value = self._do("get", key, ("GET", self._name(key)))
        return default if value is None else value

    def has(self, key: str) -> bool:
        return bool(self._do("has", key, ("EXISTS", self._name(key))))

    def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        name = self._fit(key, value)
        self._do("set", key, ("SET", name, value, *self._encode_ttl(ttl)))

    def _encode_ttl(self, ttl: float | None) -> tuple[bytes, ...]:
        return self._expiry if ttl is None else encode_ttl(self, ttl)

    def delete(self, key: str) -> bool:
        name = self._name(key)
        try:
            return self._connection.unlink(name)
        except Exception as error:
            self._fail("delete", key, error)

    def add(self, key: str, value: bytes, *, ttl: float | None = None) -> bool:
        name = self._fit(key, value)
        return self._do("add", key, ("SET", name, value, "NX", *self._encode_ttl(ttl)), again=False) is not None

    def replace(self, key: str, expected: bytes, value: bytes, *, ttl: float | None = None) -> bool:
        name = self._fit(key, value)
        if not isinstance(expected, bytes):
            return False  # what is stored is bytes
        try:
            return self._atomic.replace(name, expected, (value, *self._encode_ttl(ttl)))
        except Exception as error:
            self._fail("replace", key, error)

    def discard(self, key: str, expected: bytes) -> bool:
        name = self._name(key)
        try:
            return isinstance(expected, bytes) and self._atomic.discard(name, expected)
        except Exception as error:
            self._fail("discard", key, error)

    def increment(self, key: str, by: float = 1, *, ttl: float | None = None) -> Any:
        """Add to a number that is held as text, as every client of Redis counts; an int or a float comes back."""
        check_number(by, self, key)
        name, expiry = self._name(key), self._encode_ttl(ttl)
        try:
            total = self._atomic.add_to(name, by, expiry, renew=ttl is not None)
        except Exception as error:
            self._fail("increment", key, error)
        if total is MISSING:  # a sum that the server cannot make, or no number at all
            return incremented(self, key, by, ttl)
        return total if isinstance(total, int) else float(total)

    def ttl(self, key: str) -> float | None:
        left = self._do("ttl", key, ("PTTL", self._name(key)))
        if left == _ABSENT:
            raise KeyError(key)
        return None if left < 0 else left / 1000

    def touch(self, key: str, ttl: float | None) -> bool:
        name = self._name(key)
        expiry = () if ttl is None else encode_ttl(self, ttl)
        if expiry:
            return bool(self._do("touch", key, ("PEXPIRE", name, expiry[1])))
        return bool(self._do("touch", key, ("PERSIST", name)) or self._do("touch", key, ("EXISTS", name)))

    def ping(self) -> float:
        start = time.perf_counter()
        try:
            for server in self._connection.servers():
                self._connection.ask(server, ("PING",))
        except Exception as error:
            self._fail("ping", MISSING, error)
        return time.perf_counter() - start

    def pop(self, key: str, default: Any = RAISE) -> Any:
        try:
            value = self._atomic.pop(self._name(key))
        except Exception as error:
            self._fail("pop", key, error)
        return absent(key, default) if value is None else value

    def _do(self, operation: str, key: Any, command: Sequence[Any], again: bool = True) -> Any:
        try:
            return self._call(command, again)
        except Exception as error:
            self._fail(operation, key, error)

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[str], default: Any = None) -> list[Any]:
        found: list[Any] = []
        for chunk in batches(keys, _BATCH):
            values = self._read("get_many", list(map(self._name, chunk)))
            found += values if default is None else [default if value is None else value for value in values]
        return found

    def _read(self, operation: str, names: list[bytes]) -> list[Any]:
        try:
            return self._batches.read(names)
        except Exception as error:
            self._fail(operation, MISSING, error)

    def set_many(self, pairs: Iterable[tuple[str, bytes]], *, ttl: float | None = None) -> None:
        expiry = self._encode_ttl(ttl)
        words: list[bytes] = []
        size = 0
        for key, value in pairs:
            name = self._fit(key, value)
            if words and (len(words) >= 2 * _BATCH or size + len(value) > _BATCH_BYTES):
                self._write(words, expiry)  # so that a large value goes alone, which spares it a copy
                words, size = [], 0
            words += (name, value)
            size += len(value)
        if words:
            self._write(words, expiry)

    def _write(self, words: list[bytes], expiry: tuple[bytes, ...]) -> None:
        try:
            self._batches.write(words, expiry)
        except Exception as error:
            self._fail("set_many", MISSING, error)

    def delete_many(self, keys: Iterable[str]) -> int:
        return sum(self._unlink("delete_many", list(map(self._name, chunk))) for chunk in batches(keys, _BATCH))

    def _unlink(self, operation: str, names: list[bytes]) -> int:
        try:
            return self._batches.unlink(names)
        except Exception as error:
            self._fail(operation, MISSING, error)

    def clear(self) -> None:
        try:
            if not self._names.head and self._batches.flush():
                return
        except Exception as error:
            self._fail("clear", MISSING, error)
        for names in self._pages("clear", Query()):
            self._unlink("clear", names)

    # -- listing -----------------------------------------------------------------------------------------------

    def count(self) -> int:
        if self._names.head:
            return sum(map(len, self._pages("count", Query())))
        try:
            return sum(self._connection.ask(server, ("DBSIZE",)) for server in self._connection.servers())
        except Exception as error:
            self._fail("count", MISSING, error)

    def iter(self) -> Iterator[str]:
        return chain.from_iterable(map(self._names.keys, self._pages("iter", Query())))

    def entries(self) -> Iterator[tuple[str, bytes]]:
        return self._pairs("entries", Query())

    def select(self, query: Query) -> Iterator[tuple[str, Any]]:
        if query.part is not None and query.part[0] != self._kind:
            return select_names(self, query)
        if not query.keys_only:
            return self._pairs("select", query)
        names = self._run_keys(query) if self._runs_at_once(query) else self._pages("select", query)
        return ((key, None) for key in chain.from_iterable(map(self._names.keys, names)))

    def split(self, count: int) -> list[Part]:
        check_count(count)
        if isinstance(self._connection, ClusterConnection):
            return split_slots(count)
        try:
            parts = split_table(self._connection, count)
        except Exception as error:
            self._fail("split", MISSING, error)
        return parts_of_names(list(self.iter()), count) if parts is None else parts

    def plan(self, query: Query) -> Plan:
        match = self._names.match(query.pattern).decode("utf-8", "backslashreplace")
        native = f"KEYS {match}" if self._runs_at_once(query) else f"SCAN MATCH {match}"
        return Plan(
            steps=(Step(where=repr(self), runs=str(query)),),
            native=native,
            finished_here=str(query),
            scanned="every key of the database, on the server" + ("" if query.keys_only else ", and what it lets pass"),
        )

    def _pairs(self, operation: str, query: Query) -> Iterator[tuple[str, bytes]]:
        return chain.from_iterable(self._pages_of_pairs(operation, query))

    def _pages_of_pairs(self, operation: str, query: Query) -> Iterator[Iterable[tuple[str, bytes]]]:
        for names in self._pages(operation, query):
            keys = self._names.keys(names)
            wanted = names
            if query.filters_keys:
                found = [pair for pair in zip(keys, names, strict=True) if query.matches_key(pair[0])]
                keys, wanted = [key for key, _ in found], [name for _, name in found]
            values = self._read(operation, wanted) if wanted else []
            pairs = zip(keys, values, strict=True)
            # None: it went away since its key was listed.
            yield (pair for pair in pairs if pair[1] is not None) if None in values else pairs

    def _pages(self, operation: str, query: Query) -> Iterator[list[bytes]]:
        pages = self._listing(query)
        while True:
            try:
                names = next(pages, None)
            except Exception as error:
                self._fail(operation, MISSING, error)
            if names is None:
                return
            yield names

    def _listing(self, query: Query) -> Iterator[list[bytes]]:
        """Yield the names of what may match: those of the part where there is one."""
        match = self._names.match(query.pattern)
        if query.part is None:
            return scan_names(self._connection, match)
        if not isinstance(self._connection, ClusterConnection):
            return scan_part(self._connection, query.part, match)
        head = self._names.head
        pages = scan_slots(self._connection, query.part)
        return ([name for name in names if name.startswith(head)] for names in pages)

    def _runs_at_once(self, query: Query) -> bool:
        """Return whether a search is a plain string given to `keys`, which is the server's own command of that name."""
        plain = query.keys_only and not query.lazy and query.limit is None and query.part is None
        return plain and is_servers_own(query.pattern)

    def _run_keys(self, query: Query) -> Iterator[list[bytes]]:
        command = ("KEYS", self._names.match(query.pattern))
        try:
            found = [self._connection.ask(server, command) for server in self._connection.servers()]
        except Exception as error:
            if forbidden(error):
                return self._pages("select", query)
            self._fail("select", MISSING, error)
        return iter(found if len(found) == 1 else [list(dict.fromkeys(chain.from_iterable(found)))])

    def check(self, key: str, value: bytes) -> None:
        self._fit(key, value)

    @property
    def client(self) -> Any:
        """The client of redis-py, yours where you handed one in."""
        return self._connection.open_client()

    def watch(self, heard: Heard) -> Watch:
        """Tell of every change of a key, whoever makes it: what ``Cached(store, invalidate="engine")`` asks for."""
        if isinstance(self._connection, ClusterConnection):
            raise UnsupportedError(
                f"{self!r}: a cluster tells of changes node by node; give Cached a ttl= in its place"
            )
        listen = partial(watched, self._connection, self._names)
        try:
            with closing(listen()) as first:  # so that what forbids it is told here
                next(first)
        except Exception as error:
            self._fail("watch", MISSING, error)
        return Watch(listen, heard)

    def close(self) -> None:
        self._connection.close(str(self._closed_error()))

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild, (cls, *configuration) = super().__reduce__()
        return rebuild, (cls, *portable_configuration(*configuration))

    def _fail(self, operation: str, key: Any, error: Exception) -> NoReturn:
        """Raise what an error of the client is in our tree."""
        scrub(error, self._connection.secrets)
        if isinstance(error, SpoonbillError) or not GUIDE.is_of_client(error):
            if not isinstance(error, OtherTypeError):
                raise_alone(error)
            raise self._other_type(operation, self._names.key(error.name), error.kind) from None
        if is_wrong_type(error) and key is not MISSING:
            kind = self._connection.call(("TYPE", self._name(key))).decode()
            raise self._other_type(operation, key, kind) from error
        remedy = GUIDE.remedy_for(error)
        raise self._failure(operation, key, error, remedy, unanswered=is_unanswered(operation, error)) from error

    def _other_type(self, operation: str, key: str, kind: str) -> StoreError:
        return StoreError(
            f"{operation} of key {shortened(key)} failed in {self!r}: it holds a {kind} of Redis, not a string. Read "
            "it with the redis client, set or delete the key, or give this store a prefix= of its own."
        )
