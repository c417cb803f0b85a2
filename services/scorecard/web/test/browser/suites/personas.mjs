// The people of the demo organisation whom a visitor of this machine may be.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled } from '../harness.mjs'

export function personas(world) {
  describe('personas of the demo', () => {
    it('a visitor becomes the contributor, has numbers of their own, and signs out', async () => {
      const { page, trouble, close } = await newPage(world.browser, { url: world.url })
      await open(page, `${world.url}/pipeline`)
      await page.getByRole('link', { name: 'Visitor, sign in' }).click()
      await page.getByRole('heading', { name: 'The demo organisation' }).waitFor()
      await page.getByRole('button', { name: 'Individual contributor' }).click()
      await settled(page)
      assert.equal(new URL(page.url()).pathname, '/pipeline', 'it leads back to where they were')
      await page.getByRole('link', { name: 'Individual contributor' }).waitFor()
      const own = await page.evaluate(async () => {
        const session = await (await fetch('/api/v1/session')).json()
        return (await (await fetch(`/api/v1/scorecard?scope=me&from=${session.first_day}&to=${session.today}`)).json()).measures.hours_saved_net
      })
      assert.equal(own.status, 'ok')
      assert.ok(own.n > 0, `${own.n} events of their own`)
      await page.getByRole('link', { name: 'Scorecard', exact: true }).click()
      await settled(page)
      await page.locator('.controls .scope').selectOption('me')
      await page.waitForURL((address) => address.searchParams.get('scope') === 'me')
      await settled(page)
      assert.match(await page.locator('.answer').first().innerText(), /· 1 person/)
      await page.getByRole('link', { name: 'Individual contributor' }).click()
      await page.getByRole('button', { name: 'Sign out', exact: true }).click()
      await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
      assert.equal(await page.getByRole('button', { name: 'Sign out', exact: true }).count(), 0)
      assert.deepEqual(trouble, [])
      await close()
    })

    for (const [theme, width] of [['light', 1280], ['dark', 1280], ['light', 375], ['dark', 320]]) {
      it(`the sign-in page is accessible and inside the screen, ${theme}, ${width} px`, async () => {
        const { page, trouble, close } = await newPage(world.browser, { url: world.url, theme, width })
        await page.goto(`${world.url}/signin`)
        assert.deepEqual(await findings(page), [])
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width)
        assert.deepEqual(trouble, [])
        await close()
      })
    }
  })
}
