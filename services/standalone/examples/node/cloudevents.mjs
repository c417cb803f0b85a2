// Trainings as CloudEvents over HTTP, in all three modes of the binding.
//
//   PLUMBLINE_URL=http://127.0.0.1:8080 PLUMBLINE_WRITE_KEY=… node cloudevents.mjs
import { CloudEvent, HTTP } from 'cloudevents'

const count = Number(process.env.COUNT ?? 10)
const batchSize = 500

const training = (n) =>
  new CloudEvent({
    id: `node-${n}`,
    source: '/examples/node',
    type: 'plumbline.training.v1',
    time: '2026-11-02T10:00:00Z',
    data: { course: 'prompting', hours: 1.5, completed: true },
  })

// post sends one request, and the same again while the collector can not take it.
async function post(headers, body) {
  for (;;) {
    const response = await fetch(`${process.env.PLUMBLINE_URL}/v1/events`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${process.env.PLUMBLINE_WRITE_KEY}` },
      body,
    })
    const answer = await response.text()
    if (response.status === 202) return
    if (response.status !== 429 && response.status !== 503) throw new Error(`${response.status} ${answer}`)
    await new Promise((again) => setTimeout(again, 1000 * Number(response.headers.get('retry-after') ?? 1)))
  }
}

// One event a request: the structured mode has it whole in the body, the binary mode its attributes in headers.
const singly = Math.min(count, Math.max(2, Math.floor(count / 20)))
for (let from = 0; from < singly; from += 20) {
  const some = Array.from({ length: Math.min(20, singly - from) }, (_, i) => from + i)
  await Promise.all(
    some.map((n) => {
      const message = n % 2 ? HTTP.binary(training(n)) : HTTP.structured(training(n))
      return post(message.headers, message.body)
    }),
  )
}

// Many events a request: a JSON array of them.
for (let from = singly; from < count; from += batchSize) {
  const events = Array.from({ length: Math.min(batchSize, count - from) }, (_, i) => training(from + i))
  await post({ 'content-type': 'application/cloudevents-batch+json' }, JSON.stringify(events))
}
