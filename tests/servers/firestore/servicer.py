"""Firestore for the tests: a service of our own on grpcio, written by the documentation of the real one.

What it does beside values, queries and commits (see the modules of those): at most 500 writes and 10 MiB a request;
BatchWrite does each write by itself, once a document; answers of BatchGetDocuments come in no particular order; a
count is an aggregation; a database other than ``(default)`` is not there. Projects named ``denied``, ``throttled``,
``expired`` and ``datastore`` answer every call with the error of that trouble. Not served: collection groups, OR,
listening, transforms, and composite indexes.

Run it with a port: ``python -m tests.servers.firestore.servicer 8080``.
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.cloud.firestore_v1 import types
from google.protobuf.empty_pb2 import Empty

from tests.servers.firestore.database import Database, microseconds, timestamp
from tests.servers.firestore.query import Query, masked
from tests.servers.firestore.values import Refused, check_document, invalid

MOST_WRITES = 500
MOST_BYTES = 10 << 20
TROUBLES = {
    "denied": (grpc.StatusCode.PERMISSION_DENIED, "Missing or insufficient permissions."),
    "throttled": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded."),
    "expired": (grpc.StatusCode.UNAUTHENTICATED, "Request had invalid authentication credentials."),
    "datastore": (
        grpc.StatusCode.FAILED_PRECONDITION,
        "The Cloud Firestore API is not available for Firestore in Datastore Mode database.",
    ),
}


class Servicer(grpc.GenericRpcHandler):
    """The calls, each a method named as the service names it."""

    def __init__(self):
        self._databases = {}
        self._lock = threading.Lock()

    def service(self, details):
        name = details.method.rpartition("/")[2]
        method = getattr(self, name, None)
        if method is None:
            return None
        request = getattr(types, f"{name}Request").pb()
        if name in STREAMS:
            return grpc.unary_stream_rpc_method_handler(
                lambda message, context: self._stream(method, message, context),
                request.FromString,
                lambda message: message.SerializeToString(),
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda message, context: self._answer(method, message, context),
            request.FromString,
            lambda message: message.SerializeToString(),
        )

    def _answer(self, method, message, context):
        try:
            database = self._database(message)
            with database.lock:
                return method(database, message)
        except Refused as refused:
            context.abort(refused.code, str(refused))

    def _stream(self, method, message, context):
        yield from self._answer(lambda *both: list(method(*both)), message, context)

    def _database(self, message):
        place = message.database if hasattr(message, "database") else message.parent
        name = place.partition("/documents")[0]
        _, project, _, database = name.split("/")
        if project in TROUBLES:
            raise Refused(*TROUBLES[project])
        if database != "(default)":
            raise Refused(grpc.StatusCode.NOT_FOUND, f"The database {database} does not exist for project {project}")
        with self._lock:
            return self._databases.setdefault(name, Database())

    # -- reading -----------------------------------------------------------------------------------------------

    def BatchGetDocuments(self, database, message):
        token = b""
        if message.HasField("new_transaction"):
            token = database.begin()
            yield types.BatchGetDocumentsResponse.pb()(transaction=token)
        token = message.transaction or token
        moment = microseconds(message.read_time) if message.HasField("read_time") else None
        for name in reversed(dict.fromkeys(message.documents)):
            check_document(name.partition("/documents/")[2], {})
            document = database.current(name, moment)
            if token:
                database.note(token, name)
            answer = types.BatchGetDocumentsResponse.pb()(read_time=timestamp(moment or database.now()))
            if document is None:
                answer.missing = name
            else:
                answer.found.CopyFrom(
                    masked(document, message.mask.field_paths) if message.HasField("mask") else document
                )
            yield answer

    def RunQuery(self, database, message):
        query = Query(message.structured_query, message.parent)
        moment = microseconds(message.read_time) if message.HasField("read_time") else None
        stamp = timestamp(moment or database.now())
        found = query.answers(database.documents(query.root, moment))
        for document in found:
            yield types.RunQueryResponse.pb()(document=document, read_time=stamp)
        if not found:
            yield types.RunQueryResponse.pb()(read_time=stamp)

    def RunAggregationQuery(self, database, message):
        aggregation = message.structured_aggregation_query
        query = Query(aggregation.structured_query, message.parent)
        found = query.answers(database.documents(query.root))
        answer = types.RunAggregationQueryResponse.pb()(read_time=timestamp(database.now()))
        for each in aggregation.aggregations:
            if each.WhichOneof("operator") != "count":
                raise Refused(grpc.StatusCode.UNIMPLEMENTED, "only count is served here")
            answer.result.aggregate_fields[each.alias].integer_value = len(found)
        yield answer

    def ListDocuments(self, database, message):
        found = database.documents(f"{message.parent}/{message.collection_id}")
        start = int(message.page_token or 0)
        end = start + (message.page_size or 100)
        kept = [
            masked(document, message.mask.field_paths) if message.HasField("mask") else document
            for document in found[start:end]
        ]
        token = str(end) if end < len(found) else ""
        return types.ListDocumentsResponse.pb()(documents=kept, next_page_token=token)

    def ListCollectionIds(self, database, message):
        return types.ListCollectionIdsResponse.pb()(collection_ids=database.collections(message.parent))

    # -- writing -----------------------------------------------------------------------------------------------

    def Commit(self, database, message):
        _check_size(message)
        moment, written = database.commit(message.writes, message.transaction)
        answer = types.CommitResponse.pb()(commit_time=timestamp(moment))
        for document in written:
            answer.write_results.add().update_time.CopyFrom(
                timestamp(moment) if document is None else document.update_time
            )
        return answer

    def BatchWrite(self, database, message):
        _check_size(message)
        names = [write.delete or write.update.name for write in message.writes]
        if len(set(names)) < len(names):
            raise invalid("Cannot write to the same document more than once in a BatchWrite.")
        answer = types.BatchWriteResponse.pb()()
        for write in message.writes:
            result, status = answer.write_results.add(), answer.status.add()
            try:
                moment, _ = database.commit([write])
            except Refused as refused:
                status.code, status.message = refused.code.value[0], str(refused)
            else:
                result.update_time.CopyFrom(timestamp(moment))
        return answer

    def BeginTransaction(self, database, message):
        return types.BeginTransactionResponse.pb()(transaction=database.begin())

    def Rollback(self, database, message):
        database.end(message.transaction)
        return Empty()


STREAMS = {"BatchGetDocuments", "RunQuery", "RunAggregationQuery"}


def _check_size(message):
    if len(message.writes) > MOST_WRITES:
        raise invalid(f"maximum {MOST_WRITES} writes allowed per request")
    if message.ByteSize() > MOST_BYTES:
        raise invalid(f"Request payload size exceeds the limit: {MOST_BYTES} bytes.")


def main(port):
    """Serve until the process is stopped."""
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(16), options=unlimited)
    server.add_generic_rpc_handlers((Servicer(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(int(sys.argv[1]))
