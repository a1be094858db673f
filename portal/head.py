"""HEAD wherever there is a GET: link checkers and load balancers ask so. ASGI middleware, no pages."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD as GET does, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as GET, and the answer back without what it holds."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith("/download/"):
            await self.app(scope, receive, send)  # downloads answer HEAD themselves, without making a text
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        as_get = dict(scope)
        as_get["method"] = "GET"
        await self.app(as_get, receive, without_body)
