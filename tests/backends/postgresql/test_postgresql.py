"""PostgresStore keeps the contract of the document stores, checked with psycopg itself."""

import json

import psycopg
import pytest

from spoonbill.datastores import PostgresStore
from tests.contract.documents.document_contract import DocumentContract
from tests.servers.postgresql_server import PostgresServer

DSN = {}


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module: each store is a table."""
    with PostgresServer() as running:
        DSN["dsn"] = running.dsn
        yield running


def rows(sql, *operands):
    """Return what psycopg itself reads or does."""
    with psycopg.connect(DSN["dsn"], autocommit=True) as connection:
        cursor = connection.execute(sql, operands or None)
        return cursor.fetchall() if cursor.description else []


class TestPostgres(DocumentContract):
    @classmethod
    def opened(cls, name, **options):
        return PostgresStore.open(DSN["dsn"], name, **options)

    @classmethod
    def read(cls, name, key):
        found = rows(f'SELECT value FROM "{name}" WHERE key = %s', key)
        fields = found[0][0] if found else None
        if fields and isinstance(fields.get("e"), dict):
            assert fields["e"] == {"spoonbill__": {"bytes": "AA=="}}  # JSON has no bytes
            fields["e"] = b"\x00"
        return fields

    @classmethod
    def written(cls, name, key, fields):
        ((kind,),) = rows(
            "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = 'value'", name
        )
        value = json.dumps(fields)
        rows(f'INSERT INTO "{name}" VALUES (%s, %s)', key, value.encode() if kind == "bytea" else value)

    @classmethod
    def watched(cls, name):
        store = cls.opened(name)
        engine = store.raw._engine
        connections = engine._link.connection().connections
        seen, requests, ask, lent, listing = [], [], connections.ask, connections.lent, engine.listing

        def asked(sql, operands=()):
            if "pg_" not in sql and "to_regclass" not in sql:
                requests.append(sql)
            return ask(sql, operands)

        def lending():
            requests.append("cursor")
            return lent()

        def noted(*arguments, **options):
            for name, fields in listing(*arguments, **options):
                seen.extend([fields] if fields else [])
                yield name, fields

        connections.ask, connections.lent, engine.listing = asked, lending, noted
        return store, seen, requests
