"""A client of another kind than the engine speaks by is refused when the store is opened, and told by its type."""

import boto3
import pytest

from spoonbill.datastores import CosmosDBStore, DynamoDBStore, Firestore, ModalStore, MongoDBStore
from spoonbill.errors import StackError


def asynchronous_mongodb():
    from pymongo import AsyncMongoClient

    return MongoDBStore("mongodb://127.0.0.1:9/", "d", "c", client=AsyncMongoClient("mongodb://127.0.0.1:9/"))


def resource_of_boto():
    return DynamoDBStore(
        "t", client=boto3.resource("dynamodb", region_name="r", aws_access_key_id="a", aws_secret_access_key="b")
    )


def another_service_of_boto():
    return DynamoDBStore("t", client=boto3.client("s3", region_name="us-east-1"))


def asynchronous_cosmosdb():
    from azure.cosmos.aio import CosmosClient

    return CosmosDBStore("d", "c", client=CosmosClient("http://127.0.0.1:9", credential="eHh4"))


def asynchronous_firestore():
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.firestore import AsyncClient

    return Firestore("c", client=AsyncClient(project="p", credentials=AnonymousCredentials()))


def a_function_for_modal():
    return ModalStore("d", client=print)


OPENED = {
    asynchronous_mongodb: r"client= is a pymongo.*AsyncMongoClient",
    resource_of_boto: r"client= is a boto3.*ServiceResource",
    another_service_of_boto: r"client= is a .*S3",
    asynchronous_cosmosdb: r"client= is a azure\.cosmos\.aio.*CosmosClient",
    asynchronous_firestore: r"client= is a google.*AsyncClient",
    a_function_for_modal: r"client= is a builtins\.builtin_function",
}


@pytest.mark.parametrize("opened", OPENED, ids=lambda opened: opened.__name__)
def test_a_client_of_another_kind_is_refused(opened):
    """Asynchronous clients, boto3's resources and clients of other services would fail in the middle of a call."""
    with pytest.raises(StackError, match=OPENED[opened]):
        opened()
