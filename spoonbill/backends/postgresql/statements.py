"""The statements of a store, worded once for its table. No key and no value ever stands in one."""

from typing import Final

__all__ = ["ALIVE", "Statements"]

ALIVE: Final = "(expires IS NULL OR expires > statement_timestamp())"
_STILL_ALIVE: Final = "(present.expires IS NULL OR present.expires > statement_timestamp())"
_NUMBER: Final = "{spoonbill__,value}"


class Statements:
    """The SQL for one table.

    Parameters
    ----------
    table : str
        The table as SQL writes it.
    kind : str
        The type of the column ``value``.
    """

    def __init__(self, table: str, kind: str) -> None:
        value = "value::text" if kind == "jsonb" else "value"  # JSON comes as the text that it is
        self.value = value
        end = "statement_timestamp() + make_interval(secs => {}::float8)"
        row = f"INSERT INTO {table} AS present (key, value, expires) VALUES ($1, $2::{kind}, {end.format('$3')})"
        upsert = "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
        stage = f"spoonbill_stage_{kind}"
        number = f"(present.value #>> '{_NUMBER}')::numeric"
        total = f"{number} + $4::bigint"
        self.find = f"SELECT {value} FROM {table} WHERE key = $1 AND {ALIVE}"
        self.knows = f"SELECT 1 FROM {table} WHERE key = $1 AND {ALIVE}"
        self.write = f"{row} {upsert}"
        self.insert = f"{row} {upsert} WHERE NOT {_STILL_ALIVE}"
        self.erase = f"DELETE FROM {table} WHERE key = $1 RETURNING {ALIVE}"
        self.take = f"DELETE FROM {table} WHERE key = $1 AND {ALIVE} RETURNING {value}"
        self.look = f"SELECT {value}, xmin::text FROM {table} WHERE key = $1 AND {ALIVE}"
        self.swap = (
            f"UPDATE {table} SET value = $3::{kind}, expires = {end.format('$4')} "
            f"WHERE key = $1 AND xmin = $2::xid AND {ALIVE}"
        )
        self.drop = f"DELETE FROM {table} WHERE key = $1 AND xmin = $2::xid AND {ALIVE}"
        self.fetch = f"SELECT key, {value} FROM {table} WHERE key = ANY($1::text[]) AND {ALIVE}"
        self.put = (
            f"INSERT INTO {table} (key, value, expires) SELECT key, value, {end.format('seconds')} "
            f"FROM unnest($1::text[], $2::{kind}[], $3::float8[]) AS new (key, value, seconds) {upsert}"
        )
        self.remove = (
            f"WITH gone AS (DELETE FROM {table} WHERE key = ANY($1::text[]) RETURNING {ALIVE} AS alive) "
            "SELECT count(*) FILTER (WHERE alive) FROM gone"
        )
        self.size = f"SELECT count(*) FROM {table} WHERE {ALIVE}"
        self.sweep = f"DELETE FROM {table} WHERE expires <= statement_timestamp()"
        self.expires_in = (
            f"SELECT extract(epoch FROM expires - clock_timestamp())::float8 FROM {table} WHERE key = $1 AND {ALIVE}"
        )
        self.prolong = f"UPDATE {table} SET expires = {end.format('$2')} WHERE key = $1 AND {ALIVE}"
        self.count_up = (
            f"{row} ON CONFLICT (key) DO UPDATE SET "
            f"value = CASE WHEN {_STILL_ALIVE} THEN jsonb_set(present.value, '{_NUMBER}', to_jsonb({total})) "
            "ELSE excluded.value END, "
            f"expires = CASE WHEN $5::bool OR NOT {_STILL_ALIVE} THEN excluded.expires ELSE present.expires END "
            f"WHERE NOT {_STILL_ALIVE} OR CASE WHEN jsonb_typeof(present.value #> '{_NUMBER}') = 'number' "
            f"THEN scale({number}) = 0 AND {total} BETWEEN -9223372036854775808 AND 9223372036854775807 END "
            f"RETURNING present.value #>> '{_NUMBER}'"
        )
        self.stage = (
            f"CREATE TEMP TABLE IF NOT EXISTS {stage} (key text, value {kind}, seconds float8) ON COMMIT DELETE ROWS"
        )
        self.fill = f"COPY {stage} (key, value, seconds) FROM STDIN"
        self.load = (
            f"INSERT INTO {table} (key, value, expires) SELECT key, value, {end.format('seconds')} "
            f"FROM {stage} {upsert}"
        )
        self.unstage = f"DELETE FROM {stage}"
        self.between = f"SELECT 1 FROM {table} WHERE key BETWEEN $1 AND $2 LIMIT 1"
        self.copy = f"COPY {table} (key, value) FROM STDIN"
