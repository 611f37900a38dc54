"""A program with types, as a user writes it; `make check` reads it with both type checkers, and nothing runs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_type

from spoonbill import Cached, Codec, Frozen, Store, Typed, gt, prefix
from spoonbill.datastores import (
    FilesystemStore,
    InMemoryStore,
    LmdbStore,
    PysosStore,
    RedisStore,
    SafetensorsInMemoryStore,
    SafetensorsLmdbStore,
    SafetensorsStore,
    ShelveStore,
)


@dataclass
class User:
    """A value of the program's own."""

    name: str
    age: int


class Weights:
    """Stands for an array type."""

    size: int


# Stores that say what they hold: by the class, by its `open`, and by what the name is declared as.
users = LmdbStore[str, User]("users", strict=False, durability="process", map_size=1 << 30)
assert_type(users, LmdbStore[str, User])
assert_type(LmdbStore[str, User].open("users"), LmdbStore[str, User])
assert_type(Codec[str, User](LmdbStore("users"), strict=False), Codec[str, User])
assert_type(FilesystemStore[int, bytes]("s3://bucket", codec="raw", anon=True), FilesystemStore[int, bytes])
assert_type(PysosStore[str, list[int]](Path("file")), PysosStore[str, list[int]])
assert_type(ShelveStore[str, User]("shelf"), ShelveStore[str, User])
assert_type(RedisStore[str, str].from_connection("host", password="secret"), RedisStore[str, str])
assert_type(InMemoryStore({"a": 1}), InMemoryStore[str, int])
assert_type(SafetensorsLmdbStore[str, Weights]("weights"), SafetensorsLmdbStore[str, Weights])
assert_type(SafetensorsInMemoryStore[str, Weights](), SafetensorsInMemoryStore[str, Weights])
declared: Store[str, User] = LmdbStore("users")
opened: Store[str, User] = LmdbStore.open("users", strict=False)

# Stores that do not say it hold anything.
assert_type(LmdbStore("users"), LmdbStore[Any, Any])
assert_type(LmdbStore.open("users"), LmdbStore[Any, Any])
assert_type(ShelveStore("shelf"), ShelveStore[str, Any])
assert_type(SafetensorsStore.open("file.safetensors"), SafetensorsStore[str, Any])

# Reading.
assert_type(users["ada"], User)
assert_type(users.get("ada"), User | None)
assert_type(users.get("ada", User("nobody", 0)), User)
assert_type(users.get("ada", 0), User | int)
assert_type("ada" in users, bool)
assert_type(len(users), int)
assert_type(list(users), list[str])
assert_type(list(users.keys("a.*")), list[str])
assert_type(list(users.values()), list[User])
assert_type(list(users.items({"age": gt(40)}, limit=3)), list[tuple[str, User]])
assert_type(users.scan(prefix("a")), Iterator[str])
assert_type(users.copy(), dict[str, User])

# Objects of a class, which the layer names.
assert_type(Typed(InMemoryStore(), User)["ada"], User)
assert_type(Typed[str, User](LmdbStore("typed"), User), Typed[str, User])

# Writing.
users["ada"] = User("Ada", 36)
users.set("ada", User("Ada", 37))
users.update({"grace": User("Grace", 85)})
users.set_many([("alan", User("Alan", 41))])
assert_type(users.add("ada", User("Ada", 36)), bool)
assert_type(users.replace("ada", User("Ada", 36), User("Ada", 37)), bool)
assert_type(users.delete("ada"), bool)

# Layers around a store, and functions over any store.
cached = Cached[str, User](users, maxsize=100)
frozen = Frozen[str, User](cached)
assert_type(frozen["ada"], User)


def oldest(people: Store[str, User]) -> User | None:
    """Return whoever has lived longest."""
    return max(people.values(), key=lambda user: user.age, default=None)


def rename(people: Store[str, User], key: str, name: str) -> bool:
    """Give somebody another name, unless somebody else was faster."""
    before = people.get(key)
    return before is not None and people.replace(key, before, User(name, before.age))


assert_type(oldest(users), User | None)
assert_type(oldest(frozen), User | None)
assert_type(oldest(InMemoryStore({"ada": User("Ada", 36)})), User | None)
assert_type(rename(declared, "ada", "Ada L."), bool)

# Shares, which other processes read.
for share in users.shares(4, pattern=prefix("a")):
    assert_type(next(share.entries()), tuple[str, User])
    assert_type(list(share.keys()), list[str])

with LmdbStore[str, User].open("users") as inside:
    assert_type(inside["ada"], User)
