// Connecting a source, as an administrator would: what the page says to copy is really run, and the page turns green on what arrives.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { findings } from '../axe.mjs'
import { newPage, open, settled, startServer } from '../harness.mjs'

const run = promisify(execFile)

/** Runs a text that the page has given, as its reader would. */
async function runAs(title, text) {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-snippet-'))
  const file = (name) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
  const options = { cwd: folder, env, timeout: 120_000 }
  try {
    if (title === 'Python') return (await run('python3', [file('event.py')], options)).stdout
    if (title === 'JavaScript') return (await run(process.execPath, [file('event.mjs')], options)).stdout
    if (title === 'Go') return (await run('go', ['run', file('main.go')], { ...options, env: { ...env, GOWORK: 'off', GOFLAGS: '-mod=mod' } })).stdout
    return (await run('bash', ['-ceu', text], options)).stdout
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** In a browser nothing but the cookie says who it is: the page itself sends the write key to the collector. */
const asAdmin = (world) => newPage(world.browser, { url: world.url, person: 'admin' })

const copied = (page, label) => page.getByRole('region', { name: label, exact: true }).innerText()

export function connect(world) {
  describe('connecting a source', () => {
    it('gives requests that run as they are, and turns green on the first event', { timeout: 240_000 }, async () => {
      const { page, trouble, close } = await asAdmin(world)
      await open(page, `${world.url}/`)
      await page.getByRole('link', { name: 'Connect a source' }).click()
      await settled(page)
      for (const title of ['curl', 'Python', 'JavaScript', 'Go']) {
        await page.getByLabel('Name', { exact: true }).fill(`try-${title.toLowerCase()}`)
        await page.getByRole('button', { name: 'Make a key for it' }).click()
        await page.getByText(/^Made\. It may send events of/).waitFor()
        await page.getByRole('button', { name: title, exact: true }).click()
        await page.locator('.arrival').getByText('Waiting').waitFor()
        await runAs(title, await copied(page, `the first event in ${title}`))
        await page.getByText('✓ Connected.').waitFor()
        assert.match(await page.locator('.arrival').innerText(), /was taken: Vendor spend/)
      }
      assert.deepEqual(await findings(page), [])
      // It was only to try: the void that is offered takes it back.
      await page.getByText('It was sent only to try: take it back').click()
      assert.match(await runAs('curl', await copied(page, 'request that takes the event back')), /"status":"accepted"/)
      assert.ok(!page.url().includes('plk_'), 'no key stands in the address')
      assert.deepEqual(trouble, [])
      await close()
    })

    it('says why the first event was refused', async () => {
      const { page, close } = await asAdmin(world)
      await open(page, `${world.url}/connect?name=wrong`)
      await page.getByRole('button', { name: 'Make a key for it' }).click()
      await page.getByText(/^Made\./).waitFor()
      await page.locator('.arrival').getByText('Waiting').waitFor()
      await runAs('curl', (await copied(page, 'the first event in curl')).replace('"120.00"', '"a lot"'))
      await page.getByText('It arrived, and was refused').waitFor()
      assert.match(await page.locator('.arrival').innerText(), /\/data\/billed_cost/)
      await page.getByRole('link', { name: 'look at it on Ingest' }).click()
      await page.waitForURL((address) => address.pathname === '/ingest' && address.searchParams.has('reject'))
      await close()
    })

    it('takes the call of Segment’s SDK', async () => {
      const { page, trouble, close } = await asAdmin(world)
      await open(page, `${world.url}/connect?how=segment&name=tryshop`)
      await page.getByRole('button', { name: 'Make a key for it' }).click()
      await page.getByText(/^Made\./).waitFor()
      await page.getByRole('button', { name: 'curl', exact: true }).click()
      await page.locator('.arrival').getByText('Waiting').waitFor()
      await runAs('curl', await copied(page, 'the first event in curl'))
      await page.getByText('✓ Connected.').waitFor()
      assert.deepEqual(trouble, [])
      await close()
    })

    it('builds the mapping of a webhook from a sample, and shows the event before it holds', async () => {
      const { page, trouble, close } = await asAdmin(world)
      await open(page, `${world.url}/connect?how=webhook&name=trycrm`)
      await page.getByRole('button', { name: 'Make a key for it' }).click()
      await page.getByText(/^Made\./).waitFor()
      const sample = '{"type": "deal.won", "at": "2026-11-20T10:00:00Z", "deal": {"id": 17, "amount": 1000.123456789012345678, "currency": "EUR", "created": "2026-10-01T00:00:00Z"}}'
      const field = page.getByLabel('Paste a call as the tool sends it')
      await field.fill('{"type": ')
      await page.getByText(/^This is no JSON/).waitFor()
      await field.fill(sample)
      await page.getByText('6 members can be used.').waitFor()
      await page.getByLabel('It is an event of the kind').selectOption('pipeline')
      await page.getByLabel(/^deal, needed/).selectOption('deal.id')
      await page.getByLabel('It holds for calls whose').selectOption('type')
      await page.locator('[name="field-status"]').selectOption('=')
      await page.getByLabel('status is always').selectOption('won')
      await page.locator('[name="field-created_at"]').selectOption('deal.created')
      const result = page.getByRole('region', { name: 'the event that results' })
      await result.waitFor()
      // Money keeps its digits, of which a browser's number would lose some.
      await page.waitForFunction(() => /"amount": "1000\.123456789012345678"/.test(document.querySelector('[aria-label="the event that results"]')?.textContent ?? ''))
      assert.match(await result.innerText(), /"source": "\/hooks\/trycrm"/)
      assert.deepEqual(await findings(page), [])
      await page.getByRole('button', { name: 'Save the connection' }).click()
      await page.getByText('Saved. Calls are read by it from now on.').waitFor()
      await page.locator('.arrival').getByText('Waiting').waitFor()
      const address = await copied(page, 'Address')
      const [name, key] = (await copied(page, 'Header')).split(': ')
      const post = async () => (await fetch(address, { method: 'POST', headers: { [name]: key, 'content-type': 'application/json' }, body: sample })).status
      for (const until = Date.now() + 20_000; Date.now() < until && (await post()) !== 202; ); // the collector hears of it a moment later
      await page.getByText('✓ Connected.').waitFor()
      assert.deepEqual(trouble.filter((line) => !/40[03]/.test(line)), [])
      await close()
    })

    it('tells of two who save the same connection', async () => {
      const { page, close } = await asAdmin(world)
      await open(page, `${world.url}/connect?how=webhook&name=trytwice`)
      await page.getByRole('button', { name: 'Make a key for it' }).click()
      await page.getByText(/^Made\./).waitFor()
      await page.getByLabel('Paste a call as the tool sends it').fill('{"at": "2026-11-20T10:00:00Z", "course": "prompting"}')
      await page.getByLabel('It is an event of the kind').selectOption('training')
      await page.getByRole('region', { name: 'the event that results' }).waitFor()
      const write = (name) =>
        fetch(`${world.url}/api/v1/registry/connections/trytwice`, {
          method: 'PUT', headers: { authorization: `Bearer ${world.keys.admin}`, 'content-type': 'application/json' },
          body: JSON.stringify({ valid_from: '2026-01-01', via: 'webhook', name, events: [{ kind: 'training', time: { column: 'at' }, fields: { course: { column: 'course' } } }] }),
        })
      assert.equal((await write('one')).status, 201)
      // The page has seen none: there must be none still.
      await page.getByRole('button', { name: 'Save the connection' }).click()
      await page.getByText('Somebody has changed this connection meanwhile.').waitFor()
      await page.getByText(/There is a connection of this name/).waitFor()
      await page.getByLabel('Its id is').selectOption('course')
      await page.getByRole('region', { name: 'the event that results' }).getByText('"id": "prompting"').waitFor()
      assert.equal((await write('two')).status, 200)
      const looked = page.waitForResponse((r) => r.request().method() === 'GET' && r.url().endsWith('/registry/connections/trytwice') && r.status() === 200)
      await page.getByRole('button', { name: 'Save the connection' }).click()
      await page.getByText('Somebody has changed this connection meanwhile.').waitFor()
      await (await looked).finished()
      await page.getByRole('button', { name: 'Save the connection' }).click()
      await page.getByText('Saved.').waitFor()
      assert.equal(await page.getByLabel('Its id is').inputValue(), 'course', 'nothing typed is lost')
      await close()
    })
  })

  describe('the first steps', () => {
    it('lead from an empty workspace to the first number', { timeout: 240_000 }, async (t) => {
      const server = await startServer({ flags: ['--no-demo', '--listen', '127.0.0.1:0'] })
      t.after(() => server.stop())
      const { page, trouble, close } = await newPage(world.browser, { url: server.url, token: server.keys.admin })
      await open(page, `${server.url}/`)
      await page.getByRole('link', { name: 'To the first number in five steps' }).click()
      await page.getByRole('heading', { name: 'From nothing to the first number' }).waitFor()
      await settled(page)
      assert.deepEqual(await findings(page), [])
      const step = (n) => page.locator('.step').nth(n - 1)
      await step(1).getByLabel('Currency (ISO 4217)').fill('EU')
      await step(1).getByRole('button', { name: 'Write it' }).click()
      await step(1).getByRole('alert').waitFor()
      await step(1).getByLabel('Currency (ISO 4217)').fill('EUR')
      await step(1).getByLabel('Time zone (IANA)').fill('Europe/Berlin')
      await step(1).getByRole('button', { name: 'Write it' }).click()
      await step(1).getByText('Days are those of Europe/Berlin, money is shown in EUR.').waitFor()
      await step(2).getByRole('button', { name: 'Make the key' }).click()
      await step(2).getByText('✓ done').waitFor()
      await step(3).getByLabel('Amount, EUR').fill('99.90')
      await step(3).locator('.arrival').getByText('Waiting').waitFor()
      await runAs('curl', await copied(page, 'the first bill'))
      await step(3).getByText('✓ done').waitFor()
      // One step is left out, and done after all.
      await step(4).getByRole('button', { name: /^Leave it out/ }).click()
      await step(4).getByText('left out', { exact: true }).waitFor()
      await step(4).getByRole('button', { name: /^Do it after all/ }).click()
      await step(4).getByRole('button', { name: 'Write it' }).click()
      await step(4).getByText('1 workflow has a baseline, and there is a rate.').waitFor()
      const look = step(5).getByRole('button', { name: 'Look again' })
      for (const until = Date.now() + 30_000; Date.now() < until && (await look.count()) > 0; ) await look.click({ timeout: 1000 }).catch(() => {})
      await step(5).getByText('€99.90').waitFor()
      assert.deepEqual(await findings(page), [])
      await step(5).getByRole('link', { name: 'to the scorecard' }).click()
      await page.getByRole('heading', { name: 'Is AI worth it, and how sure are we?' }).waitFor()
      assert.deepEqual(trouble.filter((line) => !/40[04]/.test(line)), [])
      await close()
    })
  })
}
