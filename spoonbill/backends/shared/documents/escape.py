"""Keys as the names of documents, for engines that cannot hold every string as one."""

import re

__all__ = ["KeyEscape"]


class KeyEscape:
    """Writes what an engine cannot hold in a name as ``~XX``, a byte of its UTF-8, and reads it back.

    ``~`` itself is always escaped, and the empty key is ``~``. So two keys never have one name, and no key means
    something else to the engine.

    Parameters
    ----------
    everywhere : str, optional
        Characters that are escaped wherever they stand.
    leading : tuple of str, optional
        Beginnings whose first character is escaped.
    trailing : str, optional
        Characters that are escaped at the end of a key.
    """

    def __init__(self, everywhere: str = "", leading: tuple[str, ...] = (), trailing: str = "") -> None:
        self._special = re.compile(f"[~{re.escape(everywhere)}]")
        self._leading = leading
        self._trailing = trailing

    def down(self, key: str) -> str:
        """Return the name of a key."""
        if not key:
            return "~"
        name = self._special.sub(_escaped, key)
        if self._trailing and name[-1] in self._trailing:
            name = name[:-1] + _escape(name[-1])
        if self._leading and name.startswith(self._leading):
            name = _escape(name[0]) + name[1:]
        return name

    def up(self, name: str) -> str:
        """Return the key of a name.

        Raises
        ------
        ValueError
            If no key has this name: another program wrote it.
        """
        if "~" not in name and self.down(name) == name:
            return name
        key = "" if name == "~" else _unescaped(name)
        if self.down(key) != name:
            raise ValueError(f"its escapes are not this store's, which would write {self.down(key)!r}")
        return key

    def prefix(self, text: str) -> str:
        """Return what the name of every key that begins with `text` begins with: shorter where escapes depend on more.

        The empty string where nothing is known.
        """
        text = text.rstrip(self._trailing) if self._trailing else text
        if not text or any(start.startswith(text) and start != text for start in self._leading):
            return ""
        return self.down(text)


def _escape(character: str) -> str:
    return "".join(f"~{byte:02X}" for byte in character.encode())


def _escaped(match: re.Match[str]) -> str:
    return _escape(match.group())


def _unescaped(name: str) -> str:
    data = re.sub(
        rb"~([0-9A-F]{2})", lambda match: bytes.fromhex(match.group(1).decode()), name.encode(errors="surrogatepass")
    )
    return data.decode()
