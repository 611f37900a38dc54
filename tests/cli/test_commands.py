"""The command line, driven as a user does: a real process, in pipes and in a terminal."""

import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import termios
import time

import pytest

from spoonbill.cli.group import COMMANDS
from spoonbill.datastores import LmdbStore, SafetensorsStore, ShelveStore

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "120"}
COMMAND = [sys.executable, "-m", "spoonbill"]


def run(*arguments, given=None, code=0, cwd=None):
    """Run a command and return what it printed."""
    done = subprocess.run(
        [*COMMAND, *arguments], input=given, capture_output=True, env=ENVIRONMENT, cwd=cwd, check=False
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def users(tmp_path):
    with LmdbStore(tmp_path / "users.lmdb") as store:
        store.update({"ada": {"born": 1815, "tags": ["a"]}, "grace": {"born": 1906}, "text": "words", "none": None})
    return f"lmdb:{tmp_path}/users.lmdb"


def test_single_entries(users, tmp_path):
    """get, set, del and ttl, with codes that mean something."""
    assert json.loads(run("get", users, "ada")[0]) == {"born": 1815, "tags": ["a"]}
    assert run("get", users, "nobody", code=1) == ("", "absent: nobody\n")
    run("set", users, "new", '{"a": [1, null]}')
    run("set", users, "typed", "-", given=b'"from stdin"')
    (tmp_path / "file").write_text("plain")
    run("set", users, "file", f"@{tmp_path}/file", "--text")
    run("set", users, "[1, 2]", "5", "--json-key")
    run("set", users, "ada", "1", "--add", code=1)
    assert "no JSON" in run("set", users, "bad", "words", code=2)[1]
    with LmdbStore(tmp_path / "users.lmdb") as store:
        assert store["new"] == {"a": [1, None]}
        assert (store["typed"], store["file"], store[(1, 2)]) == ("from stdin", "plain", 5)
    assert run("get", users, "file", "--raw")[0] == "plain"
    assert run("ttl", users, "ada")[0] == "stays\n"
    assert run("ttl", users, "nobody", code=1)[1]
    run("del", users, "new", "nobody")
    run("del", users, "new", code=1)
    assert "--yes" in run("del", users, "--all", code=2)[1]
    run("del", users, "--all", "--yes")
    assert run("count", users)[0] == "0\n"


def test_lists_and_searches(users):
    """keys, items and count by pattern and condition; JSON a line; explain tells how."""
    assert run("keys", users)[0].split() == ["ada", "grace", "none", "text"]
    assert run("keys", users, "--glob", "*a*", "--limit", "1")[0] == "ada\n"
    assert run("keys", users, "--where", "born=>1900")[0] == "grace\n"
    assert run("items", users, "--prefix", "g")[0] == 'grace\t{"born": 1906}\n'
    line = json.loads(run("items", users, "--where", "born=1815", "--json")[0])
    assert line == {"key": "ada", "value": {"born": 1815, "tags": ["a"]}}
    assert run("items", users, "--prefix", "a", "--where", "born=?")[0].startswith("ada")
    assert run("count", users, "--regex", ".*e")[0] == "3\n"
    assert "ranges of keys" in run("explain", users, "--prefix", "a")[0]
    assert "one of --glob" in run("keys", users, "--glob", "a", "--prefix", "a", code=2)[1]
    assert "FIELD=VALUE" in run("keys", users, "--where", "born", code=2)[1]


def test_looking(users, tmp_path):
    """info, stores and verify."""
    told = json.loads(run("info", users, "--json", "--ping")[0])
    assert told["store"]["class"] == "LmdbStore"
    assert told["ping"] > 0
    assert "threads" in run("info", users)[0]
    assert "lmdb:" in run("stores")[0]
    (tmp_path / "spoonbill.toml").write_text(f'[stores.mine]\nurl = "{users}"\n')
    assert json.loads(run("stores", "--json", cwd=tmp_path)[0])["stores"] == {"mine": users}
    assert run("get", "mine", "text", cwd=tmp_path)[0] == '"words"\n'
    with LmdbStore(tmp_path / "users.lmdb") as store:
        store.raw["ada"] = b"\xff\xff"
    assert "'ada'" in run("verify", users, code=1)[0]
    run("verify", users, "--fix", "--yes", code=1)
    assert run("verify", users)[1] == "0 damaged\n"


def test_moving(users, tmp_path):
    """copy, diff, sync, save and load."""
    other = f"file:{tmp_path}/files"
    assert "4 verified" in run("copy", users, other, "--verify")[1]
    assert run("diff", users, other) == ("", "")
    run("set", other, "ada", "1")
    run("set", other, "extra", "1")
    assert sorted(run("diff", users, other, code=1)[0].splitlines()) == ["changed\tada", "extra\textra"]
    run("sync", users, other)
    assert run("diff", users, other, "--json", code=1)[0] == '{"key": "extra", "kind": "extra"}\n'
    run("sync", users, other, "--delete", "--yes")
    run("diff", users, other)
    run("save", users, str(tmp_path / "s.snapshot"))
    run("load", f"lmdb:{tmp_path}/again", str(tmp_path / "s.snapshot"))
    assert "--yes" in run("load", other, str(tmp_path / "s.snapshot"), code=2)[1]
    run("diff", users, f"lmdb:{tmp_path}/again")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet", "arrow"])
def test_rows_go_out_and_come_in(ending, tmp_path):
    """What export writes, import reads; CSV holds text alone."""
    rows = {f"k{number}": {"n": number, "name": f"name {number}"} for number in range(30)}
    with LmdbStore(tmp_path / "a") as store:
        store.update(rows)
    file = str(tmp_path / f"rows.{ending}")
    assert "30 exported" in run("export", f"lmdb:{tmp_path}/a", file)[1]
    assert "30 imported" in run("import", f"lmdb:{tmp_path}/b", file, "--key", "key")[1]
    with LmdbStore(tmp_path / "b") as store:
        wanted = (
            {key: {"n": str(row["n"]), "name": row["name"]} for key, row in rows.items()} if ending == "csv" else rows
        )
        assert store.copy() == wanted
    assert "no field" in run("import", f"lmdb:{tmp_path}/c", file, "--key", "id", code=1)[1]


def test_other_peoples_files(tmp_path):
    """A table of SQLite, and files of shelve and sqlitedict, whose pickles want --trust."""
    with sqlite3.connect(tmp_path / "t.db") as connection:
        connection.execute("CREATE TABLE people (id TEXT, born INT)")
        connection.execute("INSERT INTO people VALUES ('ada', 1815)")
        connection.execute("CREATE TABLE unnamed (key TEXT, value BLOB)")
        connection.execute("INSERT INTO unnamed VALUES ('k', ?)", (b"\x80\x04]q\x00K\x01a.",))
    connection.close()
    target = f"lmdb:{tmp_path}/d"
    assert "--table" in run("import", target, str(tmp_path / "t.db"), code=1)[1]
    run("import", target, str(tmp_path / "t.db"), "--table", "people", "--key", "id")
    with ShelveStore(tmp_path / "s", dbm="dbm.dumb") as shelf:
        shelf["shelved"] = (1, 2)
    for file, kind in (("s.dat", "shelve"), ("t.db", "sqlitedict")):
        assert "--trust" in run("import", target, str(tmp_path / file), "--format", kind, code=1)[1]
        run("import", target, str(tmp_path / file), "--format", kind, "--trust")
    with LmdbStore(tmp_path / "d") as store:
        assert store.copy() == {"ada": {"born": 1815}, "shelved": (1, 2), "k": [1]}


def test_tensors_are_shown_and_exported(tmp_path):
    """A tensor is its dtype, shape and first numbers; export writes a file of safetensors."""
    import numpy as np

    SafetensorsStore.export_safetensors({"w": np.arange(6.0).reshape(2, 3)}, tmp_path / "m.safetensors")
    url = f"safetensors:{tmp_path}/m.safetensors"
    assert run("get", url, "w")[0] == "float64[2, 3]: 0, 1, 2, 3, 4, 5\n"
    assert json.loads(run("get", url, "w", "--json")[0])["shape"] == [2, 3]
    run("export", url, str(tmp_path / "again.safetensors"))
    assert SafetensorsStore(tmp_path / "again.safetensors")["w"].sum() == 15


def test_a_frame_is_shown_as_a_table(tmp_path):
    """A table of columns keeps its lines; bytes that are no text are hexadecimal."""
    import pyarrow as pa

    with ShelveStore(tmp_path / "s", dbm="dbm.dumb") as shelf:
        shelf["frame"] = pa.table({"name": ["ada", "grace"], "born": [1815, 1906]})
        shelf["bytes"] = b"\xff\x00\x01"
    url = f"shelve:{tmp_path}/s?dbm=dbm.dumb"
    lines = run("get", url, "frame")[0].splitlines()
    assert lines[0] == "Table of 2 by 2"
    assert "name: string" in lines
    assert run("get", url, "bytes")[0] == "3 bytes: ff 00 01\n"


def test_errors_have_codes_and_one_line(tmp_path):
    """2 for what was said wrongly, 3 for an engine that fails; no traceback."""
    for code, arguments in (
        (2, ("get", "lmbd:x", "a")),
        (2, ("no-such-command",)),
        (2, ("get", "lmdb:x")),
        (3, ("get", "redis://127.0.0.1:1/0?socket_connect_timeout=0.1&retry_for=0", "a")),
    ):
        said = run(*arguments, code=code)[1]
        assert "Traceback" not in said
        assert said.strip()
    assert not (tmp_path / "x").exists()


def test_every_command_has_an_example_in_its_help():
    """And the help of the whole lists every command."""
    whole = run("--help")[0]
    for name in COMMANDS:
        assert name in whole
        assert f"spoonbill {name}" in run(name, "--help")[0]


def test_help_imports_nothing_that_it_does_not_need():
    """What makes help quick: of spoonbill only the list of commands, and neither an engine nor a bar."""
    code = (
        "import runpy, sys\n"
        "sys.argv = ['spoonbill', '--help']\n"
        "try: runpy.run_module('spoonbill', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(*(name for name in sys.modules if name.partition('.')[0] not in sys.stdlib_module_names))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    imported = done.stdout.splitlines()[-1].split()
    assert {name for name in imported if name.startswith("spoonbill")} == {
        "spoonbill",
        "spoonbill.cli",
        "spoonbill.cli.group",
    }
    assert not {"rich", "tqdm", "fsspec", "lmdb", "numpy", "starlette"} & set(imported)


def test_a_reader_that_has_seen_enough(tmp_path):
    """``keys | head`` ends quietly."""
    with LmdbStore(tmp_path / "d", durability="process") as store:
        store.update({f"key {number:06}": 1 for number in range(50_000)})
    line = f"{sys.executable} -m spoonbill keys lmdb:{tmp_path}/d?durability=process | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, env=ENVIRONMENT, check=True)
    assert (done.stdout, done.stderr) == (b"key 000000\n", b"")


def in_terminal(command, answer=None):
    """Run a command in a pseudo-terminal, and return all that it showed and its code."""
    child, terminal = pty.fork()
    if child == 0:
        termios.tcsetwinsize(0, (24, 100))
        os.execve(sys.executable, [*COMMAND, *command], {**ENVIRONMENT, "TERM": "xterm"})
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
            if answer is not None and b"[y/N]" in shown:
                os.write(terminal, answer)
                answer = None
    _, status = os.waitpid(child, 0)
    return shown.decode(errors="replace"), os.waitstatus_to_exitcode(status)


def test_a_terminal_sees_a_bar_and_is_asked(users, tmp_path):
    """Long work shows a bar; what is dangerous asks, and a no changes nothing."""
    shown, code = in_terminal(["copy", users, f"file:{tmp_path}/f"])
    assert "copying" in shown
    assert "entries" in shown
    assert code == 0
    shown, code = in_terminal(["del", users, "--all"], b"n\n")
    assert "remove all 4 entries" in shown
    assert code == 130
    assert run("count", users)[0] == "4\n"
    _, code = in_terminal(["del", users, "--all"], b"y\n")
    assert code == 0
    assert run("count", users)[0] == "0\n"


def test_an_interrupted_copy_is_resumed(tmp_path):
    """Ctrl-C in the middle, then the same command again: equal."""
    with LmdbStore(tmp_path / "a", durability="process") as store:
        store.update({f"key {number:05}": {"n": number} for number in range(20_000)})
    command = [
        *COMMAND,
        "copy",
        f"lmdb:{tmp_path}/a?durability=process",
        f"file:{tmp_path}/b",
        "--resume",
        f"{tmp_path}/j",
    ]
    child = subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(1.5)
    child.send_signal(signal.SIGINT)
    child.communicate()
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True)
    assert run("diff", f"lmdb:{tmp_path}/a?durability=process", f"file:{tmp_path}/b")[0] == ""
