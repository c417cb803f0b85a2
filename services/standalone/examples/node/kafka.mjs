// Trainings as CloudEvents over Kafka, into the topic that is open to others. The event names its workspace itself.
//
//   KAFKA_BROKERS=127.0.0.1:9092 node kafka.mjs
import { CloudEvent, Kafka as Binding } from 'cloudevents'
import { Kafka, logLevel } from 'kafkajs'

const count = Number(process.env.COUNT ?? 10)
const batchSize = 500
const kafka = new Kafka({
  clientId: 'plumbline-example',
  brokers: process.env.KAFKA_BROKERS.split(','),
  logLevel: logLevel.ERROR,
})
const producer = kafka.producer()

// message writes an event in one of the two modes of the Kafka binding.
function message(n) {
  const event = new CloudEvent({
    id: `kafka-node-${n}`,
    source: '/examples/kafka-node',
    type: 'plumbline.training.v1',
    time: '2026-11-02T10:00:00Z',
    datacontenttype: 'application/json',
    workspace: 'default',
    data: { course: 'prompting', hours: 1.5, completed: true },
  })
  const { key, headers, value } = n % 2 ? Binding.structured(event) : Binding.binary(event)
  return {
    key,
    // kafkajs takes no header without a value, and the binding writes one for each attribute that is not there.
    headers: Object.fromEntries(Object.entries(headers).filter(([, text]) => text !== undefined)),
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }
}

await producer.connect()
for (let from = 0; from < count; from += batchSize) {
  const messages = Array.from({ length: Math.min(batchSize, count - from) }, (_, i) => message(from + i))
  await producer.send({ topic: process.env.PLUMBLINE_INBOX ?? 'plumbline.inbox', acks: -1, messages })
}
await producer.disconnect()
