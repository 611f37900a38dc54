"""Modal's service as far as `modal.Dict` needs it: its twelve calls, with the documented limits; and runs of apps.

``python servicer.py PORT FILE`` serves gRPC on PORT. FILE then holds the port of a control line, on which a test
sends one JSON object and reads one: what was called, other limits, a later clock, failures to come.
"""

import asyncio
import inspect
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.empty_pb2 import Empty
from grpclib import GRPCError, Status
from grpclib.server import Server, Stream
from modal_proto import api_grpc, api_pb2

from tests.servers.modal import apps

IDLE = 7 * 24 * 3600.0
"""Seconds without a read or a write after which an entry is gone."""

SECRET = "as-secret-of-the-tests"

LEGAL = re.compile(r"[a-zA-Z0-9\-_.]{1,64}")


@dataclass
class Dictionary:
    """One Dict: pickled keys and values as they came, each with the time of its last use."""

    id: str
    name: str
    environment: str
    created_at: float
    entries: dict[bytes, tuple[bytes, float]] = field(default_factory=dict)

    @property
    def metadata(self) -> api_pb2.DictMetadata:
        return api_pb2.DictMetadata(
            name=self.name, creation_info=api_pb2.CreationInfo(created_at=self.created_at, created_by="tests")
        )


@dataclass
class Service:
    """What the service knows, and what a test told it to do."""

    dictionaries: dict[str, Dictionary] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    most_counted: int = 100_000
    most_updates: int = 10_000
    most_bytes: int = 100 * 1024 * 1024
    ahead: float = 0.0
    failures: dict[str, list[str]] = field(default_factory=dict)
    slow: float = 0.0
    flying: int = 0
    most_flying: int = 0

    def now(self) -> float:
        return time.time() + self.ahead

    def find(self, dict_id: str) -> Dictionary:
        """Return a Dict, rid of what expired."""
        found = self.dictionaries.get(dict_id)
        if found is None:
            raise GRPCError(Status.NOT_FOUND, f"Dict {dict_id} not found")
        if self.ahead:
            alive = self.now() - IDLE
            found.entries = {key: entry for key, entry in found.entries.items() if entry[1] > alive}
        return found

    def control(self, order: dict[str, Any]) -> Any:
        """Do what a test asks for on the control line."""
        match order.pop("do"):
            case "calls":
                return {**self.calls, "side by side": self.most_flying}
            case "reset":
                self.calls.clear()
                self.most_flying = 0
            case "set":
                for name, value in order.items():
                    setattr(self, name, value)
        return {}


def serve_one(service: Service, name: str, answer: Any) -> Any:
    """Return the handler of a unary call: counted, failing where it was told to, else answered."""

    async def handler(self: Any, stream: Stream[Any, Any]) -> None:
        request = await stream.recv_message()
        await arrive(service, name, stream)
        try:
            made = answer(service, request)
            await stream.send_message(await made if inspect.isawaitable(made) else made)
        finally:
            service.flying -= 1

    return handler


async def arrive(service: Service, name: str, stream: Stream[Any, Any]) -> None:
    """Count a call, and let it wait or fail as the test wants it."""
    service.calls[name] += 1
    service.flying += 1
    service.most_flying = max(service.most_flying, service.flying)
    try:
        if not (stream.metadata and stream.metadata.get("x-modal-token-secret") == SECRET):
            raise GRPCError(Status.UNAUTHENTICATED, "Token missing or wrong")
        if service.slow:
            await asyncio.sleep(service.slow)
        if service.failures.get(name):
            raise GRPCError(Status[service.failures[name].pop(0)], "the test wants it so")
    except BaseException:
        service.flying -= 1
        raise


def get_or_create(service: Service, request: Any) -> Any:
    kind = request.object_creation_type
    name, environment = request.deployment_name, request.environment_name
    if kind == api_pb2.OBJECT_CREATION_TYPE_EPHEMERAL:
        name = ""
    elif not LEGAL.fullmatch(name):
        raise GRPCError(Status.INVALID_ARGUMENT, f"Invalid Dict name: {name!r}")
    for found in service.dictionaries.values():
        if name and (found.name, found.environment) == (name, environment):
            if kind == api_pb2.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS:
                raise GRPCError(Status.ALREADY_EXISTS, f"Dict {name!r} already exists")
            return api_pb2.DictGetOrCreateResponse(dict_id=found.id, metadata=found.metadata)
    if kind == api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED:
        raise GRPCError(Status.NOT_FOUND, f"Dict {name!r} not found in environment {environment!r}")
    made = Dictionary(f"di-{len(service.dictionaries):022}", name, environment, service.now())
    service.dictionaries[made.id] = made
    return api_pb2.DictGetOrCreateResponse(dict_id=made.id, metadata=made.metadata)


def get_by_id(service: Service, request: Any) -> Any:
    found = service.find(request.dict_id)
    return api_pb2.DictGetByIdResponse(dict_id=found.id, metadata=found.metadata)


def heartbeat(service: Service, request: Any) -> Any:
    service.find(request.dict_id)
    return Empty()


def get(service: Service, request: Any) -> Any:
    found = service.find(request.dict_id)
    if request.key not in found.entries:
        return api_pb2.DictGetResponse(found=False)
    value, _ = found.entries[request.key]
    found.entries[request.key] = (value, service.now())
    return api_pb2.DictGetResponse(found=True, value=value)


def update(service: Service, request: Any) -> Any:
    found = service.find(request.dict_id)
    if len(request.updates) > service.most_updates:
        raise GRPCError(Status.INVALID_ARGUMENT, f"{len(request.updates)} entries in one update are too many")
    if request.ByteSize() > service.most_bytes:
        raise GRPCError(Status.INVALID_ARGUMENT, "Received :status = '413'")
    created = False
    for entry in request.updates:
        if not (request.if_not_exists and entry.key in found.entries):
            found.entries[entry.key] = (entry.value, service.now())
            created = True
    return api_pb2.DictUpdateResponse(created=created)


def pop(service: Service, request: Any) -> Any:
    entry = service.find(request.dict_id).entries.pop(request.key, None)
    return api_pb2.DictPopResponse(found=entry is not None, value=b"" if entry is None else entry[0])


def contains(service: Service, request: Any) -> Any:
    return api_pb2.DictContainsResponse(found=request.key in service.find(request.dict_id).entries)


def length(service: Service, request: Any) -> Any:
    return api_pb2.DictLenResponse(len=min(service.most_counted, len(service.find(request.dict_id).entries)))


def clear(service: Service, request: Any) -> Any:
    service.find(request.dict_id).entries.clear()
    return Empty()


def delete(service: Service, request: Any) -> Any:
    del service.dictionaries[service.find(request.dict_id).id]
    return Empty()


def listing(service: Service, request: Any) -> Any:
    named = [found for found in service.dictionaries.values() if found.name]
    before = request.pagination.created_before or service.now() + 1
    wanted = [found for found in named if found.environment == request.environment_name and found.created_at < before]
    wanted.sort(key=lambda found: -found.created_at)
    infos = [
        api_pb2.DictListResponse.DictInfo(name=found.name, dict_id=found.id, metadata=found.metadata)
        for found in wanted[: request.pagination.max_objects or None]
    ]
    return api_pb2.DictListResponse(dicts=infos, environment_name=request.environment_name)


def serve_contents(service: Service) -> Any:
    """Return the handler of the one call that answers with a stream."""

    async def handler(self: Any, stream: Stream[Any, Any]) -> None:
        request = await stream.recv_message()
        assert request is not None
        await arrive(service, "DictContents", stream)
        try:
            for key, (value, _) in list(service.find(request.dict_id).entries.items()):
                shown = api_pb2.DictEntry(key=key if request.keys else b"", value=value if request.values else b"")
                await stream.send_message(shown)
        finally:
            service.flying -= 1

    return handler


UNARY = {
    "DictGetOrCreate": get_or_create,
    "DictGetById": get_by_id,
    "DictHeartbeat": heartbeat,
    "DictGet": get,
    "DictUpdate": update,
    "DictPop": pop,
    "DictContains": contains,
    "DictLen": length,
    "DictClear": clear,
    "DictDelete": delete,
    "DictList": listing,
    **apps.UNARY,
}


def servicer(service: Service) -> Any:
    """Return the servicer: every call that is not one of a Dict's is unimplemented."""

    async def unimplemented(self: Any, stream: Stream[Any, Any]) -> None:
        raise GRPCError(Status.UNIMPLEMENTED, "this server serves modal.Dict and runs of apps")

    calls: dict[str, Any] = {
        name: unimplemented for name, _ in inspect.getmembers(api_grpc.ModalClientBase) if name[0] != "_"
    }
    calls |= {name: serve_one(service, name, answer) for name, answer in UNARY.items()}
    calls["DictContents"] = serve_contents(service)
    return type("Servicer", (api_grpc.ModalClientBase,), calls)()


async def main(port: int, control_file: Path) -> None:
    """Serve until the process is ended."""
    service = Service()

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps(service.control(json.loads(await reader.readline()))).encode() + b"\n")
        await writer.drain()
        writer.close()

    control = await asyncio.start_server(obey, "127.0.0.1", 0)
    await asyncio.to_thread(control_file.write_text, str(control.sockets[0].getsockname()[1]))
    server = Server([servicer(service)])
    await server.start("127.0.0.1", port)
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
