"""The table of a store: its name in SQL, its columns, its indexes on fields."""

from typing import Any, Final

from spoonbill.backends.shared.documents import Filter
from spoonbill.backends.sqlite.connections import Connections

__all__ = ["Table", "quoted"]

_COLUMNS: Final = frozenset({"key", "value"})
_CLAUSE: Final = "CASE WHEN json_valid(value) THEN json_extract(value, {path}) END"


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


class Table:
    """A table with a text ``key`` that is unique, and a ``value``.

    Parameters
    ----------
    connections : Connections
        The way to the file.
    name : str
        The table's name.
    """

    def __init__(self, connections: Connections, name: str) -> None:
        self._connections = connections
        self.name = name
        self.sql = quoted(name)
        self._prefix = f"{name}:"

    def create(self) -> None:
        """Make the table where it is missing."""
        self._connections.changed(
            f"CREATE TABLE IF NOT EXISTS {self.sql} (key TEXT NOT NULL COLLATE BINARY PRIMARY KEY, value, expires)"
        )
        self._index_ends()

    def _index_ends(self) -> None:
        name = quoted(f"{self._prefix}expires")
        self._connections.changed(
            f"CREATE INDEX IF NOT EXISTS {name} ON {self.sql} (expires) WHERE expires IS NOT NULL"
        )

    def expires(self) -> bool:
        """Return whether it has the column for the time at which a row expires."""
        return "expires" in {row[1] for row in self._connections.rows(f"PRAGMA table_info({self.sql})")}

    def let_expire(self) -> None:
        """Give it that column where it has none."""
        with self._connections.atomically():
            if not self.expires():
                self._connections.mine().execute(f"ALTER TABLE {self.sql} ADD COLUMN expires")
        self._index_ends()

    def exists(self) -> bool:
        """Return whether there is such a table."""
        found = self._connections.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (self.name,))
        return bool(found)

    def fault(self) -> str:
        """Return why this table of another program cannot be a store; an empty text where it can."""
        columns = {row[1]: row[2] for row in self._connections.rows(f"PRAGMA table_info({self.sql})")}
        if not columns.keys() >= _COLUMNS:
            return f"its columns are {', '.join(columns)}, and a store's are key and value"
        if "TEXT" not in columns["key"].upper() and "CHAR" not in columns["key"].upper():
            return "its column key holds no text, so that two keys could be one"
        for row in self._connections.rows(f"PRAGMA index_list({self.sql})"):
            found = self._connections.rows(f"PRAGMA index_xinfo({quoted(row[1])})")
            parts = [part for part in found if part[5]]
            if row[2] and not row[4] and [part[2] for part in parts] == ["key"] and parts[0][4] == "BINARY":
                return ""
        return "its column key is not unique, or is compared by a collation, so that two keys could be one"

    def field(self, path: str) -> Filter:
        """Return the SQL of a field: as an index of it is written, where there is one."""
        if path in self.indexed():
            return Filter(_CLAUSE.format(path=_text(path)))
        return Filter(_CLAUSE.format(path="?"), (path,))

    def indexed(self) -> list[str]:
        """Return the paths of the fields that have an index."""
        found = self._connections.rows(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (self.name,)
        )
        return [name.removeprefix(self._prefix) for (name,) in found if name.startswith(f"{self._prefix}$.")]

    def create_index(self, path: str) -> None:
        """Make an index on a field where it has none."""
        name = quoted(self._prefix + path)
        self._connections.changed(
            f"CREATE INDEX IF NOT EXISTS {name} ON {self.sql} ({_CLAUSE.format(path=_text(path))})"
        )

    def drop_index(self, path: str) -> None:
        """Remove the index of a field."""
        self._connections.changed(f"DROP INDEX IF EXISTS {quoted(self._prefix + path)}")

    def search_plan(self, native: Filter) -> Any:
        """Return how SQLite finds the rows that pass, in its own words."""
        rows = self._connections.rows(
            f"EXPLAIN QUERY PLAN SELECT key FROM {self.sql} WHERE {native.sql}", native.operands
        )
        return "; ".join(row[3] for row in rows)


def _text(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"
