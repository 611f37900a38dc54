"""What a Redis server answers, read from bytes as they come."""

from typing import Any, Final

from redis._parsers.base import BaseParser

__all__ = ["Replies"]

_END: Final = b"\r\n"
_STRING, _ERROR_TEXT, _VERBATIM = b"$!="
_ARRAY, _SET, _PUSH, _MAP, _ATTRIBUTE = b"*~>%|"
_SIMPLE, _ERROR, _INTEGER, _BIG, _NULL, _BOOLEAN, _DOUBLE = b"+-:(_#,"
_SIZED: Final = frozenset(b"$!=")
_NESTED: Final = frozenset(b"*~>%|")


class _Nested:
    """An array, or what is written like one, whose items still come."""

    __slots__ = ("items", "kind", "wanted")

    def __init__(self, kind: int, size: int) -> None:
        self.kind = kind
        self.wanted = 2 * size if kind in {_MAP, _ATTRIBUTE} else size
        self.items: list[Any] = []

    def value(self) -> Any:
        return dict(zip(self.items[::2], self.items[1::2], strict=True)) if self.kind == _MAP else self.items


class Replies:
    """Reads answers of the protocol's second and third version. An error is an answer; what was pushed is left out."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._needed = 0  # bytes that the next item has, as far as that is known
        self._open: list[_Nested] = []

    def feed(self, data: bytes) -> list[Any]:
        """Return the answers that are complete now."""
        buffer, done, position = self._buffer, [], 0
        buffer += data
        if len(buffer) < self._needed:
            return []
        self._needed = 0
        while (end := buffer.find(_END, position)) >= 0:
            kind, line, after = buffer[position], bytes(buffer[position + 1 : end]), end + 2
            if kind in _NESTED:
                size = int(line)
                if size > 0:
                    self._open.append(_Nested(kind, size))
                    position = after
                    continue
                value = None if size < 0 else _Nested(kind, 0).value()
            elif kind in _SIZED:
                size = int(line)
                stop = after + max(size, 0)
                if size >= 0 and len(buffer) < stop + 2:
                    self._needed = stop + 2 - position
                    break
                value = None if size < 0 else _sized(kind, bytes(buffer[after:stop]))
                after = after if size < 0 else stop + 2
            else:
                value = _scalar(kind, line)
            position = after
            if not self._open:
                done.append(value)
            else:
                self._close(value, done)
        del buffer[:position]
        return done

    def _close(self, value: Any, done: list[Any]) -> None:
        """Put a value where it belongs, and every array that it completes."""
        while self._open:
            nested = self._open[-1]
            nested.items.append(value)
            if len(nested.items) < nested.wanted:
                return
            self._open.pop()
            if nested.kind in {_PUSH, _ATTRIBUTE}:
                return
            value = nested.value()
        done.append(value)


def _sized(kind: int, text: bytes) -> Any:
    if kind == _STRING:
        return text
    return _error(text) if kind == _ERROR_TEXT else text[4:]


def _scalar(kind: int, line: bytes) -> Any:
    if kind in {_INTEGER, _BIG}:
        return int(line)
    if kind == _SIMPLE:
        return line
    if kind == _ERROR:
        return _error(line)
    if kind == _BOOLEAN:
        return line == b"t"
    return float(line) if kind == _DOUBLE else None


def _error(text: bytes) -> Exception:
    return BaseParser.parse_error(text.decode("utf-8", "replace"))  # type: ignore[no-any-return, no-untyped-call]
