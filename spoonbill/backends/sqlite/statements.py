"""The statements of a store, worded for its table. No key and no value ever stands in one."""

from time import time
from typing import Any, Final

__all__ = ["Statements"]

_NUMBER: Final = '\'$."spoonbill__"."value"\''


class Statements:
    """The SQL for one table.

    Parameters
    ----------
    table : str
        The table as SQL writes it.
    expires : bool
        Whether it has the column ``expires``. Each statement on what is there takes the time as its last operand then.
    """

    def __init__(self, table: str, *, expires: bool) -> None:
        self.expires = expires
        self.alive = "(expires IS NULL OR expires > ?)" if expires else "1"
        there = f"WHERE key = ? AND {self.alive}"
        columns, marks, end, dead = "key, value", "?, ?", "", "0"
        if expires:
            columns, marks, end, dead = (
                f"{columns}, expires",
                f"{marks}, ?",
                ", expires = excluded.expires",
                "expires <= ?",
            )
        self.find = f"SELECT value FROM {table} {there}"
        self.knows = f"SELECT 1 FROM {table} {there}"
        self.erase = f"DELETE FROM {table} {there}"
        self.take = f"DELETE FROM {table} {there} RETURNING value"
        row = f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT (key) DO "
        self.write = f"{row}UPDATE SET value = excluded.value{end}"
        self.insert = f"{self.write} WHERE {dead}" if expires else f"{row}NOTHING"
        self.update = f"UPDATE {table} SET value = ?{', expires = ?' if expires else ''} WHERE key = ?"
        self.size = f"SELECT count(*) FROM {table} WHERE {self.alive}"
        self.sweep = f"DELETE FROM {table} WHERE {dead}"
        self.expires_in = f"SELECT {'expires' if expires else 'NULL'} FROM {table} {there}"
        self.prolong = f"UPDATE {table} SET expires = ? {there}"
        number = f"CASE WHEN json_valid(value) THEN json_extract(value, {_NUMBER}) END"
        ends = f", expires = CASE WHEN {dead} OR ? THEN excluded.expires ELSE expires END" if expires else ""
        self.count_up = (
            f"{row}UPDATE SET value = CASE WHEN {dead} THEN excluded.value "
            f"ELSE json_set(value, {_NUMBER}, {number} + ?) END{ends} "
            f"WHERE {dead} OR (json_type(value, {_NUMBER}) = 'integer' AND typeof({number} + ?) = 'integer') "
            f"RETURNING json_extract(value, {_NUMBER})"
        )

    def now(self) -> tuple[float, ...]:
        """Return the operand of what tells whether a row has expired."""
        return (time(),) if self.expires else ()

    def row(self, name: str, document: tuple[Any, float | None]) -> tuple[Any, ...]:
        """Return the operands for a row: a cell, and when it expires."""
        return (name, *document) if self.expires else (name, document[0])

    def rows(self, documents: dict[str, tuple[Any, float | None]]) -> list[tuple[Any, ...]]:
        """Return the operands for many rows, in the order of the documents."""
        if self.expires:
            return [(name, cell, end) for name, (cell, end) in documents.items()]
        return [(name, cell) for name, (cell, _) in documents.items()]
