"""Two processes at the same keys: what each of them won, counted."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROUNDS = 150

_WORKER = """
import json, sys
from spoonbill.datastores import RedisStore
url, cluster, rounds = sys.argv[1], sys.argv[2] == "cluster", int(sys.argv[3])
with RedisStore(url, codec="msgpack", cluster=cluster) as store:
    store.add("ready-" + sys.argv[4], 1)
    while "ready-0" not in store or "ready-1" not in store:
        pass
    added = [n for n in range(rounds) if store.add(("added", n), sys.argv[4])]
    popped = [n for n in range(rounds) if store.pop(("popped", n), None) is not None]
    for _ in range(rounds):
        while not store.replace("counter", seen := store["counter"], seen + 1):
            pass
print(json.dumps({"added": added, "popped": popped}))
"""


def hammered(url: str, store: Any, *, cluster: bool = False) -> None:
    """Let two processes add, pop and replace the same keys of `store`, and check that every promise held."""
    store["counter"] = 0
    store.update({("popped", number): number for number in range(ROUNDS)})
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, url, "cluster" if cluster else "one", str(ROUNDS), str(number)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        for number in range(2)
    ]
    results = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    for what in ("added", "popped"):
        won = [number for result in results for number in result[what]]
        assert sorted(won) == list(range(ROUNDS)), f"{what} twice or never"
    for index, result in enumerate(results):
        assert {store["added", number] for number in result["added"]} <= {str(index)}
    assert not [number for number in range(ROUNDS) if ("popped", number) in store]
    assert store["counter"] == 2 * ROUNDS
