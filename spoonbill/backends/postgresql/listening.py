"""How a PostgreSQL table tells of its changes: a trigger notifies, whoever writes, when a transaction ends."""

import time
from collections.abc import Iterator
from typing import Any, Final

from spoonbill.backends.postgresql.link import Link
from spoonbill.backends.shared.documents import writable

__all__ = ["changes"]

_EVERYTHING: Final = "*"
_PATIENCE: Final = 1.0
"""Seconds after which a silent connection is tried."""

_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION {schema}spoonbill_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    PERFORM pg_notify('spoonbill_' || TG_RELID, '*');
  ELSE
    IF TG_OP <> 'INSERT' THEN PERFORM pg_notify('spoonbill_' || TG_RELID, 'k' || OLD.key); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM pg_notify('spoonbill_' || TG_RELID, 'k' || NEW.key); END IF;
  END IF;
  RETURN NULL;
END $$"""
_TRIGGERS: Final = (
    """
CREATE TRIGGER spoonbill_notify AFTER INSERT OR UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION {schema}spoonbill_notify()""",
    """
CREATE TRIGGER spoonbill_notify_all AFTER TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION {schema}spoonbill_notify()""",
)
_INSTALLED: Final = (
    "SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = 'spoonbill_notify_all' AND tgenabled <> 'D'"
)


def changes(link: Link) -> Iterator[list[Any] | None]:
    """Yield None when this listens, then the names of the keys that change; an empty list where none did for a while.

    Parameters
    ----------
    link : Link
        The way to the table, which gets its trigger here where it has none.
    """
    table = writable(link.connection)
    connections = table.connections
    if not connections.ask(_INSTALLED, (link.sql,)):
        _install(link)
    ((oid,),) = connections.ask("SELECT to_regclass($1)::oid::text", (link.sql,))
    with link.listener() as connection:
        connection.execute(f"LISTEN spoonbill_{int(oid)}")
        yield None
        while True:
            last = time.monotonic()
            for notice in connection.notifies(timeout=_PATIENCE):
                last = time.monotonic()
                yield None if notice.payload == _EVERYTHING else [notice.payload[1:]]
            if time.monotonic() - last >= _PATIENCE:
                connection.execute("SELECT 1")  # raises where the connection broke without a word
            yield []


def _install(link: Link) -> None:
    connections = link.connection().connections
    with connections.transaction() as connection:
        ask = connections.cursor(connection).execute
        ask("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", (link.sql,))
        if ask(_INSTALLED, (link.sql,)).fetchone() is None:
            for sql in (_FUNCTION, *_TRIGGERS):
                ask(sql.format(schema=link.prefix, table=link.sql))
