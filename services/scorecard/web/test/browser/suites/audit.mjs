// The audit log by an administrator: what was just read and changed stands in it, filters are in the address, the file has it too.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled } from '../harness.mjs'

const ask = (world, path, options = {}) => fetch(world.url + path, { ...options, headers: { authorization: `Bearer ${world.keys.admin}`, 'content-type': 'application/json' } })

export function audit(world) {
  describe('the page of the audit log', () => {
    it('shows what was read and changed, by filters that stand in the address, and as a file', async () => {
      const measure = await ask(world, '/api/v1/evidence?measure=vendor_spend&from=2026-10-01&to=2026-11-01')
      assert.equal(measure.status, 200)
      const made = await ask(world, '/api/v1/keys', { method: 'POST', body: JSON.stringify({ id: `audit${Date.now()}`, name: 'Audit test', scopes: ['write'] }) })
      assert.equal(made.status, 201)
      const { key } = await made.json()
      const { page, trouble, close } = await newPage(world.browser, { url: world.url, token: world.keys.admin })
      await open(page, `${world.url}/`)
      await page.getByRole('link', { name: 'Audit' }).click()
      await page.getByRole('heading', { name: 'Who has read or changed what?' }).waitFor()
      // An act is listed a moment after it was done.
      await page.waitForFunction(async (id) => {
        const answer = await (await fetch('/api/v1/audit?action=key.create')).json()
        return answer.entries.some((e) => e.target === id && e.outcome === 'ok')
      }, key.id)
      await page.getByLabel('Only this act').selectOption('key.create')
      await page.waitForURL(/action=key\.create/)
      await page.getByRole('cell', { name: `Key ${key.id}` }).waitFor()
      await page.getByRole('cell', { name: 'Read evidence' }).first().waitFor({ state: 'detached' })
      assert.deepEqual(await findings(page), [])
      await page.getByLabel('Only this act').selectOption('evidence.read')
      await page.getByRole('cell', { name: 'Vendor spend, Whole organisation, Oct 1 – 31, 2026' }).first().waitFor()
      await page.getByLabel(/By pseudonym/).fill('nobody@example.com')
      await page.getByRole('button', { name: 'Filter' }).click()
      await page.getByText('Nothing like that was done').waitFor()
      assert.match(page.url(), /actor=nobody/)
      assert.deepEqual(await findings(page), [])
      await page.getByLabel(/By pseudonym/).fill('admin token')
      await page.getByRole('button', { name: 'Filter' }).click()
      const href = await page.getByRole('link', { name: 'CSV', exact: true }).getAttribute('href')
      const csv = await (await ask(world, href)).text()
      assert.match(csv, /^id,at,actor,/)
      assert.match(csv, /,evidence\.read,ok,evidence,,vendor_spend,org,2026-10-01,2026-11-01,/)
      assert.doesNotMatch(csv, /key\.create/)
      assert.deepEqual(trouble, [])
      await close()
    })

    it('says what it waits for, and why it shows nothing', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url, token: world.keys.admin })
      let release
      const held = new Promise((done) => (release = done))
      await page.route('**/api/v1/audit?*', async (route) => {
        await held
        await route.fulfill({ status: 503, headers: { 'content-type': 'application/problem+json', 'retry-after': '5' }, body: JSON.stringify({ title: 'Service Unavailable', status: 503, code: 'audit_away', detail: 'the audit log has not taken the entry' }) })
      })
      await page.goto(`${world.url}/audit`)
      await page.getByText('Loading the audit log').waitFor()
      release()
      await page.getByText('the audit log has not taken the entry').waitFor()
      assert.equal(await page.locator('main table').count(), 0)
      assert.deepEqual(await findings(page), [])
      await close()
    })

    it('is not offered to others, who are told why', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await page.goto(`${world.url}/audit`)
      await settled(page)
      assert.equal(await page.getByRole('link', { name: 'Audit' }).count(), 0)
      assert.match(await page.locator('main').innerText(), /You may not see this/)
      assert.equal(await page.locator('main table').count(), 0)
      await close()
    })
  })
}
