// What prices the numbers: changed by an administrator with a preview, which the scorecard then shows exactly; with nothing lost on errors or between
// two tabs, and by keyboard alone. Each test puts back what it has changed.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled } from '../harness.mjs'

const problem = (status, detail, headers = {}) => ({ status, headers: { 'content-type': 'application/problem+json', ...headers }, body: JSON.stringify({ type: 'about:blank', title: 'T', status, detail }) })

/** The first day of the month so many months ago. */
function month(before) {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - before, 1)).toISOString().slice(0, 10)
}

const inside = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

export function settings(world) {
  // Two whole months that are over, of before the first wave of the survey: from then on realisation is measured, and none is assumed.
  const [from, to] = [month(5), month(3)]
  const asAdmin = (options = {}) => newPage(world.browser, { url: world.url, token: world.keys.admin, ...options })
  const at = (query) => `${world.url}/settings?from=${from}&to=${to}${query}`
  const api = async (path, method = 'GET', body = undefined) => {
    const answer = await fetch(`${world.url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${world.keys.admin}`, 'content-type': 'application/json' }, body })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`)
    return await answer.json()
  }
  const measures = async () => (await api(`/scorecard?from=${from}&to=${to}`)).measures
  const save = (page) => page.getByRole('button', { name: 'Save', exact: true })
  /** Does something to the form, and gives the preview that it asks for. */
  const previewed = async (page, act) => {
    const [answer] = await Promise.all([page.waitForResponse((r) => r.url().includes('/api/v1/what-if') && r.status() === 200), act()])
    return await answer.json()
  }
  /** What prices is shown with the same generation of the rollups or a later one: what stands still between two looks is compared. */
  const same = (a, b, key) => assert.deepEqual([a[key].value, a[key].low, a[key].high, a[key].status], [b[key].value, b[key].low, b[key].high, b[key].status], key)

  describe('settings', () => {
    it('change realisation with a preview, which the scorecard then shows exactly; and it is withdrawn again', async () => {
      const { page, trouble, close } = await asAdmin()
      const before = await measures()
      await open(page, at('&tab=assumptions'))
      await page.getByRole('link', { name: 'Change Realisation' }).click()
      await page.getByLabel('Greatest').fill('0.9')
      await page.getByLabel('Most likely').fill('0.7')
      const said = await previewed(page, () => page.getByLabel('Holds from').fill(from))
      await page.getByText(/^\d+ numbers move, of the whole organisation/).waitFor()
      await page.getByText(/^In the past: numbers of .* change with it/).waitFor()
      const row = page.getByRole('region', { name: 'What it moves' }).getByRole('row', { name: /capacity value/i }).first()
      const title = await row.getByRole('rowheader').locator('.sentence').innerText()
      const shown = (await row.getByRole('cell').nth(1).innerText()).split('\n')[0].trim()
      assert.ok(said.difference.capacity_value, JSON.stringify(said.difference))
      assert.deepEqual(await findings(page), [])
      await save(page).dblclick()
      await page.getByText(/^Saved: Realisation\. Holds from /).waitFor()
      assert.equal((await api('/registry/assumptions/realisation')).versions.filter((v) => !v.deleted && v.value.range.high === 0.9).length >= 1, true)
      const after = await measures()
      for (const key of Object.keys(said.scorecard.measures)) same(after, said.scorecard.measures, key)
      for (const [key, d] of Object.entries(said.difference)) {
        assert.deepEqual([d.before, d.before_low, d.before_high], [before[key].value, before[key].low, before[key].high], `${key} before`)
        assert.deepEqual([d.after, d.after_low, d.after_high], [after[key].value, after[key].low, after[key].high], `${key} after`)
      }
      await page.getByRole('link', { name: 'What the audit log says of it' }).click()
      await page.getByRole('cell', { name: 'Assumptions realisation' }).first().waitFor()
      await open(page, `${world.url}/?from=${from}&to=${to}`)
      const figure = page.locator('.measure').filter({ has: page.getByRole('heading', { name: title, exact: true }) }).locator('.figure')
      assert.equal((await figure.innerText()).replace(/, where it comes from$/, '').trim(), shown)
      // Withdrawn from the same day on it is as it was, and that was said, too.
      await open(page, at('&tab=assumptions'))
      await page.getByRole('link', { name: 'Withdraw Realisation' }).click()
      const back = await previewed(page, () => page.getByLabel('No longer holds from').fill(from))
      assert.equal(back.difference.capacity_value.after, before.capacity_value.value)
      await page.getByRole('button', { name: 'Withdraw it' }).click()
      await page.getByText(/^Withdrawn: Realisation\. No longer holds from /).waitFor()
      const again = await measures()
      for (const key of Object.keys(said.difference)) same(again, before, key)
      assert.deepEqual(trouble, [])
      await close()
    })

    it('say at the field what is wrong, and what may not be previewed', async () => {
      const { page, close } = await asAdmin()
      await open(page, at('&tab=assumptions&do=add attribution'))
      await page.getByLabel('Greatest').fill('7')
      await page.getByText('A share is at most 1.').waitFor()
      const field = page.getByLabel('Greatest')
      assert.equal(await field.getAttribute('aria-invalid'), 'true')
      await page.getByLabel('Most likely').fill('')
      await save(page).click()
      await page.getByText('This is needed.').waitFor()
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'range/mode')
      assert.deepEqual(await findings(page), [])
      await page.getByRole('button', { name: 'Cancel' }).click()
      // Within a month that is over a price would tell about the days of others.
      await open(page, at('&tab=rates'))
      await page.getByRole('link', { name: /^Change / }).first().click()
      await page.getByLabel('Holds from').fill(`${from.slice(0, 8)}12`)
      await page.getByText(/^There is no preview of this: .* It can be saved all the same/).waitFor()
      assert.deepEqual(await findings(page), [])
      await page.getByRole('button', { name: 'Cancel' }).click()
      await close()
    })

    it('tell the later of two tabs, and lose nothing that was typed', async () => {
      const { page, close } = await asAdmin()
      await api('/registry/rates/two-tabs', 'PUT', `{"valid_from":"${from}","loaded_hourly_rate":"40","currency":"EUR"}`)
      const second = await page.context().newPage()
      const change = at('&tab=rates&do=change two-tabs')
      await open(page, change)
      await open(second, change)
      const price = (tab) => tab.getByLabel('An hour costs, with everything in it')
      await price(page).fill('41')
      await save(page).click()
      await page.getByText(/^Saved: two-tabs/).waitFor()
      await price(second).fill('42.50')
      await save(second).click()
      await second.getByText('It was changed elsewhere meanwhile').waitFor()
      assert.equal(await price(second).inputValue(), '42.50')
      assert.equal((await api('/registry/rates/two-tabs')).loaded_hourly_rate, '41', 'nothing was overwritten')
      await second.reload()
      await settled(second)
      assert.equal(await price(second).inputValue(), '42.50', 'what was typed is kept')
      await save(second).click()
      await second.getByRole('button', { name: 'Look at it as it is now, and go on' }).click()
      await second.getByText(/It says now: 41 EUR an hour/).waitFor()
      await save(second).click()
      await second.getByText(/^Saved: two-tabs/).waitFor()
      assert.equal((await api('/registry/rates/two-tabs')).loaded_hourly_rate, '42.5')
      await second.getByRole('link', { name: 'History two-tabs' }).click()
      await second.getByRole('region', { name: /^What two-tabs was/ }).getByRole('row', { name: /40 EUR an hour/ }).waitFor()
      await api(`/registry/rates/two-tabs?valid_from=${from}`, 'DELETE')
      await api('/registry/rates/two-tabs', 'DELETE')
      await close()
    })

    it('keep what is typed while the server is away, and write it once afterwards', async () => {
      const { page, close } = await asAdmin()
      await open(page, at('&tab=fx&do=add'))
      await page.getByLabel(/^Pair/).fill('NOK-SEK')
      await page.getByLabel('Rate', { exact: true }).fill('0,97')
      const target = (address) => address.pathname === '/api/v1/registry/fx/NOK-SEK'
      await page.route(target, (route) => (route.request().method() === 'PUT' ? route.fulfill(problem(503, 'The log did not take the entry.', { 'retry-after': '5' })) : route.fallback()))
      await save(page).click()
      await page.getByText('The log does not take it just now').waitFor()
      await page.reload()
      await settled(page)
      assert.equal(await page.getByLabel('Rate', { exact: true }).inputValue(), '0,97')
      // The answer of a write that was taken is lost: the same again finds it there.
      await page.unroute(target)
      await page.route(target, async (route) => {
        if (route.request().method() !== 'PUT') return route.fallback()
        await route.fetch()
        await route.abort()
      })
      await save(page).click()
      await page.getByText('The server does not answer').waitFor()
      await page.unroute(target)
      await save(page).click()
      await page.getByText(/^Saved: NOK-SEK/).waitFor()
      assert.equal((await api('/registry/fx/NOK-SEK')).versions.length, 1)
      await api('/registry/fx/NOK-SEK', 'DELETE')
      await close()
    })

    it('go by keyboard alone, from the list to a target that is saved', async () => {
      const { page, trouble, close } = await asAdmin()
      await open(page, `${world.url}/settings?from=${month(2)}&to=${month(-1)}&tab=targets`)
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('name') ?? document.activeElement?.textContent?.trim())
      const until = async (name) => {
        for (let i = 0; i < 60 && (await focused()) !== name; i++) await page.keyboard.press('Tab')
        assert.equal(await focused(), name)
      }
      await until('Add a target')
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => document.activeElement?.id === 'setting')
      await until('key')
      await page.keyboard.type('keyboard')
      await until('measure')
      await page.keyboard.type('Rework')
      await until('value')
      await page.keyboard.type('0.05')
      await page.getByText(/^A target changes no number\. Of the whole organisation/).waitFor()
      await page.keyboard.press('Enter')
      await page.getByText(/^Saved: keyboard\. Holds from /).waitFor()
      assert.equal((await api('/registry/targets/keyboard')).measure, 'rework_rate')
      await api('/registry/targets/keyboard', 'DELETE')
      assert.deepEqual(trouble, [])
      await close()
    })

    it('are read by everybody and changed by those who may', async () => {
      for (const who of [{}, { person: true }]) {
        const { page, trouble, close } = await newPage(world.browser, { url: world.url, ...who })
        await open(page, at('&tab=rates'))
        await page.getByRole('cell', { name: /58 USD an hour|58 EUR an hour/ }).first().waitFor()
        assert.equal(await page.getByRole('link', { name: /^(Change|Withdraw|Add) / }).count(), 0)
        await open(page, at('&tab=calendar&do=change default'))
        await page.getByText('Changing this is for analysts and administrators').waitFor()
        assert.deepEqual(trouble, [])
        await close()
      }
    })

    it('say what the API refuses, in place of what it would show', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url, person: true })
      await page.route('**/api/v1/registry/rates?*', (route) => route.fulfill(problem(403, 'Rates are for others.')))
      await open(page, at('&tab=rates'))
      assert.match(await page.locator('main').innerText(), /You may not see this\s+Rates are for others\./)
      assert.deepEqual(await findings(page), [])
      await close()
    })

    for (const [theme, width] of [['light', 1280], ['dark', 1280], ['light', 375], ['dark', 375], ['light', 320]]) {
      it(`are accessible and inside the screen, in every section, ${theme}, ${width} px`, async () => {
        const { page, trouble, close } = await asAdmin({ theme, width })
        for (const tab of ['rates', 'fx', 'assumptions', 'targets', 'benchmarks', 'vendor-baselines', 'calendar', 'teams']) {
          await open(page, at(`&tab=${tab}&do=${tab === 'assumptions' ? 'add risk' : 'add'}`))
          await page.getByRole('heading', { name: /^(Add|Change)/ }).waitFor()
          assert.deepEqual(await findings(page), [], tab)
          assert.ok(await inside(page), `${tab} is wider than ${width} px`)
        }
        await open(page, at('&tab=rates&do=history marketer'))
        assert.deepEqual(await findings(page), [])
        assert.ok(await inside(page))
        assert.deepEqual(trouble.filter((t) => !t.includes('404')), [])
        await close()
      })
    }
  })
}
