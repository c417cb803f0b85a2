/** What to copy into a terminal or a program, so that a tool gets in. Everything here runs as it is: the browser tests run it. */

/** What a tool speaks. */
export type How = 'http' | 'segment' | 'webhook' | 'file' | 'kafka'

export const hows: { how: How; name: string; about: string; first: string }[] = [
  { how: 'http', name: 'A program of yours', about: 'It sends CloudEvents over HTTP: a script, a plug-in, a nightly job.', first: 'tool' },
  { how: 'segment', name: 'Segment’s SDK', about: 'It has one already: only its host changes.', first: 'shop' },
  { how: 'webhook', name: 'A tool that posts JSON', about: 'A CRM, a form, an automation: say once what its calls become.', first: 'crm' },
  { how: 'file', name: 'A file', about: 'CSV or NDJSON, once or every night.', first: 'files' },
  { how: 'kafka', name: 'A Kafka producer', about: 'It writes CloudEvents to the topic that is open to others.', first: 'kafka' },
]

export const howOf = (text: string | null): How => hows.find((h) => h.how === text)?.how ?? 'http'

/** Names are part of an address and of a source. */
export const isName = (text: string) => /^[a-z0-9][a-z0-9_-]{0,63}$/.test(text)

/** The source of the events of a tool. */
export function sourceOf(how: How, name: string): string {
  if (how === 'segment') return `/segment/${name}`
  if (how === 'webhook') return `/hooks/${name}`
  return `/${name}`
}

/** The kinds of events that most tools begin with, each with one that is complete. */
export const samples = {
  vendor_spend: { name: 'A bill', data: { vendor: 'Writer Inc', category: 'ai_tool', billed_cost: '120.00', currency: 'USD' } },
  hours_saved: { name: 'Work with AI', data: { workflow: 'blog_article', team: 'content', person: 'ann@example.com', units: 1, doing_minutes: 35, prompting_minutes: 5, review_minutes: 10, baseline_minutes: 120 } },
  conversion: { name: 'An experiment', data: { experiment: 'subject_line', variant: 'ai', exposures: 1200, conversions: 31 } },
  pipeline: { name: 'A deal', data: { deal: 'D-1', stage: 'proposal', status: 'open', amount: '12000.00', currency: 'USD', created_at: '2026-08-01T00:00:00Z' } },
  training: { name: 'A training', data: { course: 'prompting', person: 'ann@example.com', hours: 1.5, completed: true } },
} as const

export type Sample = keyof typeof samples

export const sampleOf = (text: string | null): Sample => (text !== null && Object.hasOwn(samples, text) ? (text as Sample) : 'vendor_spend')

export interface Tool {
  how: How
  name: string
  /** Where the collector is. */
  address: string
  /** The write key; null where the reader has to put in theirs. */
  key: string | null
  sample: Sample
  /** What the event says; default that of the sample. */
  data?: object
  /** The id and time of the first event: the same as long as the page is open, so that what is sent twice counts once. */
  id: string
  time: string
}

export interface Snippet {
  title: string
  text: string
}

const json = (value: unknown) => JSON.stringify(value, null, 2)
/** Text of JSON between single quotes of a shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
const keyIn = (t: Tool) => t.key ?? 'YOUR_WRITE_KEY'

function cloudEvent(t: Tool) {
  return { specversion: '1.0', type: `plumbline.${t.sample}.v1`, source: sourceOf(t.how, t.name), id: t.id, time: t.time, data: t.data ?? samples[t.sample].data }
}

const makers: Record<How, (t: Tool) => Snippet[]> = {
  http: (t) => [
    { title: 'curl', text: curl(t, '/v1/events', [`-H 'Content-Type: application/cloudevents+json'`], cloudEvent(t)) },
    { title: 'Python', text: python(t) },
    { title: 'JavaScript', text: javascript(t) },
    { title: 'Go', text: goProgram(t) },
  ],
  segment: (t) => [
    { title: 'Node', text: segmentNode(t) },
    { title: 'curl', text: curl(t, '/v1/track', [`-H 'Content-Type: application/json'`], segmentCall(t), `-u ${quoted(`${keyIn(t)}:`)}`) },
  ],
  webhook: (t) => [
    { title: 'Address', text: `${t.address}/v1/hooks/${t.name}` },
    { title: 'Header', text: `X-Plumbline-Key: ${keyIn(t)}` },
  ],
  file: (t) => [
    { title: 'NDJSON', text: `cat > first.ndjson <<'END'\n${JSON.stringify(cloudEvent(t))}\nEND\n${importing(t, 'cloudevents first.ndjson')}` },
    { title: 'CSV', text: csv(t) },
  ],
  kafka: (t) => [{ title: 'Python', text: kafkaPython(t) }],
}

/** What to copy, the first as the way that most take. */
export const snippetsOf = (t: Tool): Snippet[] => makers[t.how](t)

/** Takes the first event back: a void of it. */
export function takeBack(t: Tool, source: string, id: string): string {
  const body = { specversion: '1.0', type: 'plumbline.void.v1', source, id: `${id}-void`, time: t.time, data: { source, id, reason: 'it was sent to try the connection' } }
  return curl(t, '/v1/events', [`-H 'Content-Type: application/cloudevents+json'`], body)
}

function curl(t: Tool, path: string, headers: string[], body: unknown, auth = `-H ${quoted(`Authorization: Bearer ${keyIn(t)}`)}`): string {
  return [`curl -sS ${t.address}${path}`, auth, ...headers, `-d ${quoted(json(body))}`].join(' \\\n  ')
}

function python(t: Tool): string {
  // JSON stands in a text of its own: Python writes true in another way.
  return `import json, urllib.request

event = json.loads(r'''${json(cloudEvent(t))}''')
request = urllib.request.Request(
    "${t.address}/v1/events", json.dumps(event).encode(),
    {"Authorization": "Bearer ${keyIn(t)}", "Content-Type": "application/cloudevents+json"},
)
print(urllib.request.urlopen(request).read().decode())
`
}

function javascript(t: Tool): string {
  return `const event = ${json(cloudEvent(t))}
const answer = await fetch('${t.address}/v1/events', {
  method: 'POST',
  headers: { authorization: 'Bearer ${keyIn(t)}', 'content-type': 'application/cloudevents+json' },
  body: JSON.stringify(event),
})
console.log(answer.status, await answer.text())
`
}

function goProgram(t: Tool): string {
  return `package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
)

func main() {
	event := \`${json(cloudEvent(t))}\`
	request, err := http.NewRequest("POST", "${t.address}/v1/events", strings.NewReader(event))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer ${keyIn(t)}")
	request.Header.Set("Content-Type", "application/cloudevents+json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	if answer.StatusCode != http.StatusAccepted {
		os.Exit(1)
	}
}
`
}

/** An exposure: it is counted, and no number of an experiment that is not registered depends on it. */
const segmentProperties = { experiment_id: 'checkout', variation_id: 'ai' }

const segmentCall = (t: Tool) => ({ messageId: t.id, userId: 'customer-1', event: 'Experiment Viewed', timestamp: t.time, properties: segmentProperties })

function segmentNode(t: Tool): string {
  return `import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: '${keyIn(t)}', host: '${t.address}' })
analytics.track({
  messageId: '${t.id}',
  userId: 'customer-1',
  event: 'Experiment Viewed',
  timestamp: new Date('${t.time}'),
  properties: { experiment_id: '${segmentProperties.experiment_id}', variation_id: '${segmentProperties.variation_id}' },
})
await analytics.closeAndFlush()
`
}

const importing = (t: Tool, what: string) => `plumbline import --url ${t.address} --key ${keyIn(t)} --mapping ${what}`

function csv(t: Tool): string {
  return `cat > bills.csv <<'END'
bill,day,vendor,amount
${t.id},${t.time.slice(0, 10)},Writer Inc,120.00
END
cat > bills.yaml <<'END'
name: bills
source: ${sourceOf(t.how, t.name)}
events:
  - kind: vendor_spend
    id: "{bill}"
    time: {column: day, layout: "2006-01-02"}
    fields:
      vendor: {column: vendor}
      category: {value: ai_tool}
      billed_cost: {column: amount}
      currency: {value: USD}
END
${importing(t, './bills.yaml bills.csv')}
`
}

function kafkaPython(t: Tool): string {
  return `# pip install confluent-kafka; the event names its workspace itself, and no key is needed: the broker decides who may write
import json
from confluent_kafka import Producer

event = json.loads(r'''${json({ ...cloudEvent(t), workspace: 'default' })}''')
producer = Producer({"bootstrap.servers": "YOUR_BROKERS", "acks": "all"})
producer.produce("plumbline.inbox", json.dumps(event), headers={"content-type": "application/cloudevents+json"})
producer.flush()
`
}
