"""Modal's service as far as the run of an app needs it: a function that is called runs in a process of its own.

The process stands for a container: it imports the function's module by name, as Modal does it there, and knows of the
caller only what the service tells it.
"""

import asyncio
import sys
from typing import Any

from google.protobuf.empty_pb2 import Empty
from modal_proto import api_pb2

CONTAINER = """
import importlib, pickle, sys
module, function = sys.argv[1:]
arguments, options = pickle.load(sys.stdin.buffer)
result = getattr(importlib.import_module(module), function).local(*arguments, **options)
sys.stdout.buffer.write(pickle.dumps(result))
"""

functions: dict[str, api_pb2.Function] = {}
running: dict[str, "asyncio.Task[api_pb2.GenericResult]"] = {}


def app_create(service: Any, request: Any) -> Any:
    return api_pb2.AppCreateResponse(app_id="ap-0123456789012345678901")


def environment(service: Any, request: Any) -> Any:
    settings = api_pb2.EnvironmentSettings(image_builder_version="2025.06")
    metadata = api_pb2.EnvironmentMetadata(name=request.deployment_name or "main", settings=settings)
    return api_pb2.EnvironmentGetOrCreateResponse(environment_id="en-0", metadata=metadata)


def image(service: Any, request: Any) -> Any:
    built = api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS)
    return api_pb2.ImageGetOrCreateResponse(image_id="im-0", result=built)


def mount(service: Any, request: Any) -> Any:
    return api_pb2.MountGetOrCreateResponse(mount_id="mo-0")


def uploaded(service: Any, request: Any) -> Any:
    return api_pb2.MountPutFileResponse(exists=True)


def existing(service: Any, request: Any) -> Any:
    return api_pb2.MountBatchedCheckExistenceResponse()


def metadata(name: str) -> api_pb2.FunctionHandleMetadata:
    return api_pb2.FunctionHandleMetadata(
        function_name=name,
        function_type=api_pb2.Function.FUNCTION_TYPE_FUNCTION,
        supported_input_formats=[api_pb2.DATA_FORMAT_PICKLE],
        supported_output_formats=[api_pb2.DATA_FORMAT_PICKLE],
    )


def precreate(service: Any, request: Any) -> Any:
    known = metadata(request.function_name)
    return api_pb2.FunctionPrecreateResponse(function_id=f"fu-{request.function_name}", handle_metadata=known)


def create(service: Any, request: Any) -> Any:
    name = f"fu-{request.function.function_name}"
    functions[name] = request.function
    ranked = api_pb2.FunctionData.RankedFunction(rank=0, function=request.function)
    data = api_pb2.FunctionData(ranked_functions=[ranked])
    return api_pb2.FunctionCreateResponse(
        function_id=name,
        function=request.function,
        function_data=data,
        handle_metadata=metadata(request.function.function_name),
    )


def call(service: Any, request: Any) -> Any:
    (item,) = request.pipelined_inputs
    called = f"fc-{len(running)}"
    running[called] = asyncio.create_task(contain(functions[request.function_id], item.input.args))
    inputs = [api_pb2.FunctionPutInputsResponseItem(input_id="in-0", idx=0)]
    return api_pb2.FunctionMapResponse(function_call_id=called, pipelined_inputs=inputs)


async def contain(function: api_pb2.Function, arguments: bytes) -> api_pb2.GenericResult:
    """Run a function in a process of its own, and return what became of it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CONTAINER, function.module_name, function.function_name),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(arguments)
    if process.returncode:
        failure = api_pb2.GenericResult.GENERIC_STATUS_FAILURE
        return api_pb2.GenericResult(status=failure, exception=errors.decode()[-2000:])
    return api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS, data=output)


async def outputs(service: Any, request: Any) -> Any:
    result = await running[request.function_call_id]
    item = api_pb2.FunctionGetOutputsItem(result=result, idx=0, input_id="in-0", data_format=api_pb2.DATA_FORMAT_PICKLE)
    return api_pb2.FunctionGetOutputsResponse(outputs=[item])


UNARY = {
    "AppCreate": app_create,
    "AppPublish": lambda service, request: api_pb2.AppPublishResponse(),
    "AppHeartbeat": lambda service, request: Empty(),
    "AppClientDisconnect": lambda service, request: Empty(),
    "EnvironmentGetOrCreate": environment,
    "ImageGetOrCreate": image,
    "MountGetOrCreate": mount,
    "MountPutFile": uploaded,
    "MountBatchedCheckExistence": existing,
    "FunctionPrecreate": precreate,
    "FunctionCreate": create,
    "FunctionMap": call,
    "FunctionGetOutputs": outputs,
}
