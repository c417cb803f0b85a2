// The one question of the survey: answered as a person, by keyboard, and kept on the page where it was not taken.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open } from '../harness.mjs'

export function survey(world) {
  const asPerson = (options = {}) => newPage(world.browser, { url: world.url, person: true, ...options })

  describe('the survey', () => {
    it('is answered by keyboard, and the log has an answer that names nobody', async () => {
      const { page, trouble, close } = await asPerson()
      await open(page, `${world.url}/perception`)
      const partly = page.getByRole('radio', { name: 'Partly' })
      await page.getByRole('radio', { name: 'Yes, with numbers' }).focus()
      await page.keyboard.press('ArrowRight')
      assert.equal(await partly.isChecked(), true)
      await page.keyboard.press('Tab')
      const [sent] = await Promise.all([page.waitForResponse((r) => r.url().endsWith('/api/v1/survey')), page.keyboard.press('Enter')])
      assert.equal(sent.status(), 202)
      assert.deepEqual(Object.keys(JSON.parse(sent.request().postData())).sort(), ['roi_provable', 'wave'])
      await page.getByText('Thank you: your answer is in.').waitFor()
      assert.deepEqual(trouble, [])
      await close()
    })

    for (const theme of ['light', 'dark']) {
      for (const width of [1280, 375, 320]) {
        it(`is accessible and inside the screen, ${theme}, ${width} px`, async () => {
          const { page, trouble, close } = await asPerson({ width, theme })
          await open(page, `${world.url}/perception`)
          await page.getByRole('button', { name: 'Answer' }).click()
          await page.getByText('Choose one of the three first.').waitFor()
          assert.deepEqual(await findings(page), [])
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it overflows')
          assert.deepEqual(trouble, [])
          await close()
        })
      }
    }

    it('is not asked of who is no person', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, `${world.url}/perception`)
      assert.equal(await page.getByText('Your own answer').count(), 0)
      await close()
    })

    it('says why an answer was not taken, and keeps what was chosen', async () => {
      const { page, close } = await asPerson()
      await page.route('**/api/v1/survey', (route) =>
        route.fulfill({
          status: 409, headers: { 'content-type': 'application/problem+json' },
          body: JSON.stringify({ type: 'about:blank', title: 'Conflict', status: 409, code: 'wave_closed', detail: 'This wave is closed for good.' }),
        }),
      )
      await open(page, `${world.url}/perception`)
      await page.getByRole('radio', { name: 'No', exact: true }).check()
      await page.getByRole('button', { name: 'Answer' }).click()
      await page.getByText('This wave is closed for good.').waitFor()
      assert.equal(await page.getByRole('radio', { name: 'No', exact: true }).isChecked(), true)
      await close()
    })
  })
}
