"""A cache that every function of an app on Modal shares: an answer that one of them computed, the others read.

The three ways to open a store on Modal: with the app and first data outside the run, with the app inside it, and with
the name alone inside a function.

Run it with ``python examples/modal_cache.py`` after ``pip install 'spoonbill-framework[modal]'`` and
``modal token new``. It makes one Dict of the name below, and leaves it there.
"""

import time

import modal

from spoonbill import prefix
from spoonbill.datastores import ModalStore

NAME = "spoonbill-cache"

image = modal.Image.debian_slim().pip_install("spoonbill-framework[modal]")
app = modal.App("spoonbill-cache")

# Outside the run. What is there already stays, so this line may run in every container as well.
store = ModalStore.open(name=NAME, app=app, data={"greeting": "hello from outside"})


@app.function(image=image)
def describe(number: int) -> str:
    """Return the divisors of a number, from the cache where any function has found them before."""
    cache = ModalStore.open(name=NAME)  # in a function: by its name alone
    key = f"divisors:{number}"
    if key not in cache:
        cache[key] = [divisor for divisor in range(1, number + 1) if number % divisor == 0]
        return f"{number}: computed {cache[key]}"
    return f"{number}: cached {cache[key]}"


def main() -> None:
    """Let functions fill the cache, and look at it from here."""
    with app.run():
        cache = ModalStore.open(name=NAME, app=app)  # inside the run
        cache.delete_many(list(cache.keys(prefix("divisors:"))))
        for number in (12, 97, 12):
            start = time.perf_counter()
            print(f"{describe.remote(number)} in {time.perf_counter() - start:.2f} s")
        print(cache["greeting"])
        print(f"in the cache: {sorted(cache.keys(prefix('divisors:')))}")


if __name__ == "__main__":
    main()
