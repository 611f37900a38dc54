"""Run the commands in the pages of the docs, and write what they print under them; ``--check`` compares alone."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGES = (Path("docs/command-line.md"),)
PEOPLE = (
    {"id": "ada", "born": 1815, "country": "GB"},
    {"id": "grace", "born": 1906, "country": "US"},
    {"id": "linus", "born": 1969, "country": "FI"},
    {"id": "alan", "born": 1912, "country": "GB"},
)


def output_of(command: str, folder: str) -> str:
    """Return what a command prints, with the same duration each time."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path]), "COLUMNS": "100"}
    line = command.replace("spoonbill", f"{sys.executable} -m spoonbill", 1)
    done = subprocess.run(line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S602 - the commands of our own pages
    text = (done.stdout + done.stderr).replace(f"{os.path.realpath(folder)}/", "").replace(f"{folder}/", "")
    return re.sub(r"in \d+\.\d s", "in 0.1 s", text)


def with_output(page: str, folder: str) -> str:
    """Return a page whose blocks of commands hold what they print."""

    def block(match: re.Match[str]) -> str:
        commands = [line for line in match.group(1).splitlines() if line.startswith("$ ")]
        ran = (f"{command}\n{output_of(command[2:], folder)}" for command in commands)
        return f"```console\n{''.join(ran)}```"

    return re.sub(r"```console\n(.*?)```", block, page, flags=re.DOTALL)


def main() -> int:
    """Write the pages, or tell which one is out of date."""
    stale = 0
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            rows = "".join(json.dumps(row) + "\n" for row in PEOPLE)
            (Path(folder) / "people.jsonl").write_text(rows)
            text = page.read_text()
            made = with_output(text, folder)
        if text != made and "--check" in sys.argv:
            print(f"{page} is out of date: run `python scripts/console.py`")
            stale = 1
        elif text != made:
            page.write_text(made)
    return stale


if __name__ == "__main__":
    sys.exit(main())
