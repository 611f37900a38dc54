"""What DynamoDB's errors mean to a user of a store."""

from typing import Any, Final

__all__ = ["NOT_THERE", "ThrottledError", "code_of", "is_condition", "is_of_client", "is_too_large", "remedy_for"]

NOT_THERE: Final = "ResourceNotFoundException"

_CREDENTIALS = (
    "The service does not accept the credentials, or they have expired: get new ones and open the store again, with "
    "aws_access_key_id=, aws_secret_access_key= and aws_session_token=, or in the environment."
)
_THROTTLED = "The table is throttled: call again later, give it more throughput, or switch it to on-demand capacity."
_REMEDIES: Final = {
    **dict.fromkeys(
        (
            "ExpiredTokenException",
            "ExpiredToken",
            "RequestExpired",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "NoCredentialsError",
            "PartialCredentialsError",
            "TokenRetrievalError",
            "UnauthorizedSSOTokenError",
        ),
        _CREDENTIALS,
    ),
    **dict.fromkeys(
        (
            "ProvisionedThroughputExceededException",
            "ThrottlingException",
            "RequestLimitExceeded",
            "LimitExceededException",
            "ThrottledError",
        ),
        _THROTTLED,
    ),
    "AccessDeniedException": "These credentials may not do this: grant them the action that the message names.",
    NOT_THERE: "The table is not there any more: the next write makes it anew, unless create=False.",
    "NoRegionError": "Say where the table is: region_name= or AWS_DEFAULT_REGION.",
    "EndpointConnectionError": "No service answers there: check endpoint_url=, region_name= and the network.",
    "ConnectTimeoutError": "No service answers there: check endpoint_url=, region_name= and the network.",
    "ReadTimeoutError": "The service did not answer in time: check the network, or raise read_timeout in config=.",
    "IncompleteReadError": "The answer ended early: check the network.",
    "ConnectionClosedError": "The connection broke before the answer came: check the network.",
}


class ThrottledError(Exception):
    """The service kept leaving items of a batch undone."""


def code_of(error: BaseException) -> str:
    """Return the service's code of an error, or the kind of an error of the client itself."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def is_of_client(error: BaseException) -> bool:
    """Return whether an error comes from the client."""
    return isinstance(error, ThrottledError) or type(error).__module__.partition(".")[0] in {"botocore", "boto3"}


def is_condition(error: BaseException) -> bool:
    """Return whether a conditional write found its condition false."""
    return code_of(error) == "ConditionalCheckFailedException"


def is_too_large(error: BaseException) -> bool:
    """Return whether an error says that an item is larger than the service holds."""
    return code_of(error) == "ValidationException" and "size has exceeded" in str(error)


def remedy_for(error: BaseException) -> str:
    """Return what the user can do about an error of the client."""
    return _REMEDIES.get(code_of(error), "The service refused the call: the message says why.")
