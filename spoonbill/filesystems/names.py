"""Any str key as a file name that people can read, and back.

Lower-case letters, digits and most punctuation stand for themselves, as do letters of scripts without case; ``^a`` is
``A``; ``%xx`` is a byte of UTF-8; the empty key is ``%``. Leading and trailing dots and spaces and the device names of
Windows are escaped, and a name of over 180 bytes is split into folders ``part~/``. Two keys never share a name, on any
filesystem.
"""

import re
import unicodedata

from spoonbill.errors import KeyDecodeError

KEEPERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-. =,@+()[]{}!#&;'")
_UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
LONGEST_PART = 180
"""Bytes of one part of a path: a longer name is split into folders."""
_DEVICES = r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|\Z)"
_DEVICE = re.compile(_DEVICES, re.IGNORECASE)
_MAYBE_DEVICE = re.compile(
    r"(c(o[nm]?)?|p(rn?)?|a(ux?)?|n(ul?)?|l(pt?)?)\Z|(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)", re.IGNORECASE
)
_PLAIN = re.compile(rf"(?!{_DEVICES})[a-z0-9_\-]{{1,180}}\Z")
_TOKEN = re.compile(rb"%([0-9a-f]{2})|\^([a-z])|([^%^])", re.DOTALL)


def path_of(key: str) -> str:
    """Return the path below the root for `key`."""
    if _PLAIN.match(key):
        return key
    if key == "":
        return "%"
    if key.isascii() and not _SPECIAL.match(key):
        path = key.translate(_TOKENS)
        if len(path) <= LONGEST_PART:
            return path
    return "/".join(_parts(_escaped_ends(key, [_token(character) for character in key])))


def _parts(tokens: list[str]) -> list[str]:
    """Return the folders and the name that the tokens are split into."""
    parts: list[str] = []
    part = ""
    for token in tokens:
        if len(part.encode()) + len(token.encode()) > LONGEST_PART:
            parts.append(part + "~")
            part = ""
        part += token
    return [*parts, part]


def stems_of(start: str) -> tuple[str, ...]:
    """Return beginnings of paths such that the path of every key that begins with `start` begins with one of them."""
    known = start.rstrip(". ")  # these are written otherwise at the end of a key
    try:
        tokens = [_token(character) for character in known]
    except UnicodeEncodeError:
        return ()  # no key has a lone surrogate
    if not tokens:
        return ("",)
    if known[0] in ". ":
        tokens[0] = _hex(known[0])
    stem = "/".join(_parts(tokens))
    # A device's name is written with its first character escaped, which "c" does not tell from any other word.
    return (stem, _hex(known[0])) if _MAYBE_DEVICE.match(known) else (stem,)


def key_of(path: str) -> str:
    """Return the key of a path below the root.

    Raises
    ------
    KeyDecodeError
        If `path_of` gives this path to no key.
    """
    if _PLAIN.match(path):
        return path
    if len(path) <= LONGEST_PART and _SIMPLE.match(path):
        return _ESCAPED.sub(_meaning, path)
    key = _decode(path)
    if key is None or path_of(key) != path:
        raise KeyDecodeError(
            f"the file {path!r} was not written by this store: move it away, or give the store a folder of its own",
            path,
        )
    return key


def keys_of(paths: list[str]) -> list[str]:
    """Return the keys of many paths below the root; faster than one by one.

    Raises
    ------
    KeyDecodeError
        If `path_of` gives one of these paths to no key.
    """
    text = "\n".join(paths)
    if not paths or not text.isascii() or max(map(len, paths)) > LONGEST_PART or _SPECIAL_LINE.search(text):
        return list(map(key_of, paths))
    known = text
    for token, character in _IN_ORDER:
        if token in known:
            known = known.replace(token, character)
    keys = known.split("\n")
    # What comes back as it was is written as `path_of` writes it.
    if len(keys) == len(paths) and "\n".join(keys).translate(_TOKENS_OF_LINES) == text:
        return keys
    return list(map(key_of, paths))


def _meaning(escaped: re.Match[str]) -> str:
    return _MEANINGS[escaped[0]]


def is_of_key(path: str) -> bool:
    """Return whether a path below the root is that of a key."""
    key = _decode(path)
    return key is not None and path_of(key) == path


def _decode(path: str) -> str | None:
    if path == "%":
        return ""
    name = path.replace("~/", "").encode(errors="surrogateescape")
    data = b""
    position = 0
    while position < len(name):
        token = _TOKEN.match(name, position)
        if token is None:
            return None
        byte, upper, plain = token.groups()
        data += bytes.fromhex(byte.decode()) if byte else upper.upper() if upper else plain
        position = token.end()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _token(character: str) -> str:
    if character in KEEPERS:
        return character
    if character in _UPPER:
        return f"^{character.lower()}"
    if not character.isascii() and character.isalpha() and _stable(character):
        return character
    return _hex(character)


def _hex(character: str) -> str:
    return "".join(f"%{byte:02x}" for byte in character.encode())


def _stable(character: str) -> bool:
    """Return whether no filesystem takes this letter for another: the same under case folding and in every form."""
    return (
        character == character.casefold() == character.lower() == character.upper().lower()
        and all(unicodedata.normalize(form, character) == character for form in ("NFC", "NFD", "NFKC", "NFKD"))
        and not unicodedata.combining(character)
        and unicodedata.category(character) == "Lo"
    )


_TOKENS = {code: _token(chr(code)) for code in range(128)}
_MEANINGS = {token: chr(code) for code, token in _TOKENS.items() if token != chr(code)}
_SPECIAL = re.compile(rf"[. ]|.*[. ]\Z|{_DEVICES}", re.IGNORECASE | re.DOTALL)
"""Keys of which the first character or the last one is written otherwise."""
_IN_ORDER = sorted(_MEANINGS.items(), key=lambda item: (item[1] in "%^", item[1] == "%"))
"""So that what one replacement makes is never taken for a token by a later one."""
_TOKENS_OF_LINES = _TOKENS | {ord("\n"): "\n"}
_ESCAPED = re.compile("|".join(map(re.escape, _MEANINGS)))
_ESCAPED_DEVICES = re.sub("(?=[a-z])", r"\\^?", _DEVICES)
_KEPT = re.escape("".join(sorted(KEEPERS)))
_SIMPLE = re.compile(rf"(?!{_ESCAPED_DEVICES})(?![. ])(?:[{_KEPT}]|{_ESCAPED.pattern})+(?<![. ])\Z")
"""Paths of keys in ASCII of which no end is special: each escape stands for what has to be escaped."""


_SPECIAL_LINE = re.compile(rf"^(?:[. ]|{_ESCAPED_DEVICES.replace('Z', 'Z|$')})|[. ]$", re.MULTILINE)


def _escaped_ends(key: str, tokens: list[str]) -> list[str]:
    if key[0] in ". ":
        tokens[0] = _hex(key[0])
    if key[-1] in ". ":
        tokens[-1] = _hex(key[-1])
    if _DEVICE.match(key):
        tokens[0] = _hex(key[0])
    return tokens
