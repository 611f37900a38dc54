"""What LMDB alone can do wrong: a full map, other processes, forks, snapshots that are kept, memory that grows."""

import os
import random
import subprocess
import sys
import threading
import warnings

import lmdb
import pytest

from spoonbill import Codec
from spoonbill.backends import Lmdb
from spoonbill.datastores import LmdbStore
from spoonbill.errors import StoreError, UnsupportedError

SMALL = 1 << 18
"""A map of 256 KiB, which a few hundred values fill."""


def entries_on_disk(path):
    """Return what py-lmdb reads in another process."""
    code = (
        "import lmdb, sys\n"
        "with lmdb.open(sys.argv[1], readonly=True, map_size=1 << 30) as env, env.begin() as txn:\n"
        "    print(txn.stat()['entries'])\n"
    )
    return int(subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=True).stdout)


def run(code, *arguments):
    """Run Python code in a process of its own and return what it prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_full_map_grows_under_single_writes(tmp_path):
    """Single sets beyond the map's size all arrive: the map is made larger on the way."""
    store = LmdbStore(tmp_path / "d", map_size=SMALL, durability="process", codec="raw")
    for number in range(2000):
        store[f"{number:05d}"] = b"x" * 1000
    assert len(store) == 2000
    assert store.raw._shared.env.info()["map_size"] > SMALL
    assert entries_on_disk(tmp_path / "d") == 2000


def test_a_full_map_grows_under_a_batch(tmp_path):
    """A batch larger than the map arrives whole, in one transaction, also where it comes in several portions."""
    store = LmdbStore(tmp_path / "d", map_size=SMALL, durability="process", codec="raw")
    store["before"] = b"1"
    store.update((f"{number:06d}", b"x" * (10 if number < 200_000 else 2000)) for number in range(220_000))
    assert len(store) == 220_001
    store.replace_all((f"{number:06d}", b"y") for number in range(1000))
    assert len(store) == 1000
    assert entries_on_disk(tmp_path / "d") == 1000


@pytest.mark.parametrize("remove", [lambda s, k: s.delete(k), lambda s, k: s.pop(k), lambda s, k: s.delete_many([k])])
def test_a_full_map_grows_to_delete(tmp_path, remove):
    """Where the map has no page left for the copy that a delete writes, it grows, and the key goes."""
    path = tmp_path / "d"
    with lmdb.open(str(path), map_size=SMALL) as env:
        written = 0
        while True:  # until not one more small value fits
            try:
                with env.begin(write=True) as txn:
                    txn.put(f"{written:06d}".encode(), b"x" * 200)
                written += 1
            except lmdb.MapFullError:
                break
    store = LmdbStore(path, map_size=SMALL, codec="raw")
    for number in range(written):
        assert remove(store, f"{number:06d}")
    assert len(store) == 0
    assert entries_on_disk(path) == 0


def test_another_process_grew_the_map(tmp_path):
    """A map that another process made larger is followed, by reads and by writes."""
    store = LmdbStore(tmp_path / "d", map_size=SMALL, durability="process", codec="raw")
    store["mine"] = b"1"
    run(
        "import sys; from spoonbill.datastores import LmdbStore\n"
        "store = LmdbStore(sys.argv[1], map_size=1 << 26, durability='process', codec='raw')\n"
        "store.update({f'theirs-{n}': b'x' * 1000 for n in range(5000)})\n",
        tmp_path / "d",
    )
    assert store["mine"] == b"1"
    assert store["theirs-4999"] == b"x" * 1000
    assert len(store) == 5001
    store["more"] = b"2"
    assert entries_on_disk(tmp_path / "d") == 5002


def test_growth_beside_readers(tmp_path):
    """Readers of other threads go on, without an error and without a wrong answer, while the map grows."""
    store = LmdbStore(tmp_path / "d", map_size=SMALL, durability="process", codec="raw")
    store["fixed"] = b"value"
    done = threading.Event()
    wrong = []

    def read():
        while not done.wait(0.0002):
            try:
                for _ in range(20):
                    if store["fixed"] != b"value" or store.get_many(["fixed", "none"]) != [b"value", None]:
                        wrong.append("value")
            except Exception as error:
                wrong.append(repr(error))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(3000):
        store[str(number)] = b"x" * 1000
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len(store) == 3001


def test_growth_under_a_live_iterator_is_refused_and_loses_nothing(tmp_path):
    """A map cannot grow under a loop that owns a snapshot: the error says so, and the loop goes on."""
    store = LmdbStore(tmp_path / "d", map_size=SMALL, durability="process", codec="raw")
    store.update({str(number): b"1" for number in range(5)})
    loop = iter(store)
    next(loop)
    with pytest.raises(StoreError, match="iterator"):
        store.update({f"more-{number}": b"x" * 1000 for number in range(1000)})
    assert len(list(loop)) == 4
    assert len(store) == 5
    store.update({f"more-{number}": b"x" * 1000 for number in range(1000)})
    assert len(store) == 1005


def test_a_limited_address_space_gets_a_smaller_map(tmp_path):
    """Where the platform refuses a large map it is halved until it fits, and grows from there."""
    found = run(
        "import resource, sys\n"
        "from spoonbill.datastores import LmdbStore\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "store = LmdbStore(sys.argv[1], durability='process')\n"
        "store.update({str(n): 'x' * 1000 for n in range(3000)})\n"
        "print(store.raw._shared.env.info()['map_size'], len(store))\n",
        tmp_path / "d",
    )
    size, count = map(int, found.split())
    assert (1 << 24) <= size < (4 << 30)
    assert count == 3000


def test_no_read_transaction_outlives_its_call(tmp_path):
    """After reads of every kind no reader slot is held; only a live iterator holds one."""
    store = LmdbStore(tmp_path / "d", durability="process")
    store.update({str(number): number for number in range(100)})
    store["5"], "5" in store, len(store), store.get_many(["1", "2"]), list(store), dict(store.items())
    list(store.keys("5"))

    def held():
        rows = store.raw._shared.env.readers().splitlines()[1:]
        return sum(not row.split()[-1].startswith("-") for row in rows)

    assert held() == 0
    loop = iter(store)
    next(loop)
    assert held() == 1
    del loop
    assert held() == 0


def test_iteration_is_bounded_in_memory(tmp_path):
    """200,000 items pass by with less than 2 MB of growth in anonymous memory."""
    store = LmdbStore(tmp_path / "d", durability="process")
    store.update((f"key-{number:06d}", {"number": number}) for number in range(200_000))
    found = run(
        "import sys, gc\n"
        "from spoonbill.datastores import LmdbStore\n"
        "def anonymous():\n"
        "    with open('/proc/self/smaps_rollup') as file:\n"
        "        return next(int(line.split()[1]) for line in file if line.startswith('Anonymous:'))\n"
        "store = LmdbStore(sys.argv[1], durability='process')\n"
        "for _, _ in zip(range(1000), store.items()): pass\n"
        "gc.collect(); before = anonymous(); most = count = 0\n"
        "for key, value in store.items():\n"
        "    count += 1\n"
        "    if count % 20_000 == 0: most = max(most, anonymous())\n"
        "for key in store:\n"
        "    count += 1\n"
        "    if count % 20_000 == 0: most = max(most, anonymous())\n"
        "print(most - before, count)\n",
        tmp_path / "d",
    )
    growth, count = map(int, found.split())
    assert count == 400_000
    assert growth < 2048  # kB


def test_writes_survive_a_kill(tmp_path):
    """What was set before the process is killed is there afterwards, in both durabilities."""
    code = (
        "import os, signal, sys; from spoonbill.datastores import LmdbStore\n"
        "store = LmdbStore(sys.argv[1], durability=sys.argv[2])\n"
        "store['a'] = 1; store.update({'b': 2}); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for durability in ("disk", "process"):
        path = tmp_path / durability
        killed = subprocess.run([sys.executable, "-c", code, str(path), durability], check=False)
        assert killed.returncode == -9
        assert LmdbStore(path, durability=durability).copy() == {"a": 1, "b": 2}


def child_of(work):
    """Fork, run `work` in the child, and return the exit code: 0 where it returned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # threads and forks: that they get on is what is tested
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:
            print(f"in the child: {error!r}", file=sys.stderr)
        finally:
            os._exit(code)
    return pid


def exit_code(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_fork_with_writing_and_reading_threads(tmp_path):
    """Parent and child each do 2,000 operations after a fork, though threads wrote and read at that moment."""
    store = LmdbStore(tmp_path / "d", durability="process")
    store["read"] = 0
    stop = threading.Event()
    wrong = []

    def busy(work):
        try:
            while not stop.is_set():
                work()
        except Exception as error:
            wrong.append(repr(error))

    threads = [
        threading.Thread(target=busy, args=(lambda: store.set("thread", 1),)),
        threading.Thread(target=busy, args=(lambda: store["read"],)),
    ]

    def operations(name):
        for number in range(1000):
            store[f"{name}-{number}"] = number
            assert store[f"{name}-{number}"] == number

    for thread in threads:
        thread.start()
    pids = [child_of(lambda name=f"child{turn}": operations(name)) for turn in range(3)]
    stop.set()
    for thread in threads:
        thread.join()
    operations("parent")
    assert [exit_code(pid) for pid in pids] == [0, 0, 0]
    assert wrong == []
    assert len(list(store.keys("child"))) == 3000
    assert len(list(store.keys("parent"))) == 1000


def test_forks_leak_no_reader_slot(tmp_path):
    """Children that read and end leave no slot of the reader table behind, and neither does the parent."""
    store = LmdbStore(tmp_path / "d", durability="process")
    store["a"] = 1
    for _ in range(20):
        assert exit_code(child_of(lambda: [store["a"], list(store.items())])) == 0
        assert store["a"] == 1
    store.raw._shared.env.reader_check()
    assert len(store.raw._shared.env.readers().splitlines()) <= 3  # a heading, and this process


def test_fork_with_a_live_iterator(tmp_path):
    """With a live iterator the child is refused with a clear error, and the parent's loop goes on."""
    store = LmdbStore(tmp_path / "d", durability="process")
    store.update({str(number): number for number in range(10)})
    loop = iter(store)
    next(loop)

    def refused():
        for work in (lambda: store["1"], lambda: store.set("1", 2), lambda: list(store), lambda: len(store)):
            with pytest.raises(StoreError, match="iterator"):
                work()

    assert exit_code(child_of(refused)) == 0
    assert len(list(loop)) == 9
    assert exit_code(child_of(lambda: store.set("after", 1))) == 0
    assert store["after"] == 1


def test_writing_while_iterating_sees_the_snapshot(tmp_path):
    """A loop sees the moment when it began, whatever is written meanwhile."""
    store = LmdbStore(tmp_path / "d", durability="process")
    store.update({str(number): 0 for number in range(1000)})
    seen = 0
    for key, value in store.items():
        assert value == 0
        store[key] = 1
        del store[str(999 - int(key))]
        store[f"new-{key}"] = 1
        seen += 1
    assert seen == 1000


def test_one_environment_a_path(tmp_path):
    """Two stores on one path share the environment; other options are refused by name."""
    first = LmdbStore(tmp_path / "d", durability="process")
    second = LmdbStore(tmp_path / "x" / ".." / "d", durability="process")
    first["a"] = 1
    assert second["a"] == 1
    second.close()
    assert first["a"] == 1
    with pytest.raises(UnsupportedError, match="options"):
        LmdbStore(tmp_path / "d", durability="disk")


def test_keys_of_every_kind_in_order_and_back(tmp_path):
    """Plain keys, marked keys, the empty key and keys before the marker are listed with their own types."""
    keys = ["", " ", "!", "!x", '"', "a", "\u00e9", 0, -1, 1.5, None, (1, "a"), b"x", "a\0!b", "\ud800"]
    random.Random(7).shuffle(keys)
    store = LmdbStore(tmp_path / "d", durability="process")
    for number, key in enumerate(keys):
        store[key] = number
    assert set(store) == set(keys)
    assert dict(store.items()) == {key: number for number, key in enumerate(keys)}
    assert store.get_many([*keys, "none", "!none"]) == [*range(len(keys)), None, None]
    store.update({key: str(key) for key in keys if key != "\ud800"})
    assert store["!x"] == "!x"
    assert store[(1, "a")] == "(1, 'a')"
    assert store.delete_many(keys) == len(keys)


def test_keys_of_other_programs_are_refused_by_name(tmp_path):
    """A key that is no UTF-8 raises an error that shows it, and the other keys stay within reach."""
    with lmdb.open(str(tmp_path / "d")) as env, env.begin(write=True) as txn:
        txn.put(b"\xfe\xfe", b"1")
        txn.put(b"good", b"2")
    store = Lmdb(tmp_path / "d")
    assert store["good"] == b"2"
    with pytest.raises(ValueError, match=r"\\xfe\\xfe"):
        list(store)
    assert Codec(store, "raw")["good"] == b"2"


def test_a_read_only_environment_reads_and_refuses_writes(tmp_path):
    """readonly=True is py-lmdb's own option: reading works, and a write is an error that names the key."""
    with LmdbStore(tmp_path / "d") as store:
        store["a"] = 1
    del store
    reader = LmdbStore(tmp_path / "d", readonly=True)
    assert reader.copy() == {"a": 1}
    with pytest.raises(StoreError, match="'b'"):
        reader["b"] = 2


def test_a_large_map_takes_no_disk(tmp_path):
    """A large map is address space alone: the file on disk stays as small as its data."""
    store = LmdbStore(tmp_path / "d")
    store["a"] = 1
    assert (tmp_path / "d" / "data.mdb").stat().st_blocks * 512 < 1 << 20
