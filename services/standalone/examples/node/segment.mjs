// Orders of an experiment by Segment's SDK: only its host is another one.
//
//   PLUMBLINE_URL=http://127.0.0.1:8080 PLUMBLINE_WRITE_KEY=… node segment.mjs
import { Analytics } from '@segment/analytics-node'

const count = Number(process.env.COUNT ?? 10)
const analytics = new Analytics({
  writeKey: process.env.PLUMBLINE_WRITE_KEY,
  host: process.env.PLUMBLINE_URL,
  flushAt: 100,
})
analytics.on('error', (error) => {
  console.error(error.reason ?? error)
  process.exitCode = 1
})

for (let n = 0; n < count; n++) {
  analytics.track({
    messageId: `order-${n}`, // the id of the event: an order that is sent again counts once
    userId: `customer-${n % 100}@example.com`, // kept as a pseudonym only
    event: 'Order Completed',
    timestamp: new Date('2026-11-02T10:00:00Z'),
    properties: { experiment_id: 'checkout', variation_id: n % 2 ? 'b' : 'a', revenue: 27.5, currency: 'EUR' },
  })
}
await analytics.closeAndFlush()
