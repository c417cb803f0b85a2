// Five tasks as somebody does them who sees the app for the first time, each within the clicks that the design of its page implies. What
// is clicked is what stands on the screen: nothing is opened by its address.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newPage, open, settled } from '../harness.mjs'

/** A page that counts the clicks that lead through it. */
async function walker(world, person) {
  const { page, close } = await newPage(world.browser, { url: world.url, person })
  await open(page, `${world.url}/`)
  const walk = {
    page,
    close,
    clicks: 0,
    async click(locator) {
      walk.clicks++
      await locator.click()
      await settled(page)
    },
    link: (name) => walk.click(page.getByRole('link', { name, exact: true })),
  }
  return walk
}

export function tasks(world) {
  describe('five tasks of somebody who is new here', () => {
    const task = (name, most, person, walk) =>
      it(`${name}, within ${most} ${most === 1 ? 'click' : 'clicks'}`, async (t) => {
        const w = await walker(world, person)
        await walk(w)
        t.diagnostic(`${name}: ${w.clicks} of ${most} clicks`)
        assert.ok(w.clicks <= most, `${w.clicks} clicks`)
        await w.close()
      })

    task('what is the return, and how sure is it?', 0, 'leader', async ({ page }) => {
      const row = page.locator('article.measure', { has: page.getByText('Return on investment, cash and capacity', { exact: true }) })
      const text = await row.innerText()
      assert.match(text, /[−\d.,]+%/, 'a return')
      assert.match(text, /90% sure: /, 'how sure')
      assert.match(text, /Grade \d/, 'by which evidence')
    })

    task('which teams do not measure pipeline?', 1, 'leader', async (w) => {
      await w.link('Coverage')
      const table = w.page.getByRole('table', { name: 'Teams and the four kinds of events' })
      const column = (await table.getByRole('columnheader').allInnerTexts()).findIndex((name) => name.trim() === 'Pipeline')
      const without = []
      for (const row of (await table.getByRole('row').all()).slice(1)) {
        const cells = await row.locator('th, td').allInnerTexts()
        if (/not yet/.test(cells[column])) without.push(cells[0].trim())
      }
      const coverage = await w.page.evaluate(async () => (await (await fetch('/api/v1/coverage')).json()).teams)
      assert.deepEqual(without.sort(), coverage.filter((team) => !team.kinds.pipeline).map((team) => team.name).sort())
      assert.ok(without.length > 0, 'the demo has teams without')
    })

    task('log what AI changed just now', 2, 'ic', async (w) => {
      await w.link('Log an outcome')
      await w.page.getByLabel('Workflow').selectOption({ index: 1 })
      await w.page.getByLabel('Minutes, with AI').fill('33.5')
      await w.page.getByText(/^(Adds|Takes) /).waitFor()
      await w.click(w.page.getByRole('button', { name: 'Log it' }))
      await w.page.getByText(/exactly as said before|It counts in your numbers/).waitFor()
    })

    task('find the events behind a number', 1, 'leader', async (w) => {
      await w.click(w.page.locator('main').getByText('Vendor savings', { exact: true }).first().locator('xpath=following::a[contains(., "where it comes from")][1]'))
      await w.page.getByText(/exactly the number above/).waitFor()
      const rows = w.page.getByRole('table', { name: 'Evidence of vendor savings' }).getByRole('row')
      assert.ok((await rows.count()) > 1, 'there are events')
    })

    task('what blocks people most?', 1, 'leader', async (w) => {
      await w.link('Barriers')
      const first = w.page.getByRole('table', { name: 'Barriers, the costliest first' }).getByRole('row').nth(1)
      const costliest = await w.page.evaluate(async () => (await (await fetch('/api/v1/barriers')).json()).barriers[0])
      assert.equal(costliest.row, 'member', 'a barrier has a row of its own')
      const cells = await first.locator('th, td').allInnerTexts()
      assert.equal(cells[0].trim().toLowerCase().replaceAll(' ', '_'), costliest.barrier)
      assert.match(cells[2], /[\d.]+\sh/, 'with what it costs')
    })
  })
}
