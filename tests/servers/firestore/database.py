"""The documents of the test server of Firestore, in memory, with their versions.

As the service documents it: a commit does all of its writes or none; preconditions on existence (ALREADY_EXISTS,
NOT_FOUND) and on the time of the last change (FAILED_PRECONDITION); a write that changes nothing keeps that time; reads
as of an earlier time; transactions whose commit is ABORTED where another changed what they read.
"""

import threading
import time
from bisect import insort

import grpc
from google.cloud.firestore_v1 import types
from google.protobuf.timestamp_pb2 import Timestamp

from tests.servers.firestore.query import parsed_path
from tests.servers.firestore.values import Refused, check_document, invalid

Document = types.Document.pb()


class Database:
    """All documents of one database, by their resource names."""

    def __init__(self):
        self.lock = threading.RLock()
        self._versions = {}
        self._collections = {}
        self._transactions = {}
        self._now = 0

    def now(self):
        """Return a time, in microseconds, later than every one before."""
        self._now = max(time.time_ns() // 1000, self._now + 1)
        return self._now

    def current(self, name, moment=None):
        """Return a document, None where there is none, as of now or of a time in microseconds."""
        for at, document in reversed(self._versions.get(name, ())):
            if moment is None or at <= moment:
                return document
        return None

    def documents(self, root, moment=None):
        """Return the documents of a collection in the order of their names."""
        found = [self.current(f"{root}/{name}", moment) for name in self._collections.get(root, ())]
        return [document for document in found if document is not None]

    def collections(self, parent):
        """Return the ids of the collections right below a document, or below the root."""
        roots = [root for root in self._collections if root.startswith(f"{parent}/") and self.documents(root)]
        return sorted({root[len(parent) + 1 :].partition("/")[0] for root in roots})

    # -- transactions ------------------------------------------------------------------------------------------

    def begin(self):
        token = b"transaction-%d" % self.now()
        self._transactions[token] = {}
        return token

    def note(self, token, name):
        """Remember which version of a document a transaction read."""
        if token not in self._transactions:
            raise invalid("The referenced transaction has expired or is no longer valid.")
        self._transactions[token].setdefault(name, self.current(name))

    def end(self, token):
        if token not in self._transactions:
            raise invalid("The referenced transaction has expired or is no longer valid.")
        return self._transactions.pop(token)

    # -- writes ------------------------------------------------------------------------------------------------

    def commit(self, writes, token=b""):
        """Do all writes or none; return the time of the commit and of each write."""
        if token and any(self.current(name) is not seen for name, seen in self.end(token).items()):
            raise Refused(grpc.StatusCode.ABORTED, "Aborted due to cross-transaction contention. Please retry.")
        staged = {}
        moment = self.now()
        for write in writes:
            name = write.delete or write.update.name
            present = staged[name] if name in staged else self.current(name)
            _check_precondition(write, name, present)
            staged[name] = None if write.delete else _written(write, present, moment)
        for name, document in staged.items():
            root, _, last = name.rpartition("/")
            if name not in self._versions:
                insort(self._collections.setdefault(root, []), last)
            if document is not self.current(name):
                self._versions.setdefault(name, []).append((moment, document))
        return moment, [staged[write.delete or write.update.name] for write in writes]


def _check_precondition(write, name, present):
    path = name.partition("/documents/")[2]
    check_document(path, {})
    kind = write.current_document.WhichOneof("condition_type")
    if kind == "exists":
        if write.current_document.exists and present is None:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"No document to update: {name}")
        if not write.current_document.exists and present is not None:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, f"Document already exists: {name}")
    if kind == "update_time" and (present is None or present.update_time != write.current_document.update_time):
        raise Refused(
            grpc.StatusCode.FAILED_PRECONDITION,
            "the stored version does not match the required base version",
        )


def _written(write, present, moment):
    document = Document()
    document.CopyFrom(write.update)
    if write.HasField("update_mask"):
        document = _merged(write, present)
    check_document(document.name.partition("/documents/")[2], document.fields)
    stamp = timestamp(moment)
    document.create_time.CopyFrom(stamp if present is None else present.create_time)
    document.update_time.CopyFrom(stamp)
    if present is not None and dict(present.fields) == dict(document.fields):
        return present
    return document


def _merged(write, present):
    document = Document()
    if present is not None:
        document.CopyFrom(present)
    document.name = write.update.name
    for text in write.update_mask.field_paths:
        *above, last = parsed_path(text)
        source, target = write.update.fields, document.fields
        for name in above:
            source, target = source[name].map_value.fields, target[name].map_value.fields
        if last in source:
            target[last].CopyFrom(source[last])
        elif last in target:
            del target[last]
    return document


def timestamp(micros):
    """Return a time in microseconds as a message."""
    return Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def microseconds(stamp):
    """Return a message's time in microseconds."""
    if stamp.nanos % 1000:
        raise invalid("read_time must be a whole number of microseconds.")
    return stamp.seconds * 1_000_000 + stamp.nanos // 1000
