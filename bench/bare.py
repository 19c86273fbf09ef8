"""The bare application: reads the body, parses it whole with orjson, returns a fixed card."""

from __future__ import annotations

from typing import Any

import orjson

CARD = orjson.dumps(
    {
        "cards": [
            {
                "uuid": "9d2f6a34-9a0f-4e37-8c0e-7b6a5b8d1c11",
                "summary": "Ultrasound first",
                "indicator": "info",
                "source": {"label": "Bare application"},
            }
        ]
    }
)
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(CARD)).encode())],
}
BODY = {"type": "http.response.body", "body": CARD}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """An ASGI application of the fewest possible lines."""
    if scope["type"] != "http":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    if scope["method"] == "POST":
        orjson.loads(b"".join(parts))
    await send(START)
    await send(BODY)


if __name__ == "__main__":
    import sys

    import uvicorn

    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="error")
