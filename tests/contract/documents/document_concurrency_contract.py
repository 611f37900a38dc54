"""What a document store keeps while several threads and processes work on it, as tests."""

import multiprocessing
import pickle
import threading
from typing import Any

from spoonbill import prefix
from spoonbill.store import Store
from tests.contract.documents.document_fixtures import DocumentFixtures


def added_by_processes(pickled: bytes, name: str) -> None:
    """Count up one entry and add entries of one's own: what the two processes of a test run."""
    store = pickle.loads(pickled)
    for number in range(15):
        increment(store, "counter")
        store[f"{name}-{number}"] = {"n": number}
    store.close()


def increment(store: Store[Any, Any], key: str) -> None:
    """Count up one entry by compare and set."""
    while True:
        present = store[key]
        if store.replace(key, present, {"n": present["n"] + 1}):
            return


class DocumentConcurrencyContract(DocumentFixtures):
    # -- many at once ------------------------------------------------------------------------------------------

    def test_eight_threads_lose_nothing(self, store: Store[Any, Any]) -> None:
        """Counted by compare and set, added by name, popped once: every step of eight threads is there."""
        store["counter"] = {"n": 0}
        popped: list[Any] = []
        won: list[int] = []
        failed: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for step in range(5):
                    increment(store, "counter")
                    store[f"own-{number}-{step}"] = {"n": step}
                    if store.add(f"shared-{step}", {"by": number}):
                        won.append(step)
                        popped.append(store.pop(f"shared-{step}")["by"])
                store.set("same", {"by": number})
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert store["counter"] == {"n": 40}
        assert len(list(store.keys(prefix("own-")))) == 40
        assert len(popped) == len(won)
        assert not list(store.keys(prefix("shared-")))

    def test_two_processes_lose_nothing(self, store: Store[Any, Any]) -> None:
        """A pickled store works in two other processes on the same keys, and no count is lost."""
        store["counter"] = {"n": 0}
        context = multiprocessing.get_context("spawn")
        data = pickle.dumps(store)
        workers = [context.Process(target=added_by_processes, args=(data, name)) for name in ("x", "y")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0]
        assert store["counter"] == {"n": 30}
        assert len(store) == 31
