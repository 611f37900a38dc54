"""A proxy that lets each answer wait, as a server in another city does: ``python benchmarks/latency.py FROM TO MS``."""

import asyncio
import sys
from contextlib import suppress


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
    """Write what is read, `delay` seconds later; what comes meanwhile waits beside it, not behind it."""
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while data := await source.read(1 << 16):
            loop.call_later(delay, target.write, data)
    loop.call_later(delay, target.close)


async def serve(port: int, behind: int, delay: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(pass_on(reader, questions, 0), pass_on(answers, writer, delay))

    server = await asyncio.start_server(connected, "127.0.0.1", port, backlog=256)
    await server.serve_forever()


if __name__ == "__main__":
    here, there, milliseconds = map(int, sys.argv[1:])
    asyncio.run(serve(here, there, milliseconds / 1000))
