"""The pages of the document stores, run as they are written against the test servers."""

import re
from pathlib import Path

import boto3
import psycopg
import pymongo
from azure.cosmos import CosmosClient
from google.cloud import firestore

from tests.servers.cosmosdb_server import CREDENTIAL, cosmosdb_server, endpoint
from tests.servers.cosmosdb_server import OPTIONS as COSMOSDB
from tests.servers.dynamodb_server import OPTIONS
from tests.servers.firestore_server import HOST, firestore_server
from tests.servers.mongodb_server import mongodb_server
from tests.servers.moto_server import moto_server
from tests.servers.postgresql_server import PostgresServer

PAGES = Path(__file__).parents[3] / "docs" / "stores"


def run(page, **changes):
    """Run the Python blocks of a page, with the addresses of the tests in place of the usual ones."""
    blocks = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        for usual, ours in changes.items():
            block = block.replace(usual, ours)
        exec(compile(block, page, "exec"), {"__name__": "page"})


def test_the_page_of_mongodb():
    """Each block runs, and what it wrote was in the collection that it names."""
    with mongodb_server() as server:
        address = f"127.0.0.1:{server.port}"
        run("mongodb.md", **{"localhost:27017": address})
        with pymongo.MongoClient(f"mongodb://{address}/") as client:
            assert set(client["shop"].list_collection_names()) == {"articles", "jobs"}


def test_the_page_of_dynamodb(monkeypatch):
    """Each block runs, with region, endpoint and credentials from the environment, as boto3 takes them."""
    with moto_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        for name, value in OPTIONS.items():
            monkeypatch.setenv("AWS_DEFAULT_REGION" if name == "region_name" else name.upper(), value)
        run("dynamodb.md")
        assert boto3.session.Session().client("dynamodb").list_tables()["TableNames"] == ["articles"]


def test_the_page_of_firestore(monkeypatch):
    """Each block runs, with the server's address from the environment, as Google's client takes it."""
    with firestore_server() as server:
        monkeypatch.setenv(HOST, f"127.0.0.1:{server.port}")
        client = firestore.Client()
        client.collection("articles", "other", "below").document("a").set({})
        run("firestore.md")
        assert [each.id for each in client.collections()] == ["articles"]  # its documents are gone, what is below stays
        assert list(client.collection("articles").stream()) == []


def test_the_page_of_cosmosdb(monkeypatch):
    """Each block runs, with address and key from the environment, and both containers were made."""
    with cosmosdb_server() as server:
        monkeypatch.setenv("COSMOS_ENDPOINT", endpoint(server))
        monkeypatch.setenv("COSMOS_KEY", CREDENTIAL)
        run("cosmosdb.md", **{"\n)": "\n    enable_endpoint_discovery=False,\n)"})
        with CosmosClient(endpoint(server), credential=CREDENTIAL, **COSMOSDB) as client:
            made = client.get_database_client("shop").list_containers()
            assert {each["id"] for each in made} == {"articles", "jobs"}


def test_the_page_of_postgresql():
    """Each block runs, and what it wrote was in the tables that it names."""
    with PostgresServer() as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop")
        address = server.dsn.removesuffix("/postgres") + "/shop"
        run("postgresql.md", **{"postgresql://localhost/shop": address})
        with psycopg.connect(address) as shop:
            found = shop.execute("SELECT relname FROM pg_class WHERE relname IN ('people', 'settings')").fetchall()
    assert sorted(found) == [("people",), ("settings",)]
