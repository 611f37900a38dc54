"""A DynamoDB server for the tests where there is Java: AWS's own DynamoDB Local. Moto runs everywhere."""

import shutil

from tests.servers.node_packages import package
from tests.servers.process import ServerProcess

OPTIONS = {
    "region_name": "eu-central-1",
    "aws_access_key_id": "AKIAEXAMPLE",
    "aws_secret_access_key": "hush-hush",
}
"""What boto3 needs, though neither server looks at it."""


def java() -> str | None:
    """Return the path of Java, None where this machine has none."""
    return shutil.which("java")


def dynamodb_local() -> ServerProcess:
    """Return DynamoDB Local with no tables, to be used as a context manager."""
    folder = package("amplify-dynamodb-simulator") / "emulator"
    return ServerProcess(
        lambda port, _: [
            str(java()),
            f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}",
            "-jar",
            str(folder / "DynamoDBLocal.jar"),
            "-inMemory",
            "-disableTelemetry",
            "-port",
            str(port),
        ]
    )
