// Notes on days: added from the scorecard by who may, seen by everybody in the charts, the list and the tables of their scope and period,
// and taken away again.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open } from '../harness.mjs'

const month = (after) => {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + after, 1)).toISOString().slice(0, 10)
}

/** Six months that are over: the charts have a point for each. */
const period = `from=${month(-6)}&to=${month(0)}`
const day = month(-2).replace(/01$/, '12')
const inside = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

export function notes(world) {
  const asAdmin = (options = {}) => newPage(world.browser, { url: world.url, token: world.keys.admin, ...options })
  const asked = async (path) => (await fetch(world.url + path, { headers: { authorization: `Bearer ${world.keys.admin}` } })).json()
  const write = async (page, text) => {
    await page.getByRole('button', { name: 'Add a note' }).click()
    await page.getByLabel('Day', { exact: true }).fill(day)
    await page.getByLabel('What happened').fill(text)
    const save = page.getByRole('button', { name: 'Write it' })
    for (let tries = 0; tries < 5; tries++) {
      await save.click()
      await page.getByText('The note is written.').or(page.getByText('The log does not take it just now')).first().waitFor()
      if (await page.getByText('The note is written.').isVisible()) return
    }
  }

  describe('notes on days', () => {
    it('are added from the scorecard, and stand in its charts, list, tables and print for everybody', async () => {
      const { page, trouble, close } = await asAdmin()
      await open(page, `${world.url}/?${period}`)
      await write(page, 'New brief template')
      await page.locator('.notes li').getByText('New brief template').waitFor()
      assert.equal((await asked(`/api/v1/annotations?${period}`)).annotations.filter((n) => n.text === 'New brief template').length, 1)
      assert.deepEqual(trouble, [])
      await close()
      const visitor = await newPage(world.browser, { url: world.url })
      await open(visitor.page, `${world.url}/?${period}`)
      const list = visitor.page.locator('.notes li')
      await list.getByText('New brief template').waitFor()
      assert.equal(await visitor.page.getByRole('button', { name: /Add a note|Take away/ }).count(), 0)
      assert.ok((await visitor.page.locator('.note-numbers text').count()) > 0, 'no chart has its number')
      await visitor.page.getByText('By week, as a table').click()
      await visitor.page.getByRole('cell', { name: 'New brief template' }).first().waitFor() // a week of one measure, and a month of another
      await visitor.page.emulateMedia({ media: 'print' })
      assert.ok(await list.first().isVisible())
      assert.deepEqual(visitor.trouble, [])
      await visitor.close()
    })

    it('are those of the scope and period only', async () => {
      const team = (await asked('/api/v1/registry/teams')).entries[0].key
      const { page, trouble, close } = await asAdmin()
      await open(page, `${world.url}/?${period}&scope=team:${encodeURIComponent(team)}`)
      await write(page, 'Only of this team')
      await page.locator('.notes li').getByText('Only of this team').waitFor()
      for (const query of [period, `from=${month(-6)}&to=${month(-2)}&scope=team:${encodeURIComponent(team)}`]) {
        await open(page, `${world.url}/?${query}`)
        await page.getByRole('heading', { name: 'The measures' }).waitFor()
        assert.equal(await page.getByText('Only of this team').count(), 0, query)
      }
      assert.deepEqual(trouble, [])
      await close()
    })

    for (const theme of ['light', 'dark']) {
      for (const width of [1280, 320]) {
        it(`are accessible and inside the screen with the form open, ${theme}, ${width} px`, async () => {
          const { page, trouble, close } = await asAdmin({ width, theme })
          await open(page, `${world.url}/?${period}`)
          await page.getByRole('button', { name: 'Add a note' }).click()
          await page.getByRole('button', { name: 'Write it' }).click()
          await page.getByText('Write what happened on that day.').waitFor()
          assert.deepEqual(await findings(page), [])
          assert.ok(await inside(page))
          assert.deepEqual(trouble, [])
          await close()
        })
      }
    }

    it('are taken away in two clicks, by keyboard', async () => {
      const { page, trouble, close } = await asAdmin()
      await open(page, `${world.url}/?${period}`)
      const row = page.locator('.notes li').filter({ hasText: 'New brief template' })
      await row.getByRole('button').focus()
      await page.keyboard.press('Enter')
      await row.getByRole('button', { name: /Take it away for everybody/ }).waitFor()
      await page.keyboard.press('Enter')
      await row.waitFor({ state: 'detached' })
      const left = (await asked(`/api/v1/annotations?${period}`)).annotations
      assert.ok(left.every((n) => n.text !== 'New brief template'))
      assert.deepEqual(trouble, [])
      await close()
    })
  })
}
