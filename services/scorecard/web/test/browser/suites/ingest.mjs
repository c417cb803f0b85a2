// What is not counted: from the count to the event, its bytes, the fix, and into the numbers. Signed in, as an administrator.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled } from '../harness.mjs'

/** Sends two events with a typing error, one that no fix can help and one that is no JSON; each run has ids of its own. */
async function sendBad(world, run) {
  const spend = (id, data) => JSON.stringify({
    specversion: '1.0', id: `${run}-${id}`, source: `web-test-${run}`, type: 'plumbline.vendor_spend.v1', time: new Date(Date.now() - 3_600_000).toISOString(),
    data: { vendor: 'acme', category: 'agency', billed_cost: '100.10', invoice_date: '2026-11-01', ...data },
  })
  const bodies = [`[${spend(1, { curency: 'EUR' })},${spend(2, { curency: 'EUR' })},${spend(3, { category: 'Unheard of', currency: 'EUR' })}]`, `[{"id":"${run}-4","data":`]
  for (const body of bodies) {
    const response = await fetch(`${world.url}/v1/events`, { method: 'POST', headers: { authorization: `Bearer ${world.keys.write}`, 'content-type': 'application/cloudevents-batch+json' }, body })
    assert.ok([207, 400].includes(response.status), `${response.status} ${await response.text()}`)
  }
}

const ask = async (world, path) => (await fetch(world.url + path, { headers: { authorization: `Bearer ${world.keys.admin}` } })).json()

async function until(what, holds) {
  const deadline = Date.now() + 30_000
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `still not so after 30 s: ${what}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

export function ingest(world) {
  describe('what is not counted', () => {
    const run = `r${Date.now()}`
    const source = `web-test-${run}`
    before(async () => {
      await sendBad(world, run)
      await until('the rejects are in the list', async () => (await ask(world, `/api/v1/rejects?source=${source}`)).rejects.length === 3)
    })
    const admin = (options = {}) => newPage(world.browser, { url: world.url, token: world.keys.admin, ...options })

    it('a visitor sees the counts and not the events', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, `${world.url}/ingest`)
      const text = await page.locator('main').innerText()
      assert.match(text, /Single events are not shown to you/)
      assert.match(text, new RegExp(source))
      assert.equal(await page.locator('ul.rejects').count(), 0)
      await close()
    })

    for (const [theme, width] of [['light', 1280], ['dark', 375], ['dark', 1280], ['light', 375]]) {
      it(`list and drawer are accessible and inside the screen, ${theme}, ${width} px`, async () => {
        const { page, trouble, close } = await admin({ theme, width })
        await open(page, `${world.url}/ingest?source=${source}&status=open`)
        await page.locator('ul.rejects li').first().waitFor()
        assert.deepEqual(await findings(page), [], 'list')
        await page.getByRole('link', { name: /unknown field/ }).last().click()
        await page.getByRole('heading', { name: 'Unknown field' }).waitFor()
        await page.getByRole('heading', { name: 'Fix and replay' }).waitFor()
        assert.deepEqual(await findings(page), [], 'drawer')
        const widths = await page.evaluate(() => [document.querySelector('dialog').scrollWidth, window.innerWidth])
        assert.ok(widths[0] <= widths[1], `the drawer is ${widths[0]} px wide`)
        await page.getByRole('button', { name: 'Try it' }).click()
        await page.getByText('If you replay').waitFor()
        assert.deepEqual(await findings(page), [], 'dry run')
        assert.deepEqual(trouble, [])
        await close()
      })
    }

    it('goes from the count to the fix: dry run, replay, and again without any effect', async () => {
      const { page, trouble, close } = await admin()
      await open(page, `${world.url}/ingest`)
      await page.getByRole('link', { name: source }).click()
      await page.waitForURL((address) => address.searchParams.get('source') === source)
      await settled(page)
      assert.equal(await page.locator('ul.rejects li').count(), 3)
      await page.getByRole('combobox', { name: 'Reason' }).selectOption('unknown_field')
      await page.waitForURL((address) => address.searchParams.get('code') === 'unknown_field')
      await settled(page)
      assert.equal(await page.locator('ul.rejects li').count(), 2)
      await page.locator('ul.rejects a').first().click()
      await page.waitForURL((address) => address.searchParams.has('reject'))
      await page.getByRole('heading', { name: 'Fix and replay' }).waitFor()
      assert.equal(await page.locator('pre.bytes mark').innerText(), '"curency":"EUR"', 'the place is marked')
      assert.equal(await page.getByLabel('New place').inputValue(), '/data/currency', 'the fix is suggested')
      await page.getByRole('radio', { name: /all of/ }).check()
      await page.getByRole('button', { name: 'Try it' }).click()
      await page.getByText('2 would be taken').waitFor()
      assert.equal((await ask(world, `/api/v1/rejects?source=${source}&status=open`)).rejects.length, 3, 'a dry run changes nothing')
      await page.getByRole('button', { name: 'Replay 2 events now' }).click()
      await page.getByText('2 taken').waitFor()
      await until('they are marked as replayed', async () => (await ask(world, `/api/v1/rejects?source=${source}&status=replayed`)).rejects.length === 2)
      await page.getByRole('radio', { name: 'this one' }).check()
      await page.getByRole('button', { name: 'Try it' }).click()
      await page.getByText('1 would change nothing').waitFor()
      assert.deepEqual(trouble, [])
      await page.keyboard.press('Escape')
      await page.waitForURL((address) => !address.searchParams.has('reject'))
      await close()
    })

    it('a link opens the same filter and the same event', async () => {
      const { page, close } = await admin()
      const { rejects } = await ask(world, `/api/v1/rejects?source=${source}&code=bad_value`)
      await open(page, `${world.url}/ingest?source=${source}&code=bad_value&reject=${rejects[0].id}`)
      await page.getByRole('heading', { name: 'Bad value' }).waitFor()
      assert.match(await page.locator('dialog').innerText(), /Unheard of/)
      await page.getByLabel('Value', { exact: true }).fill('still nothing')
      await page.getByRole('button', { name: 'Try it' }).click()
      await page.getByText('1 would still be refused').waitFor()
      await close()
    })

    it('says when there is nothing, when it is not there, and when the server is busy', async () => {
      for (const [path, words] of [['/ingest?since=2001-01-01&until=2001-02-01', /Nothing arrived in these days/], [`/ingest?reject=none`, /There is no such thing here/]]) {
        const { page, close } = await admin({ width: 375 })
        await open(page, world.url + path)
        await page.waitForFunction((source) => new RegExp(source).test(document.body.innerText), words.source)
        assert.deepEqual(await findings(page), [], path)
        await close()
      }
      const { page, close } = await admin()
      await page.route('**/api/v1/rejects/summary?*', (route) => route.fulfill({ status: 503, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify({ title: 'Service Unavailable', status: 503, detail: 'the database is starting' }) }))
      await open(page, `${world.url}/ingest`)
      assert.match(await page.locator('main').innerText(), /The server is busy[\s\S]*the database is starting/)
      await close()
    })
  })
}
