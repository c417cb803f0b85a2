"""Trainings as CloudEvents over HTTP.

PLUMBLINE_URL=http://127.0.0.1:8080 PLUMBLINE_WRITE_KEY=… python http_events.py
"""

import json
import os
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

COUNT = int(os.environ.get("COUNT", "10"))
BATCH = 500


def training(n: int) -> CloudEvent:
    return CloudEvent(
        attributes={
            "id": f"python-{n}",
            "source": "/examples/python",
            "type": "plumbline.training.v1",
            "time": datetime(2026, 11, 2, 10, tzinfo=timezone.utc),
            "datacontenttype": "application/json",
        },
        data={"course": "prompting", "hours": 1.5, "completed": True},
    )


def post(headers: dict[str, str], body: bytes) -> None:
    """Sends one request, and the same again while the collector can not take it."""
    while True:
        request = urllib.request.Request(
            os.environ["PLUMBLINE_URL"] + "/v1/events",
            data=body,
            headers={**headers, "Authorization": "Bearer " + os.environ["PLUMBLINE_WRITE_KEY"]},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                if response.status != 202:  # 207: some of it was refused
                    raise RuntimeError(response.read().decode())
                return
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise RuntimeError(error.read().decode()) from error
            time.sleep(int(error.headers.get("Retry-After", "1")))


# One event a request, in the structured and in the binary mode.
singly = min(COUNT, max(2, COUNT // 20))
for n in range(singly):
    message = to_binary_event(training(n)) if n % 2 else to_structured_event(training(n))
    post(message.headers, message.body)

# Many events a request: a JSON array of them.
for start in range(singly, COUNT, BATCH):
    events = [JSONFormat().write(training(n)) for n in range(start, min(start + BATCH, COUNT))]
    post({"Content-Type": "application/cloudevents-batch+json"}, b"[" + b",".join(events) + b"]")
