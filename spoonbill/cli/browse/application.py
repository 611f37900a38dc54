"""The answers of the page's server: its three files, and JSON about the store."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Final

import click
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spoonbill.cli.browse.editing import Editing
from spoonbill.cli.browse.looking import Looking
from spoonbill.errors import SpoonbillError
from spoonbill.store import Store

__all__ = ["application"]

ASSETS: Final = {
    "": ("index.html", "text/html"),
    "browse.css": ("browse.css", "text/css"),
    "browse.js": ("browse.js", "text/javascript"),
    "build.js": ("build.js", "text/javascript"),
    "values.js": ("values.js", "text/javascript"),
    "plots.js": ("plots.js", "text/javascript"),
}
_IDLE: Final = 20.0
_LARGEST: Final = 16 << 20

Answer = Callable[[Mapping[str, str]], dict[str, Any]]


def application(store: Store[Any, Any], *, write: bool) -> Starlette:
    """Return the application that shows a store; `write` allows changes.

    It answers whoever asks: `Guard` stands in front of it.
    """
    looking, editing = Looking(store, write=write), Editing(store)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        resting = asyncio.create_task(_rest(looking))
        yield
        resting.cancel()
        await run_in_threadpool(looking.stop)

    asking = {
        "store": looking.store,
        "keys": looking.keys,
        "value": looking.value,
        "explain": looking.explain,
        "sample": looking.sample,
    }
    routes = [Route(f"/{path}", _asset(*asset)) for path, asset in ASSETS.items()]
    routes += [Route(f"/api/{name}", _answering(answer), methods=["GET"]) for name, answer in asking.items()]
    routes.append(Route("/api/image", _image(looking), methods=["GET"]))
    if write:
        routes.append(Route("/api/set", _changing(editing.set), methods=["POST"]))
        routes.append(Route("/api/delete", _changing(editing.delete), methods=["POST"]))
    return Starlette(routes=routes, lifespan=lifespan)


async def _rest(looking: Looking) -> None:
    while True:
        await asyncio.sleep(_IDLE / 4)
        await run_in_threadpool(looking.release, _IDLE)


def _asset(name: str, kind: str) -> Any:
    data = files("spoonbill.cli.browse").joinpath("assets", name).read_bytes()

    async def answer(_: Request) -> Response:
        return Response(data, media_type=kind)

    return answer


def _answering(answer: Answer) -> Any:
    async def ask(request: Request) -> Response:
        return await _told(answer, dict(request.query_params))

    return ask


def _changing(answer: Answer) -> Any:
    async def change(request: Request) -> Response:
        if int(request.headers.get("content-length", _LARGEST + 1)) > _LARGEST:
            return JSONResponse({"error": f"a change has at most {_LARGEST:,} bytes"}, 413)
        try:
            asked = json.loads(await request.body())
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return JSONResponse({"error": "a change is an object of JSON"}, 400)
        return await _told(answer, asked)

    return change


def _image(looking: Looking) -> Any:
    async def image(request: Request) -> Response:
        kind, data = await run_in_threadpool(looking.image, dict(request.query_params))
        return Response(data, media_type=kind, status_code=200 if data else 404)

    return image


async def _told(answer: Answer, asked: Mapping[str, str]) -> Response:
    """Return an answer as JSON; an error of the store, or of what was asked, as its message."""
    try:
        return JSONResponse(await run_in_threadpool(answer, asked))
    except click.ClickException as error:
        return JSONResponse({"error": error.format_message()}, 400)
    except KeyError as error:
        return JSONResponse({"error": f"absent: {error}"}, 404)
    except (SpoonbillError, OSError, TypeError, ValueError) as error:
        return JSONResponse({"error": str(error)}, 400)
