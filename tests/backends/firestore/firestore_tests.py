"""What the tests of Firestore share: a server, stores on it, and a client whose calls a test sees and can change."""

from itertools import count

import grpc
import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from spoonbill.datastores import Firestore
from tests.servers.firestore_server import HOST, OPTIONS, firestore_server

NUMBERS = count()


class Watch(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Notes what is asked and which documents come back.

    Attributes
    ----------
    calls : list
        The name of each call and its request.
    documents : list
        The fields of each document that the service sent, as a dict.
    before, after : callable or None
        Given the name of a call and its request, or its answer; may change them, or raise.
    """

    def __init__(self):
        self.calls = []
        self.documents = []
        self.before = self.after = None

    def _start(self, details, request):
        name = details.method.rpartition("/")[2]
        self.calls.append((name, type(request).pb(request)))
        if self.before is not None:
            self.before(name, type(request).pb(request))
        return name

    def intercept_unary_unary(self, continuation, details, request):
        name = self._start(details, request)
        call = continuation(details, request)
        if self.after is not None and call.exception() is None:
            self.after(name, type(call.result()).pb(call.result()))
        return call

    def intercept_unary_stream(self, continuation, details, request):
        self._start(details, request)
        return self._noted(continuation(details, request))

    def _noted(self, call):
        for answer in call:
            message = type(answer).pb(answer)
            for field in ("document", "found"):
                if field in message.DESCRIPTOR.fields_by_name and message.HasField(field):
                    self.documents.append(dict(getattr(message, field).fields))
            yield answer

    def names(self):
        """Return the names of the calls."""
        return [name for name, _ in self.calls]


def watched_client(watch):
    """Return Google's own client over a connection that a watch sees."""
    client = firestore.Client(**OPTIONS)
    channel = grpc.intercept_channel(client._firestore_api.transport.grpc_channel, watch)
    client._firestore_api_internal = FirestoreClient(transport=FirestoreGrpcTransport(channel=channel))
    return client


class FirestoreTests:
    """One server for a class of tests, and ways to its collections."""

    client = None

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls):
        """The server, and the raw client."""
        with firestore_server() as running, pytest.MonkeyPatch.context() as patched:
            patched.setenv(HOST, f"127.0.0.1:{running.port}")
            cls.client = firestore.Client(**OPTIONS)
            yield running

    @classmethod
    def opened(cls, name, **options):
        return Firestore.open(name, **{**OPTIONS, **options})

    @classmethod
    def read(cls, name, key):
        return cls.client.collection(name).document(key).get().to_dict()

    @classmethod
    def written(cls, name, key, fields):
        cls.client.collection(name).document(key).set(fields)

    @classmethod
    def watched(cls, name):
        watch = Watch()
        return Firestore.open(name, client=watched_client(watch)), watch.documents, watch.calls

    @pytest.fixture
    def name(self):
        return f"collection-{next(NUMBERS)}"

    @pytest.fixture
    def store(self, name):
        with self.opened(name) as store:
            yield store

    @pytest.fixture
    def watch(self):
        return Watch()

    @pytest.fixture
    def seen(self, name, watch):
        """A store whose calls a test sees."""
        with Firestore.open(name, client=watched_client(watch)) as store:
            yield store
