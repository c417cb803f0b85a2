// A baseline is disputed from the drawer of a number as the individual contributor of the demo organisation, marked wherever it prices, and
// accepted by an administrator: the number moves by exactly what was shown before.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled } from '../harness.mjs'

const problem = (status, detail, headers = {}) => ({ status, headers: { 'content-type': 'application/problem+json', ...headers }, body: JSON.stringify({ type: 'about:blank', title: 'T', status, detail }) })

const month = (after) => {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + after, 1)).toISOString().slice(0, 10)
}

/** Two months that are over: what others do is shown in those. */
const period = `from=${month(-2)}&to=${month(0)}`

const inside = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

export function disputes(world) {
  const asPerson = (options = {}) => newPage(world.browser, { url: world.url, person: true, ...options })
  const asAdmin = (options = {}) => newPage(world.browser, { url: world.url, token: world.keys.admin, ...options })
  const asked = async (path) => (await fetch(world.url + path, { headers: { authorization: `Bearer ${world.keys.admin}` } })).json()
  /** A workflow that a declared baseline prices. */
  let workflow, raised

  const fill = async (page, minutes, why) => {
    for (const [part, value] of Object.entries(minutes)) await page.getByLabel(new RegExp(`^Minutes per .*, ${part}$`)).fill(value)
    await page.getByLabel('Since when').fill(month(-1))
    await page.getByLabel('Why', { exact: true }).fill(why)
  }
  const send = (page) => page.getByRole('button', { name: 'Dispute it' })
  /** Sends until it is taken: where the loader is behind, the server says so, and the same again is harmless. */
  const until = async (page, button, done) => {
    for (let tries = 0; tries < 5; tries++) {
      await button.click()
      await done.or(page.getByText('The log does not take it just now')).first().waitFor()
      if (await done.isVisible()) return
    }
    await done.waitFor()
  }

  describe('disputes of a baseline', () => {
    before(async () => {
      const list = await asked(`/api/v1/workflows?${period}`)
      // And behind which enough people stand, so that it is told what another one would change.
      for (const w of list.workflows.filter((row) => row.baselines[0]?.source === 'declared')) {
        const body = JSON.stringify({ registry: { workflows: { [w.workflow]: { valid_from: month(-1), baseline: { low: 10, mode: 12.5, high: 20 } } } } })
        const would = await fetch(`${world.url}/api/v1/what-if?${period}`, { method: 'POST', body, headers: { authorization: `Bearer ${world.keys.admin}`, 'content-type': 'application/json' } })
        if (would.status === 200) workflow ??= w
      }
      assert.ok(workflow, 'no workflow of the demo organisation has a declared baseline that prices the work of many')
    })

    it('are raised from the drawer of a number, once however often they are sent', async () => {
      const { page, trouble, close } = await asPerson()
      await open(page, `${world.url}/?${period}&open=hours_saved_net`)
      await page.locator('dialog.drawer[open]').waitFor()
      await page.getByRole('link', { name: new RegExp(`^Dispute it\\s*: ${workflow.workflow}$`) }).click()
      await page.getByRole('heading', { name: 'Dispute the baseline' }).waitFor()
      await page.waitForFunction(() => document.activeElement?.id === 'raise')
      await page.getByText(workflow.name, { exact: true }).first().waitFor()
      await fill(page, { 'at least': '10', usually: '12,5', 'at most': '20' }, 'Templates have changed it')
      await send(page).dblclick()
      await page.getByText(/^Open since .* raised by you/).or(page.getByText('The log does not take it just now')).first().waitFor()
      if (!(await page.getByText(/^Open since/).isVisible())) await until(page, send(page), page.getByText(/^Open since/))
      const list = await asked(`/api/v1/disputes?workflow=${encodeURIComponent(workflow.workflow)}`)
      assert.equal(list.total, 1)
      raised = list.disputes[0]
      assert.equal(raised.proposed.mode, 12.5)
      assert.equal(raised.disputed.source, 'declared')
      assert.match(page.url(), new RegExp(`dispute=${raised.id}`))
      assert.deepEqual(await findings(page), [])
      assert.deepEqual(trouble, [])
      await close()
    })

    it('are marked at the number, at its claim and at the workflow, for everybody, and name nobody', async () => {
      const { page, trouble, close } = await newPage(world.browser, { url: world.url })
      await open(page, `${world.url}/?${period}`)
      await page.locator('.answer').getByRole('link', { name: '1 open dispute' }).waitFor()
      await open(page, `${world.url}/?${period}&open=hours_saved_net`)
      await page.getByRole('heading', { name: 'Its baseline is disputed' }).waitFor()
      await open(page, `${world.url}/workflows?${period}&workflow=${encodeURIComponent(workflow.workflow)}`)
      await page.locator('.panel').getByRole('link', { name: '1 open dispute' }).click()
      await page.getByRole('region', { name: 'Disputes, the latest first' }).getByRole('link').first().click()
      await page.getByText(/raised by somebody/).waitFor()
      assert.doesNotMatch(await page.locator('main').innerText(), /p[0-9a-f]{24}/)
      assert.equal(await page.getByRole('button', { name: /Accept|Withdraw|I find so/ }).count(), 0)
      assert.deepEqual(trouble, [])
      await close()
    })

    it('are discussed by keyboard alone', async () => {
      const { page, trouble, close } = await asPerson()
      await open(page, `${world.url}/disputes?${period}&dispute=${raised.id}`)
      await page.getByText(/^Open since/).waitFor()
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('name'))
      for (let i = 0; i < 60 && (await focused()) !== 'comment'; i++) await page.keyboard.press('Tab')
      await page.keyboard.type('It was so in spring, too')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.locator('.discussion').getByText('It was so in spring, too').waitFor()
      assert.equal(await page.getByLabel('Say something').inputValue(), '')
      assert.deepEqual(trouble, [])
      await close()
    })

    it('move the number by exactly what was shown before, from the day on, once an administrator accepts them', async () => {
      const before = await asked(`/api/v1/scorecard?${period}`)
      const { page, trouble, close } = await asAdmin()
      await open(page, `${world.url}/disputes?${period}&dispute=${raised.id}`)
      await page.getByRole('heading', { name: 'Decide' }).waitFor()
      const told = page.waitForResponse((r) => r.url().includes('/preview'))
      await page.getByRole('button', { name: 'Show what that would change' }).click()
      const preview = await (await told).json()
      const change = preview.difference.hours_saved_net
      assert.ok(change, `accepting would change no hours: ${JSON.stringify(preview)}`)
      assert.equal(change.before, before.measures.hours_saved_net.value)
      const table = page.getByRole('region', { name: 'What that would change in the whole organisation' })
      await table.getByRole('row', { name: /Net hours saved/ }).first().waitFor()
      assert.deepEqual(await findings(page), [])
      await until(page, page.getByRole('button', { name: 'Accept it' }), page.getByText(/^Accepted: 12.5 min/))
      const after = await asked(`/api/v1/scorecard?${period}`)
      for (const [key, x] of Object.entries(preview.difference)) assert.equal(after.measures[key].value, x.after, key)
      assert.equal(after.measures.hours_saved_net.open_disputes, undefined)
      // The month before the day is what it was.
      const earlier = `from=${month(-2)}&to=${month(-1)}`
      const entry = await asked(`/api/v1/registry/workflows/${encodeURIComponent(workflow.workflow)}`)
      assert.equal(entry.baseline.mode, 12.5)
      assert.equal(entry.valid_from.slice(0, 10), month(-1))
      const was = await asked(`/api/v1/workflows?${earlier}&scope=${encodeURIComponent(`workflow:${workflow.workflow}`)}`)
      assert.equal(was.workflows[0].baselines[0].value, workflow.baselines[0].value)
      assert.deepEqual(trouble, [])
      await close()
    })

    it('keep what is typed on 503, over a reload, and can be withdrawn', async () => {
      const { page, close } = await asPerson()
      await open(page, `${world.url}/disputes?${period}&raise=${encodeURIComponent(workflow.workflow)}`)
      const target = (address) => address.pathname === '/api/v1/disputes'
      await page.route(target, (route) => (route.request().method() === 'POST' ? route.fulfill(problem(503, 'The log has not confirmed it.', { 'retry-after': '5' })) : route.fallback()))
      await fill(page, { 'at least': '30', usually: '40', 'at most': '50' }, 'Kept over a reload')
      await send(page).click()
      await page.getByText('The log does not take it just now').waitFor()
      assert.deepEqual(await findings(page), [])
      await page.unroute(target)
      await page.reload()
      await settled(page)
      assert.equal(await page.getByLabel('Why', { exact: true }).inputValue(), 'Kept over a reload')
      await until(page, send(page), page.getByText(/^Open since/))
      await until(page, page.getByRole('button', { name: 'Withdraw it' }), page.getByText(/^Withdrawn, by you/))
      await close()
    })

    it('say what fails, and that there is none', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await page.route('**/api/v1/disputes?*', (route) => route.abort())
      await open(page, `${world.url}/disputes`)
      await page.getByText('The server does not answer').waitFor()
      await page.unroute('**/api/v1/disputes?*')
      await page.route('**/api/v1/disputes?*', (route) => route.fulfill({ json: { disputes: [], total: 0, next: null } }))
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByText('No dispute here').waitFor()
      assert.deepEqual(await findings(page), [])
      await open(page, `${world.url}/disputes?dispute=none`)
      await page.getByText('There is no such thing here').waitFor()
      await close()
    })

    for (const theme of ['light', 'dark']) {
      for (const width of [1280, 320]) {
        it(`are accessible and inside the screen with their forms open, ${theme}, ${width} px`, async () => {
          const { page, trouble, close } = await asPerson({ width, theme })
          for (const query of ['', `dispute=${raised.id}`, `raise=${encodeURIComponent(workflow.workflow)}`]) {
            await open(page, `${world.url}/disputes?${period}&${query}`)
            assert.deepEqual(await findings(page), [], query)
            assert.ok(await inside(page), `${query} overflows`)
          }
          assert.deepEqual(trouble, [])
          await close()
        })
      }
    }
  })
}
