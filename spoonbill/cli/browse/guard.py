"""What stands before every answer: the token, the names that this server has, and the policy of the page."""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

__all__ = ["POLICY", "Guard"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

POLICY: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Guard:
    """An ASGI application in front of another: it lets through who knows the token and asks under our own name.

    A page of another site can reach a server on loopback, also under a name of its own that it lets point here: so the
    ``Host`` must be ours, an ``Origin`` too, and the address begins with the token, which is compared in constant time.

    Parameters
    ----------
    app : ASGI application
        What answers, at paths without the token.
    token : str
        The first part of every path.
    port : int
        The port that this server has.
    """

    def __init__(self, app: App, token: str, port: int) -> None:
        self._app, self._token = app, token.encode()
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(POLICY)
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            await PlainTextResponse(refused, 403)(scope, receive, guarded)
            return
        path = scope["path"]
        inner = dict(scope, path="/" + path.lstrip("/").partition("/")[2], root_path="")
        inner.pop("raw_path", None)
        await self._app(inner, receive, guarded)

    def _refusal(self, scope: Message) -> str | None:
        headers = Headers(scope=scope)
        if headers.get("host") not in self._hosts:
            return "this server answers to the name 127.0.0.1 alone"
        token, slash, _ = scope["path"].lstrip("/").partition("/")
        if not hmac.compare_digest(token.encode(), self._token) or not slash:
            return "the address has to begin with the token that spoonbill browse printed"
        origin = headers.get("origin")
        if origin is not None and origin.removeprefix("http://") not in self._hosts:
            return "a page of another site may not ask here"
        if scope["method"] in _CHANGES and headers.get("content-type") != "application/json":
            return "a change is sent as application/json"
        return None
