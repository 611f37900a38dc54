"""A service on asyncio with two stores: notes on Redis behind a cache, files on S3 compressed and behind a cache.

Run it with ``uvicorn --app-dir examples/service app:app``. It takes its settings from the environment: ``NOTES`` (the
address of a Redis server), ``FILES`` (that of a bucket), ``FILES_OPTIONS`` (options of fsspec's filesystem, as JSON).
"""

import asyncio
import json
import os
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response

from spoonbill import AsyncStore, Cached, Codec, Compressed, Prefixed
from spoonbill.adapters import lifespan
from spoonbill.backends import Filesystem
from spoonbill.datastores import RedisStore
from spoonbill.errors import StoreError

PATIENCE = 2.0
"""Seconds that the health page waits for a store."""


def notes() -> Any:
    """Return the store of notes: documents as JSON, the popular ones in memory for a minute."""
    server = RedisStore(os.environ.get("NOTES", "redis://localhost:6379/0"), codec="json")
    return Cached(Prefixed(server, "notes:"), maxsize=10_000, ttl=60)


def files() -> Any:
    """Return the store of files: bytes as they are, compressed, the popular ones in memory."""
    bucket = Filesystem(os.environ.get("FILES", "s3://files"), **json.loads(os.environ.get("FILES_OPTIONS", "{}")))
    return Cached(Codec(Compressed(bucket), "raw"), maxsize=100, ttl=60)


app = FastAPI(title="Notes and files", lifespan=lifespan(notes=notes, files=files))


def of_notes(request: Request) -> AsyncStore[str, Any]:
    """Give a handler the notes."""
    return request.state.notes  # type: ignore[no-any-return]


def of_files(request: Request) -> AsyncStore[str, bytes]:
    """Give a handler the files."""
    return request.state.files  # type: ignore[no-any-return]


Notes = Annotated[AsyncStore[str, Any], Depends(of_notes)]
Files = Annotated[AsyncStore[str, bytes], Depends(of_files)]


@app.exception_handler(StoreError)
async def unavailable(_request: Request, error: StoreError) -> Response:
    """Say that a store cannot be reached, and what to do."""
    return Response(str(error), status_code=503, media_type="text/plain")


@app.get("/notes")
async def names(store: Notes, limit: int = 100) -> list[str]:
    """List the names of notes."""
    return await store.keys("*", limit)


@app.get("/notes/{name}")
async def note(name: str, store: Notes) -> Any:
    """Return a note."""
    found = await store.get(name)
    if found is None:
        raise HTTPException(404, f"there is no note {name!r}")
    return found


@app.put("/notes/{name}", status_code=204)
async def write_note(name: str, content: dict[str, Any], store: Notes) -> None:
    """Write a note."""
    await store.set(name, content)


@app.post("/notes/{name}/visits")
async def visit(name: str, store: Notes) -> int:
    """Count a visit, however many come at once."""
    return int(await store.increment(f"{name}:visits"))


@app.delete("/notes/{name}", status_code=204)
async def delete_note(name: str, store: Notes) -> None:
    """Remove a note."""
    if not await store.delete(name):
        raise HTTPException(404, f"there is no note {name!r}")


@app.get("/files/{name}")
async def file(name: str, store: Files) -> Response:
    """Return a file."""
    found = await store.get(name)
    if found is None:
        raise HTTPException(404, f"there is no file {name!r}")
    return Response(found, media_type="application/octet-stream")


@app.put("/files/{name}", status_code=204)
async def write_file(name: str, request: Request, store: Files) -> None:
    """Write a file."""
    await store.set(name, await request.body())


@app.get("/health")
async def health(request: Request, response: Response) -> dict[str, str]:
    """Tell for each store how it answers; 503 where one does not."""
    names = ("notes", "files")
    told = await asyncio.gather(*(_answer(getattr(request.state, name)) for name in names))
    if any(not answer.endswith("ms") for answer in told):
        response.status_code = 503
    return dict(zip(names, told, strict=True))


async def _answer(store: AsyncStore[Any, Any]) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            return f"{await store.ping() * 1000:.1f} ms"
    except TimeoutError:
        return f"no answer within {PATIENCE:g} seconds"
    except StoreError as error:
        return str(error)
