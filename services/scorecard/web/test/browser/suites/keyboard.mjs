// From the first key to the rows behind the first number and back, with the keyboard alone.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newPage, open } from '../harness.mjs'

export function keyboard(world) {
  describe('keyboard', () => {
    it('reaches the evidence behind the answer and comes back', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, world.url + '/')
      const focused = () => page.evaluate(() => document.activeElement?.className ?? '')
      await page.keyboard.press('Tab')
      assert.match(await focused(), /skip/, 'the first stop skips the navigation')
      await page.keyboard.press('Enter')
      for (let i = 0; i < 12 && !(await focused()).includes('opens'); i++) await page.keyboard.press('Tab')
      assert.match(await focused(), /opens/)
      await page.keyboard.press('Enter')
      await page.locator('dialog.drawer[open] .total').waitFor()
      // Focus stays inside the dialog, or leaves for the browser's own bar.
      for (let i = 0; i < 30; i++) {
        await page.keyboard.press('Tab')
        assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest('dialog') !== null))
      }
      await page.keyboard.press('Escape')
      await page.locator('dialog').waitFor({ state: 'detached' })
      assert.match(await focused(), /opens/)
      await close()
    })

    it('moves from page to page and lands in the content', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, world.url + '/')
      await page.getByRole('link', { name: 'Experiments', exact: true }).focus()
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Did AI cause lift?' }).waitFor()
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'main')
      assert.equal(await page.title(), 'Experiments · Plumbline')
      await close()
    })
  })
}
