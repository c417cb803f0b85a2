// What goes out, and the waves of the survey, as an administrator sets them: a webhook and an alert that reach a real receiver, and a wave
// that is opened and closed for good.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled, startServer } from '../harness.mjs'

/** A receiver of messages on this machine. */
async function receiver() {
  const got = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      got.push({ headers: request.headers, body: JSON.parse(body) })
      response.writeHead(204).end()
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://127.0.0.1:${server.address().port}/hook`, got, stop: () => new Promise((done) => server.close(done)) }
}

export function outgoing(world) {
  describe('what goes out', () => {
    it('is set in the app: a webhook, an alert, and a test that its receiver gets', { timeout: 240_000 }, async (t) => {
      const hook = await receiver()
      const server = await startServer({ flags: ['--no-demo', '--listen', '127.0.0.1:0', '--webhook-allow-http', '--webhook-allow', '127.0.0.1/32'] })
      t.after(async () => {
        await server.stop()
        await hook.stop()
      })
      const { page, trouble, close } = await newPage(world.browser, { url: server.url, token: server.keys.admin })
      await open(page, `${server.url}/settings?tab=webhooks&do=add`)
      await page.getByLabel('Key, such as ops').fill('ops')
      await page.getByLabel('Address, https://…').fill(hook.url)
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText(/^Saved: ops\./).waitFor()
      assert.deepEqual(await findings(page), [])
      await page.getByRole('button', { name: 'Show the secret of ops' }).click()
      await page.getByText(/^whsec_/).waitFor()
      await page.getByRole('link', { name: 'Alerts', exact: true }).click()
      await page.getByRole('link', { name: 'Add an alert' }).click()
      await page.getByLabel('Key, such as hours-low').fill('silent')
      await page.getByLabel('It is told when').selectOption('source_silent')
      await page.getByLabel('By the webhook').fill('nobody')
      await page.getByLabel('Source, such as /crm/eu').fill('/crm')
      await page.getByLabel('Silent for so many hours').fill('12')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText(/^There is no such webhook/).waitFor()
      await page.getByLabel('By the webhook').fill('ops')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText(/^Saved: silent\./).waitFor()
      await page.getByRole('cell', { name: 'a source is silent: /crm, by ops' }).waitFor()
      await page.getByRole('button', { name: 'Send a test of silent' }).click()
      await page.getByText('The receiver has taken the test of silent (204).').waitFor()
      const test = hook.got.find((m) => m.body.type === 'alert.test')
      assert.equal(test.body.data.alert, 'silent')
      assert.match(test.headers['webhook-signature'], /^v1,/)
      assert.deepEqual(await findings(page), [])
      // The page of digests says what is missing.
      await page.getByRole('link', { name: 'Digests', exact: true }).click()
      await page.getByRole('link', { name: 'Add a digest' }).click()
      await page.getByLabel('Key, such as weekly').fill('weekly')
      await page.getByLabel('To, with commas between').fill('ann@example.com, nobody')
      await page.getByLabel('On', { exact: true }).selectOption('monday')
      await page.getByLabel('At this hour, UTC').fill('6')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.locator('.wrong, .callout').first().waitFor()
      await page.getByLabel('To, with commas between').fill('ann@example.com, bea@example.com')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText(/^Saved: weekly\./).waitFor()
      await page.getByRole('cell', { name: 'each Monday at 6:00 UTC to ann@example.com, bea@example.com' }).waitFor()
      assert.deepEqual(await findings(page), [])
      assert.deepEqual(trouble.filter((line) => !/400/.test(line)), [])
      await close()
    })

    it('is not shown to those who may not read it', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url, person: 'leader' })
      await open(page, `${world.url}/settings`)
      assert.equal(await page.getByRole('link', { name: 'Webhooks', exact: true }).count(), 0)
      await page.goto(`${world.url}/settings?tab=webhooks`)
      await settled(page)
      await page.getByRole('heading', { name: 'You may not see this' }).waitFor()
      await close()
    })
  })

  describe('the waves of the survey', () => {
    it('are opened, and closed for good', async () => {
      const { page, trouble, close } = await newPage(world.browser, { url: world.url, token: world.keys.admin })
      await open(page, `${world.url}/perception`)
      await page.getByLabel('Name, such as 2026-q4').fill('try-wave')
      await page.getByRole('button', { name: 'Open the wave' }).click()
      await page.getByText(/^try-wave is open until /).waitFor()
      assert.deepEqual(await findings(page), [])
      await page.getByRole('button', { name: 'Close try-wave', exact: true }).click()
      await page.getByRole('button', { name: 'For good: close try-wave' }).click()
      await page.getByText(/^try-wave is closed for good/).waitFor()
      // It never opens again.
      await page.getByLabel('Name, such as 2026-q4').fill('try-wave')
      await page.getByRole('button', { name: 'Open the wave' }).click()
      await page.getByText(/closed for good: its secret is gone/).waitFor()
      assert.equal(await page.getByLabel('Name, such as 2026-q4').inputValue(), 'try-wave', 'what was typed stays')
      assert.deepEqual(trouble.filter((line) => !/409/.test(line)), [])
      await close()
    })
  })
}
