"""Clients of redis-py: recipes that make one when it is first needed, and that pickle for one that is handed in."""

import inspect
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from spoonbill.backends.shared.extras import missing_client
from spoonbill.backends.shared.handed_in import unknown_option
from spoonbill.errors import StackError, UnsupportedError

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.connection import SSLConnection, UnixDomainSocketConnection, parse_url
    from redis.retry import Retry
    from redis.sentinel import Sentinel, SentinelConnectionPool
except ImportError as error:
    raise missing_client("redis") from error

TIMEOUT = 5.0
"""Seconds to wait for a server's answer, where the user gives no ``socket_timeout``."""

_OPTIONS = ("strict", "prefix", "codec", "ttl", "cluster", "retry_for")
_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}
# What redis-py itself puts among the options of a pool's connections; a new pool makes its own.
_INTERNAL = frozenset(
    {
        "cache",
        "cache_config",
        "event_dispatcher",
        "himport_registry",
        "maint_notifications_config",
        "maint_notifications_pool_handler",
        "oss_cluster_maint_notifications_handler",
        "orig_host_address",
        "orig_socket_timeout",
        "orig_socket_connect_timeout",
        "connection_pool",
        "parser_class",
        "redis_connect_func",
    }
)


@dataclass(frozen=True, repr=False)
class Recipe:
    """How to make a client. It pickles; a client with its sockets and locks does not.

    Attributes
    ----------
    kind : {"server", "cluster", "sentinel", "pool"}
        What is at the other end, or that the options are those of a connection pool.
    options : mapping
        For the client, passwords included.
    sentinels : tuple of (str, int)
        Where the Sentinels are.
    service : str
        The name that the Sentinels know the servers by.
    sentinel_options : mapping
        For the connections to the Sentinels.
    """

    kind: Literal["server", "cluster", "sentinel", "pool"]
    options: Mapping[str, Any]
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = ""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> Any:
        """Return a new client. A cluster is asked for its nodes at once; the others connect at the first command."""
        if self.kind == "pool":
            return redis.Redis(connection_pool=redis.ConnectionPool(**self.options))
        options = _with_defaults(self.options)
        if self.kind == "cluster":
            return redis.RedisCluster(**options)
        if self.kind == "server":
            return redis.Redis(**options)
        sentinels = list(self.sentinels)
        makes: Any = Sentinel
        asking = makes(sentinels, sentinel_kwargs=_with_defaults(self.sentinel_options), **options)
        return asking.master_for(self.service)

    def __repr__(self) -> str:
        return f"Recipe(<{self.kind}>)"


def _with_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """Add what a client of ours needs: time-outs, and no retries of its own, since it repeats what is not safe to."""
    defaults = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0)}
    return {**defaults, **options}


def recipe_of(source: Any, options: Mapping[str, Any], *, cluster: bool) -> Recipe | None:
    """Return the recipe for a URL, or None where `source` is a client that was handed in.

    Raises
    ------
    UnsupportedError
        If the URL cannot be read, or an option does not go with it. The message holds no part of the URL that could
        be a password.
    StackError
        If `source` is neither a URL nor a client of redis-py.
    """
    if isinstance(source, Recipe):
        return source
    if not isinstance(source, str):
        _check_client(source, options, cluster=cluster)
        return None
    scheme, _, rest = source.partition("://")
    url = f"{_SCHEMES.get(scheme, scheme)}://{rest}"
    if scheme.endswith("+sentinel"):
        if cluster:
            raise UnsupportedError("Redis: Sentinels watch a server, not a cluster: leave cluster=True out")
        return _sentinel(url, options)
    named = {**options, **_parse(url)}
    if cluster:
        if named.pop("db", 0):
            raise UnsupportedError("Redis: a cluster has the database 0 alone: leave the number out of the URL")
        if "unix_socket_path" in named:
            raise UnsupportedError("Redis: a cluster is reached over TCP, not over a unix:// socket")
        return Recipe("cluster", named)
    recipe = Recipe("server", named)
    try:
        recipe.make().close()  # nothing connects yet; an option that the client does not know is found out here
    except TypeError as error:
        known = [*_OPTIONS, *inspect.signature(redis.Redis).parameters]
        raise unknown_option("RedisStore", error, known) or UnsupportedError(
            f"RedisStore: the client does not take these options: {error}"
        ) from None
    return recipe


def is_cluster(client: Any, recipe: Recipe | None) -> bool:
    """Return whether a client, or the one that a recipe makes, is that of a cluster."""
    return isinstance(client, redis.RedisCluster) if recipe is None else recipe.kind == "cluster"


def _check_client(client: Any, options: Mapping[str, Any], *, cluster: bool) -> None:
    if not isinstance(client, (redis.Redis, redis.RedisCluster)):
        raise StackError(
            f"Redis takes a URL or a client of redis-py (redis.Redis, redis.RedisCluster), not "
            f"{type(client).__module__}.{type(client).__name__}{_why_not(client)}: give the URL of the server, "
            "redis://host:port/0"
        )
    if options or (cluster and not isinstance(client, redis.RedisCluster)):
        raise UnsupportedError(
            f"Redis: {', '.join([*options, *(['cluster'] if cluster else [])])} cannot be given together with a client,"
            " which has its own options: give a URL, or set them where the client is made"
        )


def _why_not(client: Any) -> str:
    return ", which is asynchronous" if "asyncio" in type(client).__module__ else ""


def _unreadable(why: str) -> UnsupportedError:
    return UnsupportedError(
        f"Redis: the URL cannot be read ({why}): write redis://host:port/0, rediss://, unix://path, valkey://, or "
        "redis+sentinel://host:port/service/0; a password goes in percent-encoded, by urllib.parse.quote(password, "
        "safe=''), or as the option password="
    )


def _parse(url: str) -> dict[str, Any]:
    """Return the options that a URL stands for."""
    split = _split(url)
    found: dict[str, Any] | None = None
    with suppress(ValueError):  # left behind: its message may quote a piece of the password
        found = dict(parse_url(url))  # type: ignore[no-untyped-call]
    if found is None:
        raise _unreadable(f"its scheme {split.scheme!r}, or a part of it, is not as it should be")
    database = split.path.strip("/")
    if split.scheme != "unix" and database and not database.isdecimal():
        raise _unreadable("the database is a number, as in redis://host:port/0, and what stands there is not")
    kind = found.pop("connection_class", None)
    if kind is SSLConnection:
        found["ssl"] = True
    elif kind is UnixDomainSocketConnection:
        found["unix_socket_path"] = found.pop("path")
    return found


def _split(url: str) -> Any:
    split, readable = urlsplit(""), False
    with suppress(ValueError):  # as above
        split = urlsplit(url)
        readable = split.port is None or split.port >= 0
    if not readable:
        raise _unreadable("its port is no number")
    if "#" in url or ("@" in split.path and "@" not in split.netloc and split.scheme != "unix"):
        raise _unreadable("a character stands in it that ends the part before the host")
    return split


def _sentinel(url: str, options: Mapping[str, Any]) -> Recipe:
    """Read ``redis+sentinel://user:password@host:port,host:port/service/db``; the credentials are the servers'."""
    given = dict(options)
    sentinel_options = given.pop("sentinel_kwargs", {})
    scheme, _, rest = url.partition("://")
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    login, _, hosts = authority.rpartition("@")
    service, _, database = path.partition("/")
    if not service or not hosts or "#" in url:
        raise _unreadable("Sentinels need the name of the service behind their addresses")
    user, _, password = login.partition(":")
    given |= {name: unquote(text) for name, text in (("username", user), ("password", password)) if text}
    given |= dict(parse_qsl(query))
    if scheme.startswith("rediss"):
        given["ssl"] = True
    sentinels: tuple[tuple[str, int], ...] = ()
    with suppress(ValueError):  # as above
        given["db"] = int(database or given.get("db", 0))
        sentinels = tuple(_address(host) for host in hosts.split(","))
    if not sentinels:
        raise _unreadable("a port or the database is no number")
    return Recipe("sentinel", given, sentinels, unquote(service), sentinel_options)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text.rpartition("]")[2] else (text, ":", "26379")
    return host.strip("[]"), int(port)


def portable(source: Any) -> Any:
    """Return what pickles in place of `source`: a URL or a recipe itself, for a client the recipe of its like."""
    if isinstance(source, (str, Recipe)):
        return source
    if isinstance(source, redis.RedisCluster):
        nodes = list(source.nodes_manager.startup_nodes.values())
        options = _portable_options(source.nodes_manager.connection_kwargs)
        return Recipe("cluster", {**options, "host": nodes[0].host, "port": nodes[0].port})
    pool = source.connection_pool
    options = _portable_options(pool.connection_kwargs)
    if isinstance(pool, SentinelConnectionPool):
        asked = [sentinel.connection_pool.connection_kwargs for sentinel in pool.sentinel_manager.sentinels]
        options.pop("connection_class", None)
        addresses = tuple((found["host"], found["port"]) for found in asked)
        kept = {name: value for name, value in _portable_options(asked[0]).items() if name not in {"host", "port"}}
        return Recipe("sentinel", options, addresses, pool.service_name, kept)
    return Recipe(
        "pool", {**options, "connection_class": pool.connection_class, "max_connections": pool.max_connections}
    )


def portable_configuration(
    arguments: tuple[Any, ...], options: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a store's configuration with what pickles in place of its client."""
    kept = {name: portable(value) if name == "client" else value for name, value in options.items()}
    return (portable(arguments[0]), *arguments[1:]) if arguments else (), kept


def _portable_options(options: Mapping[str, Any]) -> dict[str, Any]:
    # A bare object is redis-py's mark for "the default", and would be another one when it comes back.
    return {name: value for name, value in options.items() if name not in _INTERNAL and type(value) is not object}


def secrets_of(client: Any, recipe: Recipe | None) -> frozenset[str]:
    """Return every password that the client was given, so that no message repeats one."""
    found: set[Any] = set()
    if recipe is not None:
        found |= {recipe.options.get("password"), recipe.sentinel_options.get("password")}
    pool = getattr(client, "connection_pool", None) or getattr(client, "nodes_manager", None)
    kept: Mapping[str, Any] = getattr(pool, "connection_kwargs", {})
    found |= {kept.get("password"), kept.get("ssl_password")}
    return frozenset(text.decode() if isinstance(text, bytes) else str(text) for text in found if text)
