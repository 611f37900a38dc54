"""The table of a store: its names in SQL, its columns, its indexes on fields."""

import hashlib
import json
from typing import Any, Final

from spoonbill.backends.postgresql.connections import Connections
from spoonbill.backends.postgresql.errors import is_made_already
from spoonbill.backends.postgresql.scheme import text_down
from spoonbill.backends.shared.documents import RESERVED, Path, Resource
from spoonbill.errors import StoreError

__all__ = ["LONGEST_NAME", "Table", "quoted"]

LONGEST_NAME: Final = 63
"""Bytes of a name; PostgreSQL cuts a longer one, and two tables would be one."""

_MARK: Final = "spoonbill index: "
_COLUMNS: Final = """
SELECT a.attname, t.typname, a.attcollation <> 0 AND coalesce(l.collname <> 'C', true), a.atttypmod
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped"""
_UNIQUE: Final = """
SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL
AND a.attname = 'key'"""
_INDEXES: Final = """
SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::text::regclass"""


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


class Table(Resource):
    """A table with a text ``key`` by code points, a ``value``, and the time at which a row ``expires``.

    Parameters
    ----------
    connections : Connections
        The way to the server.
    store : str
        The store, for errors.
    name : str
        The table's name.
    schema : str or None
        Its schema.
    kind : str
        The type of the column ``value``: ``"jsonb"`` or ``"bytea"``.
    create : bool
        Whether it may be made.
    """

    def __init__(
        self, connections: Connections, store: str, name: str, schema: str | None, kind: str, *, create: bool
    ) -> None:
        super().__init__(create=create)
        self.connections, self._store, self.name, self._kind = connections, store, name, kind
        self.sql = quoted(name) if schema is None else f"{quoted(schema)}.{quoted(name)}"
        self._prefix = "" if schema is None else f"{quoted(schema)}."

    # -- the table itself --------------------------------------------------------------------------------------

    def describe(self) -> bool:
        rows = self.connections.ask("SELECT to_regclass($1)::text", (self.sql,))
        if rows[0][0] is None:
            return False
        if fault := self._fault():
            raise StoreError(f"{self._store}: the table {self.name!r} is no store: {fault}")
        return True

    def _fault(self) -> str:
        columns = {row[0]: row[1:] for row in self.connections.ask(_COLUMNS, (self.sql,))}
        if not columns.keys() >= {"key", "value", "expires"}:
            return (
                f"its columns are {', '.join(columns)}, and a store's are key, value and expires; choose another "
                "table=, or add what is missing: expires is a timestamptz that may be NULL"
            )
        if columns["key"][0] not in {"text", "varchar"} or columns["key"][2] != -1 or columns["key"][1]:
            return 'its column key is no text COLLATE "C", by which keys are kept apart and in order'
        if columns["value"][0] != self._kind:
            remedy = "with codec= or strict=False" if self._kind == "jsonb" else "without codec= and with strict=True"
            return f"its column value is {columns['value'][0]}: open it {remedy}, or choose another table="
        if columns["expires"][0] != "timestamptz":
            return "its column expires is no timestamptz"
        if not self.connections.ask(_UNIQUE, (self.sql,)):
            return "its column key is not unique: give it a primary key"
        return ""

    def make(self) -> None:
        try:
            self._make()
        except Exception as error:
            if not is_made_already(error):  # the look inside may miss what was committed a moment ago
                raise

    def _make(self) -> None:
        with self.connections.transaction() as connection:
            ask = self.connections.cursor(connection).execute
            # Two that make one table at once would both find it missing.
            ask("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", (self.sql,))
            if ask("SELECT to_regclass($1)", (self.sql,)).fetchone() != (None,):
                return
            ask(
                f'CREATE TABLE {self.sql} (key text COLLATE "C" PRIMARY KEY, value {self._kind} NOT NULL, '
                "expires timestamptz)"
            )
            ask(f"CREATE INDEX ON {self.sql} (expires) WHERE expires IS NOT NULL")

    def missing(self) -> str:
        return (
            f"{self._store}: there is no table {self.name!r}, and create=False forbids to make it; check the name, or "
            "open the store with create=True"
        )

    # -- indexes -----------------------------------------------------------------------------------------------

    def indexed(self) -> dict[str, str]:
        """Return the fields that have an index, each as a JSON list of names, with the name of the index."""
        rows = self.connections.ask(_INDEXES, (self.sql,))
        return {note.removeprefix(_MARK): name for name, note in rows if note and note.startswith(_MARK)}

    def create_index(self, where: Path) -> None:
        """Make an index on a field where it has none, and small ones on the maps around it that hold it wrapped."""
        with self.connections.transaction() as connection:
            self._make_index(connection, where, "")
            for around in _around(where):
                self._make_index(connection, around, " IS NOT NULL")
            connection.execute(f"ANALYZE {self.sql}")

    def _make_index(self, connection: Any, where: Path, condition: str) -> None:
        name = self._index_name(where, condition)
        index, statistics = f"{self._prefix}{quoted(name)}", f"{self._prefix}{quoted(name + '_s')}"
        names = ", ".join(_literal(text_down(each), connection) for each in where)
        field = f"(value #> ARRAY[{names}]::text[])"
        rest = f" WHERE {field}{condition}" if condition else ""
        connection.execute(f"CREATE INDEX IF NOT EXISTS {quoted(name)} ON {self.sql} ({field}){rest}")
        note = "" if condition else _MARK + json.dumps(where)
        connection.execute(f"COMMENT ON INDEX {index} IS {_literal(note, connection)}")
        if condition:  # else the planner takes nearly every row for one that has such a field
            connection.execute(f"CREATE STATISTICS IF NOT EXISTS {statistics} ON {field} FROM {self.sql}")

    def _index_name(self, where: Path, condition: str) -> str:
        digest = hashlib.sha256(f"{self.sql} {json.dumps(where)}{condition}".encode()).hexdigest()
        return f"spoonbill_{digest[:32]}"

    def drop_index(self, where: Path) -> None:
        """Remove the index of a field, and those around it that serve no other."""
        paths = [tuple(json.loads(note)) for note in self.indexed()]
        others = {around for path in paths if path != where for around in _around(path)}
        names = [self._index_name(around, " IS NOT NULL") for around in _around(where) if around not in others]
        for name in (self._index_name(where, ""), *names):
            self.connections.change(f"DROP INDEX IF EXISTS {self._prefix}{quoted(name)}")
            self.connections.change(f"DROP STATISTICS IF EXISTS {self._prefix}{quoted(name + '_s')}")

    # -- a look at a search ------------------------------------------------------------------------------------

    def search_plan(self, where: str, operands: tuple[Any, ...]) -> str:
        """Return how the server finds the rows that pass, in its own words."""
        rows = self.connections.ask(f"EXPLAIN (COSTS OFF) SELECT key FROM {self.sql} WHERE {where}", operands)
        return "; ".join(row[0].strip() for row in rows)


def _around(where: Path) -> list[Path]:
    """Return the places where the maps around a field would hold it wrapped."""
    return [(*where[:depth], RESERVED) for depth in range(1, len(where))]


def _literal(text: str, connection: Any) -> str:
    """Return a text as SQL writes it: what makes an index takes no operands."""
    from psycopg.sql import Literal

    return Literal(text).as_string(connection)
