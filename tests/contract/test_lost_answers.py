"""Answers that are lost on the way: no verb that is done in one step says what is not true.

``SPOONBILL_TORTURE=2000`` asks for that many faults an engine.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import CosmosDBStore, DynamoDBStore, FilesystemStore, MongoDBStore, PostgresStore, RedisStore
from spoonbill.errors import StoreError, UnansweredError
from spoonbill.store import Store
from spoonbill.testing import FaultyProxy
from tests.servers import azure_server, cosmosdb_server, gcs_server, redis_server, s3_server
from tests.servers.dynamodb_server import OPTIONS
from tests.servers.mongodb_server import mongodb_server
from tests.servers.moto_server import moto_server
from tests.servers.postgresql_server import PostgresServer

FAULTS_OF_ONE_RUN = int(os.environ.get("SPOONBILL_TORTURE", "12"))

QUICK = {"retries": {"max_attempts": 3}}
"""Reads are repeated by the client, with pauses of half a second; twice is enough here."""


@dataclass
class Engine:
    """A store behind the proxy, the same one by the straight way, and the names of its requests on the wire."""

    proxy: FaultyProxy
    store: Store[Any, Any]
    truth: Store[Any, Any]
    writes: bytes
    deletes: bytes


def dynamodb(stack: ExitStack) -> Engine:
    server = stack.enter_context(moto_server())
    proxy = stack.enter_context(FaultyProxy("127.0.0.1", server.port))

    def opened(port: int) -> Store[Any, Any]:
        options = {**OPTIONS, "endpoint_url": f"http://127.0.0.1:{port}"}
        return stack.enter_context(DynamoDBStore("lost", config=boto3.session.Config(**QUICK), **options))

    truth = opened(server.port)
    truth["first"] = "0"
    return Engine(proxy, opened(proxy.port), truth, b".PutItem", b".DeleteItem")


def dynamodb_handed_in(stack: ExitStack) -> Engine:
    engine = dynamodb(stack)
    client = boto3.session.Session().client("dynamodb", endpoint_url=f"http://127.0.0.1:{engine.proxy.port}", **OPTIONS)
    return Engine(engine.proxy, DynamoDBStore("lost", client=client), engine.truth, engine.writes, engine.deletes)


def s3(stack: ExitStack) -> Engine:
    url = stack.enter_context(s3_server.serving())
    return _files(stack, url, "s3", lambda url: {**s3_server.storage_options(url), "config_kwargs": QUICK}, b"PUT /")


def gcs(stack: ExitStack) -> Engine:
    return _files(stack, stack.enter_context(gcs_server.serving()), "gs", gcs_server.storage_options, b"POST /")


def azure(stack: ExitStack) -> Engine:
    url = stack.enter_context(azure_server.serving())
    engine = _files(stack, url, "az", azure_server.storage_options, b"PUT /")
    raw: Any = engine.store
    for policy in raw.raw._folder.fs.service_client._pipeline._impl_policies:
        if hasattr(policy, "initial_backoff"):  # a read is sent again after fifteen seconds: here at once
            policy.initial_backoff = policy.increment_base = policy.random_jitter_range = 0
    return engine


def _files(stack: ExitStack, url: str, scheme: str, options: Callable[[str], dict[str, Any]], writes: bytes) -> Engine:
    proxy = stack.enter_context(FaultyProxy("127.0.0.1", int(url.rpartition(":")[2])))
    store, truth = (
        stack.enter_context(FilesystemStore(f"{scheme}://bucket/lost", codec="json", **options(way)))
        for way in (f"http://127.0.0.1:{proxy.port}", url)
    )
    return Engine(proxy, store, truth, writes, b"DELETE /")


def mongodb(stack: ExitStack) -> Engine:
    server = stack.enter_context(mongodb_server())
    proxy = stack.enter_context(FaultyProxy("127.0.0.1", server.port))
    store, truth = (
        stack.enter_context(MongoDBStore(f"mongodb://127.0.0.1:{port}/?directConnection=true"))
        for port in (proxy.port, server.port)
    )
    return Engine(proxy, store, truth, b"update", b"findAndModify")


def cosmosdb(stack: ExitStack) -> Engine:
    server = stack.enter_context(cosmosdb_server.cosmosdb_server())
    proxy = stack.enter_context(FaultyProxy("127.0.0.1", server.port))

    def opened(address: str) -> Store[Any, Any]:
        options = {"endpoint": address, "credential": cosmosdb_server.CREDENTIAL, **cosmosdb_server.OPTIONS}
        return stack.enter_context(CosmosDBStore("lost", "lost", **options))

    truth = opened(cosmosdb_server.endpoint(server))
    truth["first"] = "0"
    return Engine(proxy, opened(f"http://127.0.0.1:{proxy.port}"), truth, b"P", b"DELETE /")


def redis(stack: ExitStack) -> Engine:
    server = stack.enter_context(redis_server.server())
    proxy = stack.enter_context(FaultyProxy("127.0.0.1", server.port))
    store, truth = (
        stack.enter_context(RedisStore(f"redis://127.0.0.1:{port}/0")) for port in (proxy.port, server.port)
    )
    return Engine(proxy, store, truth, b"", b"")


def postgresql(stack: ExitStack) -> Engine:
    server = stack.enter_context(PostgresServer())
    proxy = stack.enter_context(FaultyProxy("127.0.0.1", server.port))
    # Without prepared statements, so that each request holds its words.
    options: dict[str, Any] = {"timeout": 5, "prepare_threshold": None, "sslmode": "disable"}
    store, truth = (
        stack.enter_context(PostgresStore(server.dsn.replace(str(server.port), str(port)), "lost", **options))
        for port in (proxy.port, server.port)
    )
    truth["first"] = "0"
    return Engine(proxy, store, truth, b"make_interval", b"DELETE FROM")


ENGINES = [dynamodb, dynamodb_handed_in, s3, gcs, azure, cosmosdb, mongodb, postgresql, redis]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with ExitStack() as stack:
        engine = request.param(stack)
        engine.store.get("first")  # connects
        yield engine


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or the error of the tree that it raises."""
    try:
        return call()
    except StoreError as error:
        return error


def judge(verb: str, before: Any, after: Any, given: Any, answer: Any) -> str:
    """Return what is wrong with an answer, by what was there before and is there now; empty where it is true."""
    done = given if verb in {"add", "replace", "set"} else MISSING
    if isinstance(answer, UnansweredError):
        return "" if after in (before, done) and "may have been done" in str(answer) else "neither the old nor the new"
    if isinstance(answer, StoreError):
        return "" if after == before else f"a plain error, though it was done: {answer!r}"
    if verb == "get":
        return "" if answer == before else f"{answer!r}"
    could = before is MISSING if verb == "add" else before is not MISSING
    if verb == "pop":
        true = answer == before and after is MISSING if could else answer is MISSING and after is MISSING
    else:
        true = answer is could and after == (done if could else before)
    return "" if true else f"{answer!r}"


VERBS: dict[str, Callable[[Store[Any, Any], Any, Any, str], Any]] = {
    "add": lambda store, key, _, value: store.add(key, value),
    "replace": lambda store, key, before, value: store.replace(key, before, value),
    "pop": lambda store, key, *_: store.pop(key, MISSING),
    "delete": lambda store, key, *_: store.delete(key),
}
READS: dict[str, Callable[[Store[Any, Any], Any, Any, str], Any]] = {
    "get": lambda store, key, *_: store.get(key, MISSING),
}


@pytest.mark.parametrize("fault", ["truncate", "drop", "half_close", "reset"])
def test_a_broken_answer_is_no_absence(engine: Engine, fault: str) -> None:
    """A read whose answer ends early, or does not come, gives the value or an error: never that there is none."""
    engine.truth["here"] = "it is"
    for read in (
        lambda: engine.store.get("here"),
        lambda: engine.store.get_many(["here"])[0],
        lambda: list(engine.store),
    ):
        engine.proxy.fail(fault)
        answer = outcome(read)
        assert isinstance(answer, StoreError) or answer == "it is" or "here" in answer
    engine.proxy.disarm()


@pytest.mark.parametrize("fault", ["drop", "reset", "truncate", "half_close"])
@pytest.mark.parametrize("verb", list(VERBS))
def test_a_lost_answer_gives_no_wrong_one(engine: Engine, verb: str, fault: str) -> None:
    """The answer to the very request that writes is lost: the verb says what is true, or that it may have been done."""
    key, value = f"{verb}-{fault}", "new"
    if verb != "add":
        engine.truth[key] = "old"
    before = engine.truth.get(key, MISSING)
    engine.proxy.fail(fault, engine.deletes if verb in {"pop", "delete"} else engine.writes)
    answer = outcome(lambda: VERBS[verb](engine.store, key, before, value))
    after = engine.truth.get(key, MISSING)
    assert not judge(verb, before, after, value, answer)
    engine.proxy.disarm()
    assert engine.store.get(key, MISSING) == after


def test_faults_by_chance_give_no_wrong_answer(engine: Engine) -> None:
    """Whatever goes wrong with any request: each answer is true, or an error that says that it may have been done."""
    chance = random.Random(engine.store.__class__.__name__)
    proxy, wrong, calls, unanswered = engine.proxy, [], 0, 0
    begun = proxy.seen.total()
    calls_of = VERBS | READS
    while proxy.seen.total() < begun + FAULTS_OF_ONE_RUN:
        verb = chance.choice([*VERBS, *READS])
        key, value = f"k{chance.randrange(4)}", f"v{calls}"
        proxy.rate = 0
        before = engine.truth.get(key, MISSING)
        expected = before if before is not MISSING and chance.random() < 0.8 else "another"
        if verb == "replace" and before != expected:
            verb = "add"
        proxy.rate = 0.3
        answer = outcome(
            lambda verb=verb, key=key, value=value, before=expected: calls_of[verb](engine.store, key, before, value)
        )
        proxy.rate = 0
        calls += 1
        unanswered += isinstance(answer, UnansweredError)
        if mistake := judge(verb, before, engine.truth.get(key, MISSING), value, answer):
            wrong.append(f"{verb}: {mistake}; there was {before!r}, there is {engine.truth.get(key, MISSING)!r}")
    print(
        f"{type(engine.store).__name__}: {calls} calls, {dict(proxy.seen)}, {unanswered} unanswered, {len(wrong)} wrong"
    )
    assert not wrong
