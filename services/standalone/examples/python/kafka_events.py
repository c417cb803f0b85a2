"""Trainings as CloudEvents over Kafka, into the topic that is open to others. The event names its workspace itself.

KAFKA_BROKERS=127.0.0.1:9092 python kafka_events.py
"""

import os
from datetime import datetime, timezone

from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer

COUNT = int(os.environ.get("COUNT", "10"))
TOPIC = os.environ.get("PLUMBLINE_INBOX", "plumbline.inbox")
producer = Producer({"bootstrap.servers": os.environ["KAFKA_BROKERS"], "acks": "all"})
failures = []


def delivered(error, _message) -> None:
    if error is not None:
        failures.append(error)


for n in range(COUNT):
    event = CloudEvent(
        attributes={
            "id": f"kafka-python-{n}",
            "source": "/examples/kafka-python",
            "type": "plumbline.training.v1",
            "time": datetime(2026, 11, 2, 10, tzinfo=timezone.utc),
            "datacontenttype": "application/json",
            "workspace": "default",
        },
        data={"course": "prompting", "hours": 1.5, "completed": True},
    )
    message = to_structured_event(event) if n % 2 else to_binary_event(event)
    producer.produce(TOPIC, value=message.value, key=message.key, headers=message.headers, on_delivery=delivered)
    producer.poll(0)

left = producer.flush(60)
if left or failures:
    raise SystemExit(f"{left} events are not delivered, {len(failures)} failed: {failures[:1]}")
