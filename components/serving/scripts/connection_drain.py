"""ASGI middleware for `vllm serve --middleware`: clients leave a server that is about to stop.

uvicorn keeps a connection for as long as its client keeps it busy, and kube-proxy keeps it with the pod that it was
opened to. A client would so go on asking a server that no longer takes requests. Closing connections sends it back to
the Service:

- A stream closes its connection, always: its headers go out long before its end, which may lie in the drain.
- Every other answer does once the preStop hook has touched the marker.
- After the pause, when the server is told to stop, a POST gets status 503. vLLM itself would say 200, with
  `finish_reason: "abort"` and no text.
"""

import json
import os
import pathlib
import time

MARKER = pathlib.Path(os.environ.get("DRAIN_MARKER", "/tmp/draining"))
PAUSE_SECONDS = float(os.environ.get("DRAIN_PAUSE_SECONDS", "0"))
# /tmp outlives a container: an older marker is of one that a probe had restarted.
STARTED = time.time()

REFUSAL = json.dumps(
    {
        "error": {
            "message": "This replica is shutting down. Ask again.",
            "type": "ServiceUnavailableError",
            "param": None,
            "code": 503,
        }
    }
).encode()


def draining_seconds():
    """Seconds since the hook touched the marker; None while the server is not about to stop."""
    try:
        touched = MARKER.stat().st_mtime
    except FileNotFoundError:
        return None
    return time.time() - touched if touched >= STARTED else None


def is_stream(headers):
    return any(name.lower() == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers)


def with_close(headers):
    kept = [(name, value) for name, value in headers if name.lower() != b"connection"]
    return [*kept, (b"connection", b"close")]


async def refuse(receive, send):
    # A connection that is closed with a body unread is reset, and the answer may be lost with it.
    while (await receive()).get("more_body", False):
        pass
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(REFUSAL)).encode()),
        (b"retry-after", b"1"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": with_close(headers)})
    await send({"type": "http.response.body", "body": REFUSAL})


class ConnectionDrain:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seconds = draining_seconds()
        if scope["method"] == "POST" and seconds is not None and seconds >= PAUSE_SECONDS:
            await refuse(receive, send)
            return

        async def send_and_close(message):
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                if is_stream(headers) or draining_seconds() is not None:
                    message = {**message, "headers": with_close(headers)}
            await send(message)

        await self.app(scope, receive, send_and_close)
