// Duplicates by source, and the live tail: what comes in is seen coming in, and what comes again is counted as such.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open } from '../harness.mjs'

// The same for all: an event that is sent again is the same event.
const time = new Date(Date.now() - 3_600_000).toISOString()

/** Sends events under their ids; whatever is wrong with one is what the test wants. */
async function send(world, source, ...events) {
  const all = events.map(({ id, kind = 'training', data = { course: 'prompts' } }) => ({
    specversion: '1.0', id, source, type: `plumbline.${kind}.v1`, time, data,
  }))
  const response = await fetch(`${world.url}/v1/events`, {
    method: 'POST', headers: { authorization: `Bearer ${world.keys.write}`, 'content-type': 'application/cloudevents-batch+json' }, body: JSON.stringify(all),
  })
  assert.ok([202, 207].includes(response.status), `${response.status} ${await response.text()}`)
}

const bad = (id) => ({ id, data: { curse: 'prompts' } })

export function live(world) {
  const admin = (options = {}) => newPage(world.browser, { url: world.url, token: world.keys.admin, ...options })
  let runs = 0
  const newSource = () => `live-${Date.now()}-${runs++}`
  const rows = (page) => page.locator('.live-list li')
  const watching = (page) => page.getByRole('status').filter({ hasText: 'Watching' }).waitFor()
  const inside = async (page, what) => {
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
    assert.ok(widths[0] <= widths[1], `${what} is ${widths[0]} px wide on a screen of ${widths[1]} px`)
  }

  describe('what came again', () => {
    it('is counted by source, once for each time, and not where nothing is known', async () => {
      const source = newSource()
      for (let times = 0; times < 3; times++) await send(world, source, { id: 'a' }, { id: 'b' })
      const { page, trouble, close } = await admin()
      const deadline = Date.now() + 30_000
      const cell = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: source }) }).getByRole('cell').last()
      do {
        assert.ok(Date.now() < deadline, `still not 4 duplicates after 30 s`)
        await open(page, `${world.url}/ingest`)
      } while (!(await cell.count()) || (await cell.innerText()) !== '4')
      const tile = await page.locator('.tile').filter({ hasText: 'Duplicates' }).innerText()
      assert.match(tile, /Noted since .*; of the time before nothing is known/, 'the demo began before they were noted')
      assert.ok(Number(/\n([\d,]+)\n/.exec(tile)?.[1].replaceAll(',', '')) >= 4, tile)
      assert.deepEqual(trouble, [])
      await open(page, `${world.url}/ingest?since=2001-01-01&until=2001-02-01`)
      assert.doesNotMatch(await page.locator('main').innerText(), /Duplicates/)
      await close()
    })
  })

  describe('the live tail', () => {
    for (const [theme, width] of [['light', 1280], ['dark', 375], ['dark', 1280], ['light', 375], ['light', 320]]) {
      it(`is accessible and inside the screen, empty and full, ${theme}, ${width} px`, async () => {
        const source = newSource()
        const { page, trouble, close } = await admin({ theme, width })
        await open(page, `${world.url}/ingest?live=1&live_source=${source}`)
        await watching(page)
        assert.deepEqual(await findings(page), [], 'empty')
        await inside(page, 'the empty tail')
        await send(world, source, { id: 'a-rather-long-id-without-any-place-to-break-it-0123456789-0123456789' }, bad('b'))
        await rows(page).nth(1).waitFor()
        assert.deepEqual(await findings(page), [], 'full')
        await inside(page, 'the full tail')
        await page.getByRole('button', { name: 'Pause' }).click()
        await page.getByRole('status').filter({ hasText: 'Paused' }).waitFor()
        assert.deepEqual(await findings(page), [], 'paused')
        assert.deepEqual(trouble, [])
        await close()
      })
    }

    it('works by keyboard: watch, choose, pause, read on, stop', async () => {
      const source = newSource()
      const { page, trouble, close } = await admin()
      await open(page, `${world.url}/ingest`)
      await page.getByRole('textbox', { name: /^Source, or its beginning/ }).focus()
      await page.keyboard.type(`${source}*`)
      await page.keyboard.press('Enter')
      await page.waitForURL((address) => address.searchParams.get('live') === '1' && address.searchParams.get('live_source') === `${source}*`)
      await watching(page)
      await send(world, `${source}-one`, { id: 'first' })
      await send(world, newSource(), { id: 'of another source' })
      await rows(page).first().waitFor()
      await page.getByRole('button', { name: 'Pause' }).focus()
      await page.keyboard.press('Space')
      await page.getByRole('button', { name: 'Resume' }).waitFor()
      await send(world, `${source}-two`, { id: 'second' }, bad('third'))
      await page.getByText('2 events have come since you paused.').waitFor()
      assert.equal(await rows(page).count(), 1, 'a paused list stands still')
      await page.keyboard.press('Space')
      await rows(page).nth(2).waitFor()
      assert.equal(await rows(page).count(), 3, 'of the other source nothing is shown')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'What came in, the latest first', 'the list can be scrolled by keyboard')
      const text = await page.locator('.live-list').innerText()
      assert.match(text, /taken Training from .*-two, id second/)
      assert.doesNotMatch(text, /prompts/, 'what is in an event is not shown')
      await page.getByRole('combobox', { name: 'Kind' }).last().selectOption('vendor_spend')
      await page.waitForURL((address) => address.searchParams.get('live_kind') === 'vendor_spend')
      await watching(page)
      await send(world, `${source}-one`, { id: 'fourth' }, { id: 'fifth', kind: 'vendor_spend', data: { vendor: 'acme', category: 'agency', billed_cost: '1.00', currency: 'EUR', invoice_date: '2026-11-01' } })
      await rows(page).first().waitFor()
      assert.match(await page.locator('.live-list').innerText(), /^\S+ (AM |PM )?taken Vendor spend from .*, id fifth$/)
      await page.getByRole('button', { name: 'Stop' }).press('Enter')
      await page.waitForURL((address) => !address.searchParams.has('live'))
      await page.locator('.live-list').waitFor({ state: 'detached' })
      assert.deepEqual(trouble, [])
      await close()
    })

    it('opens a reject that was seen coming', async () => {
      const source = newSource()
      const { page, close } = await admin()
      await open(page, `${world.url}/ingest?live=1&live_source=${source}&live_outcome=rejected`)
      await watching(page)
      await send(world, source, { id: 'good' }, bad('bad'))
      const link = rows(page).getByRole('link', { name: 'unknown field' })
      await link.waitFor()
      const id = new URL(await link.getAttribute('href'), world.url).searchParams.get('reject')
      const deadline = Date.now() + 30_000
      const known = async () => (await fetch(`${world.url}/api/v1/rejects/${id}`, { headers: { authorization: `Bearer ${world.keys.admin}` } })).ok
      while (!(await known())) assert.ok(Date.now() < deadline, `there is no reject ${id}`)
      await link.click()
      await page.getByRole('heading', { name: 'Unknown field' }).waitFor()
      assert.match(await page.locator('dialog').innerText(), /curse/)
      await close()
    })

    it('goes on after the connection broke, and says what is not shown', async () => {
      const source = newSource()
      const { page, close } = await admin()
      let cut = 1
      await page.route('**/api/v1/tail?*', (route) => (cut-- > 0 ? route.fulfill({ contentType: 'text/event-stream', body: 'event: open\ndata: {}\n\nevent: end\ndata: {}\n\n' }) : route.continue()))
      await open(page, `${world.url}/ingest?live=1&live_source=${source}`)
      await page.getByText(/Connected again .*is not shown/).waitFor()
      await send(world, source, { id: 'after' })
      await page.getByText('id after').waitFor()
      await close()
    })

    it('is not for visitors, and says why it can not be watched', async () => {
      const visitor = await newPage(world.browser, { url: world.url })
      await open(visitor.page, `${world.url}/ingest?live=1`)
      assert.match(await visitor.page.locator('.live').innerText(), /Analysts and administrators can watch/)
      assert.equal((await fetch(`${world.url}/api/v1/tail`)).status, 403)
      await visitor.close()
      for (const [status, label, theme] of [[401, 'You are not signed in', 'light'], [403, 'You may not watch', 'dark'], [429, 'Too many are watching', 'light'], [503, 'The server is busy', 'dark'], [0, 'The server is away', 'light']]) {
        const { page, close } = await admin({ width: 375, theme })
        await page.route('**/api/v1/tail*', (route) =>
          status === 0 ? route.abort() : route.fulfill({ status, headers: { 'content-type': 'application/problem+json', 'retry-after': '10' }, body: JSON.stringify({ title: 'No', status, detail: 'A sentence of the server.' }) }))
        await open(page, `${world.url}/ingest?live=1`)
        await page.getByRole('status').filter({ hasText: label }).waitFor()
        if (status !== 0) assert.match(await page.locator('.live').innerText(), /A sentence of the server\./)
        if ([429, 503].includes(status)) assert.match(await page.locator('.live').innerText(), /Trying again in 10 seconds/)
        assert.deepEqual(await findings(page), [], `${status}`)
        await close()
      }
    })
  })
}
