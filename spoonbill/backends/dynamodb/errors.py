"""What DynamoDB's errors mean to a user of a store."""

from typing import Any, Final

from spoonbill.common.boto import may_be_done
from spoonbill.common.error_guide import Code, ErrorGuide

__all__ = ["GUIDE", "NOT_THERE", "ThrottledError", "codes_of", "is_condition"]

NOT_THERE: Final = "ResourceNotFoundException"

_TOO_LARGE: Final = "size has exceeded"
_MAY_BE_DONE: Final = "may be done"
_CREDENTIALS = (
    "The service does not accept the credentials, or they have expired: get new ones and open the store again, with "
    "aws_access_key_id=, aws_secret_access_key= and aws_session_token=, or in the environment."
)
_THROTTLED = "The table is throttled: call again later, give it more throughput, or switch it to on-demand capacity."
_REMEDIES: Final[dict[Code, str]] = {
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


def codes_of(error: BaseException) -> list[Code]:
    """Return the service's code of an error, and words for what its text or its answer alone tells."""
    undecided: list[Code] = [_MAY_BE_DONE] if may_be_done(error) else []
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict):
        return undecided
    code = str(response.get("Error", {}).get("Code", ""))
    large = code == "ValidationException" and _TOO_LARGE in str(error)
    return [code, *undecided, *([_TOO_LARGE] if large else [])]


def is_condition(error: BaseException) -> bool:
    """Return whether a conditional write found its condition false."""
    return "ConditionalCheckFailedException" in codes_of(error)


GUIDE: Final = ErrorGuide(
    packages=frozenset({"botocore", "boto3"}),
    kinds=frozenset({"ThrottledError"}),
    codes_of=codes_of,
    too_large=frozenset({_TOO_LARGE}),
    unanswered={_MAY_BE_DONE: True},
    remedies=_REMEDIES,
    otherwise="The service refused the call: the message says why.",
)
