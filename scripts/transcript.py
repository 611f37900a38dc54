"""Run the long session of the docs in a terminal and write what it showed; a test runs it again and compares.

``python scripts/transcript.py`` writes docs/a-session.md anew. Numbers that no two runs share (seconds, rates, what a
copy had done when it was interrupted) are masked by `masked` for the comparison.
"""

import json
import os
import pty
import re
import select
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.servers import redis_server  # noqa: E402 - found by the line above

PAGE = ROOT / "docs" / "a-session.md"
ROWS = 100_000
COUNTRIES = ("CH", "DE", "FI", "FR", "GB", "IT", "JP", "US")
INTERRUPT = "^C"
SECONDS = 600.0


def write_rows(file: Path) -> None:
    """Write the rows that the session loads."""
    with file.open("w") as out:
        for number in range(ROWS):
            row = {
                "id": f"user:{number:06}",
                "name": f"user {number}",
                "born": 1930 + number * 7 % 80,
                "country": COUNTRIES[number % len(COUNTRIES)],
                "score": number % 1000 / 8,
            }
            out.write(json.dumps(row) + "\n")


def shown(data: bytes) -> str:
    """Return what a terminal shows in the end: of a bar only its last state."""
    lines = data.decode(errors="replace").replace("\r\n", "\n").split("\n")
    return "\n".join(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).rpartition("\r")[2].rstrip() for line in lines)


def in_terminal(command: str, folder: str, *, interrupt: bool) -> str:
    """Run a command in a pseudo-terminal; Ctrl-C is pressed when its bar moves, where that is asked for."""
    child, terminal = pty.fork()
    if child == 0:
        termios.tcsetwinsize(0, (24, 100))
        os.chdir(folder)
        path = os.pathsep.join([str(ROOT), *sys.path])
        os.execve(
            "/bin/sh", ["sh", "-c", command], {**os.environ, "PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "100"}
        )
    seen = b""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
        if interrupt and re.search(rb"copying: +[1-9]", seen):
            os.write(terminal, b"\x03")
            interrupt = False
    os.waitpid(child, 0)
    os.close(terminal)
    return shown(seen)


def run(command: str, folder: str, port: int) -> str:
    """Return what a command of the page shows."""
    interrupt = command.endswith(INTERRUPT)
    line = command.removesuffix(INTERRUPT).strip().replace("redis://localhost/", f"redis://127.0.0.1:{port}/")
    line = re.sub(r"^spoonbill", f"{sys.executable} -W ignore -m spoonbill", line)
    said = in_terminal(line, folder, interrupt=interrupt)
    said = said.replace(f"127.0.0.1:{port}", "localhost").replace(f"{os.path.realpath(folder)}/", "")
    return said.replace(f"{folder}/", "").strip("\n")


def made(page: str) -> str:
    """Return the page with what its commands show now."""
    with tempfile.TemporaryDirectory() as folder, redis_server.server() as running:
        write_rows(Path(folder) / "people.jsonl")

        def block(match: re.Match[str]) -> str:
            commands = [line[2:] for line in match.group(1).splitlines() if line.startswith("$ ")]
            said = (f"$ {command}\n{run(command, folder, running.port)}".rstrip() for command in commands)
            return "```console\n" + "\n".join(said) + "\n```"

        return re.sub(r"```console\n(.*?)\n```", block, page, flags=re.DOTALL)


def masked(page: str) -> str:
    """Return a page without the numbers that differ from run to run."""
    page = re.sub(r"(importing|exporting|copying|comparing): .*", r"\1: ...", page)
    page = re.sub(r"[\d,]+ copied", "N copied", page)
    return re.sub(r"in [\d.]+ s", "in T s", page)


if __name__ == "__main__":
    PAGE.write_text(made(PAGE.read_text()))
