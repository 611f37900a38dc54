"""A reader of pickles that knows plain builtin values and nothing else.

It reads the opcodes of all protocols (:mod:`pickletools` describes them) that pickles of such values have. The C reader
of :mod:`pickle` believes what a pickle says of itself: a memo's index of 2**29 takes gigabytes, and a dict whose key is
nested tuples ends the process. Here every size is compared with the bytes that are there, and what is hashed is
counted.
"""

import struct
from collections import Counter
from collections.abc import Callable
from pickle import decode_long
from typing import Any, Final

from spoonbill.common.nesting import MOST_COLLISIONS, MOST_LEVELS
from spoonbill.errors import CodecError

__all__ = ["read_plain_pickle"]

_HASHED: Final = 32  # parts of keys that may be hashed for each stored byte, beside the first million
_COPIED: Final = 2  # parts of sets and bytes that may be copied for each stored byte
_WORD: Final = 64


def read_plain_pickle(data: bytes) -> Any:
    """Return the value of a pickle of plain builtin values.

    Parameters
    ----------
    data : bytes
        The whole pickle, of any protocol.

    Raises
    ------
    CodecError
        It names a class or function that no plain value needs, or asks for more than its bytes are worth.
    Exception
        Whatever else is wrong with it: damage shows as the error of the operation that it breaks.
    """
    return _Reader(data).read()


class _Reader:
    """The machine that a pickle is a program for: a stack, a memo and a position."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        # Of tuples and frozensets with such inside, by id: the object (so that the id stays its own), levels, parts.
        self.nested: dict[int, tuple[Any, int, int]] = {}
        # Of large dicts and sets, by id: how many keys have which hash.
        self.hashes: dict[int, tuple[Any, Counter[int]]] = {}
        self.may_hash = _HASHED * len(data) + 1_000_000
        self.may_copy = _COPIED * len(data)

    def read(self) -> Any:
        data, operations = self.data, _OPERATIONS
        while True:
            opcode = data[self.at]
            self.at += 1
            if opcode == 0x2E:  # STOP
                break
            operation = operations[opcode]
            if operation is None:
                raise CodecError(f"the stored pickle has the opcode {opcode:#x}, which plain values never need")
            operation(self)
        if self.at != len(data):
            raise CodecError("the stored pickle cannot be loaded: there are bytes after its end")
        (value,) = self.stack
        return value

    # -- the input -----------------------------------------------------------------------------------------------

    def take(self, size: int) -> bytes:
        end = self.at + size
        if size < 0 or end > len(self.data):
            raise CodecError("the stored pickle is truncated")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def frame(self, size: int) -> None:
        if self.at + size > len(self.data):
            raise CodecError("the stored pickle is truncated")

    def line(self) -> bytes:
        end = self.data.index(b"\n", self.at)
        taken = self.data[self.at : end]
        self.at = end + 1
        return taken

    def size(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    # -- the stack -----------------------------------------------------------------------------------------------

    def pop(self) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def since_mark(self) -> list[Any]:
        at = self.marks.pop()
        parts = self.stack[at:]
        del self.stack[at:]
        return parts

    def top(self, *kinds: type) -> Any:
        value = self.stack[-1]
        if type(value) not in kinds:
            raise CodecError("the stored pickle adds parts to what has none")
        return value

    # -- what is hashed ------------------------------------------------------------------------------------------

    def count(self, made: Any) -> Any:
        """Note how many levels and parts a new tuple or frozenset has, where it has inner ones, and return it."""
        inner = [self.extent(part) for part in made if type(part) in _COUNTED]
        if inner and max(inner) > (0, 1):
            levels = 1 + max(inner)[0]
            if levels > MOST_LEVELS:
                raise CodecError(f"the stored pickle nests more than {MOST_LEVELS} levels of tuples and frozensets")
            self.nested[id(made)] = made, levels, len(made) + sum(parts for _, parts in inner)
        return made

    def extent(self, part: Any) -> tuple[int, int]:
        """Return the levels and the parts that are looked at to hash it: a large int is as many as it has words."""
        if type(part) is int:
            return 0, 1 + part.bit_length() // _WORD
        known = self.nested.get(id(part))
        return (1, len(part)) if known is None else known[1:]

    def may_be_keys(self, into: Any, keys: list[Any]) -> list[Any]:
        """Return the keys to be added to a dict or set, if their work is bounded and few have the same hash."""
        for key in keys:
            if type(key) in _COUNTED:
                self.may_hash -= self.extent(key)[1]
        if self.may_hash < 0:
            raise CodecError("the stored pickle has keys of too many parts, which are shared between them")
        if len(into) + len(keys) > MOST_COLLISIONS:
            _, counts = self.hashes.get(id(into)) or (into, Counter(map(hash, into)))
            self.hashes[id(into)] = into, counts
            counts.update(map(hash, keys))
            if max(map(counts.__getitem__, map(hash, keys)), default=0) > MOST_COLLISIONS:
                raise CodecError(f"the stored pickle has more than {MOST_COLLISIONS} keys whose hash is the same")
        return keys

    def set_items(self, into: dict[Any, Any], parts: list[Any]) -> dict[Any, Any]:
        into.update(zip(self.may_be_keys(into, parts[::2]), parts[1::2], strict=True))
        return into

    def add_items(self, into: set[Any], elements: list[Any]) -> set[Any]:
        into.update(self.may_be_keys(into, elements))
        return into

    # -- what is named -------------------------------------------------------------------------------------------

    def reduce(self) -> None:
        arguments, named = self.stack.pop(), self.stack[-1]
        if type(named) is not _Named or type(arguments) is not tuple:
            raise CodecError("the stored pickle calls something")
        self.stack[-1] = named.make(self, *arguments)

    def copying(self, source: Any) -> Any:
        """Return what is to be copied, if it is what a pickle of plain values copies: once, and no number of bytes."""
        self.may_copy -= len(source)
        if self.may_copy < 0:
            raise CodecError("the stored pickle copies the same parts again and again")
        return source

    def make_set(self, elements: Any = ()) -> set[Any]:
        return self.add_items(set(), list(self.copying(elements)))

    def make_frozenset(self, elements: Any = ()) -> frozenset[Any]:
        made: frozenset[Any] = self.count(frozenset(self.make_set(elements)))
        return made

    def make_bytes(self, source: bytes | str = b"", encoding: str = "latin-1") -> bytes:
        if type(source) is str and encoding in {"latin1", "latin-1"}:
            return bytes(self.copying(source).encode("latin-1"))
        if type(source) is not bytes:
            raise CodecError("the stored pickle makes bytes of something else")
        return source

    def make_bytearray(self, source: bytes | str = b"", encoding: str = "latin-1") -> bytearray:
        return bytearray(self.copying(self.make_bytes(source, encoding)))

    def make_complex(self, real: float, imaginary: float) -> complex:
        return complex(real, imaginary)


_COUNTED: Final = frozenset({tuple, frozenset, int})


class _Named:
    """A builtin that a pickle named: it can be called, and is no value."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make


# The builtins that pickles of plain values name: complex always, the others in protocols before 5.
_NAMED: Final = {
    "complex": _Named(_Reader.make_complex),
    "set": _Named(_Reader.make_set),
    "frozenset": _Named(_Reader.make_frozenset),
    "bytes": _Named(_Reader.make_bytes),
    "bytearray": _Named(_Reader.make_bytearray),
}


def _find(module: str, name: str) -> _Named:
    if module in {"builtins", "__builtin__"} and name in _NAMED:
        return _NAMED[name]
    if (module, name) == ("_codecs", "encode"):
        return _NAMED["bytes"]
    raise CodecError(
        f"the stored pickle names {module}.{name}, and only plain values are read here: strict=False reads it, which "
        "runs what the stored bytes say"
    )


def _global(reader: _Reader) -> None:
    reader.stack.append(_find(reader.line().decode(), reader.line().decode()))


def _stack_global(reader: _Reader) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise CodecError("the stored pickle names something by what is no name")
    reader.stack.append(_find(module, name))


def _text_int(reader: _Reader) -> Any:
    text = reader.line()
    return {b"00": False, b"01": True}[text] if text in {b"00", b"01"} else int(text)


def _text_str(reader: _Reader) -> str:
    text = reader.line().strip()
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in {b"'", b'"'}:
        raise CodecError("the stored pickle has a string without quotes")
    return text[1:-1].decode("unicode_escape").encode("latin-1").decode("ascii")


def _push(make: Callable[[_Reader], Any]) -> Callable[[_Reader], None]:
    return lambda reader: reader.stack.append(make(reader))


def _sized(width: int, make: Callable[[bytes], Any]) -> Callable[[_Reader], None]:
    return _push(lambda reader: make(reader.take(reader.size(width))))


def _fixed(form: str) -> Callable[[_Reader], None]:
    layout = struct.Struct(form)
    return _push(lambda reader: layout.unpack(reader.take(layout.size))[0])


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _ascii(data: bytes) -> str:
    return data.decode("ascii")


def _tuple_of(size: int) -> Callable[[_Reader], None]:
    def make(reader: _Reader) -> None:
        if len(reader.stack) < size:
            raise CodecError("the stored pickle makes a tuple of what is not there")
        reader.stack[-size:] = [reader.count(tuple(reader.stack[-size:]))]

    return make


def _append(reader: _Reader) -> None:
    part = reader.stack.pop()
    reader.top(list).append(part)


def _appends(reader: _Reader) -> None:
    parts = reader.since_mark()
    reader.top(list).extend(parts)


def _set_item(reader: _Reader) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    reader.set_items(reader.top(dict), [key, value])


def _set_items(reader: _Reader) -> None:
    parts = reader.since_mark()
    reader.set_items(reader.top(dict), parts)


def _add_items(reader: _Reader) -> None:
    parts = reader.since_mark()
    reader.add_items(reader.top(set), parts)


def _memoized(reader: _Reader, index: int) -> None:
    reader.stack.append(reader.memo[index])


def _memoize(reader: _Reader, index: int) -> None:
    if not 0 <= index < len(reader.data):
        raise CodecError(f"the stored pickle has {len(reader.data)} bytes and a memo's index of {index}")
    reader.memo[index] = reader.stack[-1]


_OPERATIONS: Final[list[Callable[[_Reader], Any] | None]] = [None] * 256
_BY_OPCODE: Final[dict[bytes, Callable[[_Reader], Any]]] = {
    b"\x80": lambda reader: reader.take(1),  # PROTO
    b"\x95": lambda reader: reader.frame(reader.size(8)),
    b"(": lambda reader: reader.marks.append(len(reader.stack)),
    b"0": _Reader.pop,
    b"1": _Reader.since_mark,
    b"2": lambda reader: reader.stack.append(reader.stack[-1]),
    b"N": lambda reader: reader.stack.append(None),
    b"\x88": lambda reader: reader.stack.append(True),
    b"\x89": lambda reader: reader.stack.append(False),
    b"I": _push(_text_int),
    b"L": _push(lambda reader: int(reader.line().removesuffix(b"L"))),
    b"J": _fixed("<i"),
    b"K": _push(lambda reader: reader.take(1)[0]),
    b"M": _fixed("<H"),
    b"\x8a": _sized(1, decode_long),
    b"\x8b": _sized(4, decode_long),
    b"F": _push(lambda reader: float(reader.line())),
    b"G": _fixed(">d"),
    b"S": _push(_text_str),
    b"T": _sized(4, _ascii),
    b"U": _sized(1, _ascii),
    b"V": _push(lambda reader: reader.line().decode("raw_unicode_escape")),
    b"X": _sized(4, _text),
    b"\x8c": _sized(1, _text),
    b"\x8d": _sized(8, _text),
    b"B": _sized(4, bytes),
    b"C": _sized(1, bytes),
    b"\x8e": _sized(8, bytes),
    b"\x96": _sized(8, bytearray),
    b"]": lambda reader: reader.stack.append([]),
    b"}": lambda reader: reader.stack.append({}),
    b")": lambda reader: reader.stack.append(()),
    b"\x8f": lambda reader: reader.stack.append(set()),
    b"a": _append,
    b"e": _appends,
    b"s": _set_item,
    b"u": _set_items,
    b"\x90": _add_items,
    b"l": _push(_Reader.since_mark),
    b"t": _push(lambda reader: reader.count(tuple(reader.since_mark()))),
    b"d": _push(lambda reader: reader.set_items({}, reader.since_mark())),
    b"\x91": _push(lambda reader: reader.count(frozenset(reader.add_items(set(), reader.since_mark())))),
    b"\x85": _tuple_of(1),
    b"\x86": _tuple_of(2),
    b"\x87": _tuple_of(3),
    b"g": lambda reader: _memoized(reader, int(reader.line())),
    b"h": lambda reader: _memoized(reader, reader.size(1)),
    b"j": lambda reader: _memoized(reader, reader.size(4)),
    b"p": lambda reader: _memoize(reader, int(reader.line())),
    b"q": lambda reader: _memoize(reader, reader.size(1)),
    b"r": lambda reader: _memoize(reader, reader.size(4)),
    b"\x94": lambda reader: _memoize(reader, len(reader.memo)),
    b"c": _global,
    b"\x93": _stack_global,
    b"R": _Reader.reduce,
}
for _opcode, _operation in _BY_OPCODE.items():
    _OPERATIONS[_opcode[0]] = _operation
