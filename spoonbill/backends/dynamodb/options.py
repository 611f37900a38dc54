"""What a DynamoDB store can be opened with."""

from typing import Any, TypedDict

__all__ = ["DynamoDBOptions"]


class DynamoDBOptions(TypedDict, total=False):
    """Options of `DynamoDB` and ``DynamoDBStore``. Any other one goes to ``boto3.client`` as well.

    Attributes
    ----------
    key_name : str
        The name of the key attribute of a new table, ``"key"`` by default.
    create : bool
        False: a missing table is an error. By default the first write makes it, on demand capacity.
    consistent : bool
        False reads at half the price what may be a second old, so that a write may not be seen at once.
    segments : int
        How many parts of the table a scan reads at once, each in a thread; 1 by default.
    client : object
        A low-level client of yours, ``boto3.client("dynamodb")``, which is never closed.
    region_name, endpoint_url, api_version : str
        For ``boto3.client``, as are all that follow: where the service is.
    aws_access_key_id, aws_secret_access_key, aws_session_token, aws_account_id : str
        The credentials; by default those of the environment.
    use_ssl : bool
        Whether the connection is encrypted.
    verify : bool or str
        Whether certificates are checked, or the path of those that are trusted.
    config : botocore.config.Config
        Time limits, retries, proxies.
    """

    key_name: str
    create: bool
    consistent: bool
    segments: int
    client: Any
    region_name: str | None
    endpoint_url: str | None
    api_version: str | None
    aws_access_key_id: str | None
    aws_secret_access_key: str | None
    aws_session_token: str | None
    aws_account_id: str | None
    use_ssl: bool
    verify: bool | str | None
    config: Any
