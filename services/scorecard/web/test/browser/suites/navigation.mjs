// The way from page to page: in sight on a wide screen, behind a button on a narrow one, and only what a role may use.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled } from '../harness.mjs'

const everybody = ['Scorecard', 'Experiments', 'Pipeline', 'Perception', 'Coverage', 'Barriers', 'Ingest', 'Settings']
const own = ['Log an outcome', 'My impact']
const settings = ['Keys', 'Audit']

const shown = (page) => page.locator('nav.pages a:visible').allInnerTexts()

export function navigation(world) {
  describe('navigation', () => {
    for (const [who, options, present, absent] of [
      ['a visitor', {}, everybody, [...own, ...settings]],
      ['a person', { person: true }, [...everybody, ...own], settings],
      ['an administrator', { token: true }, [...everybody, ...settings], own],
    ]) {
      it(`shows ${who} all pages of theirs at 1280 px without a click, and no others`, async () => {
        const { page, close } = await newPage(world.browser, { url: world.url, ...options, token: options.token && world.keys.admin })
        await open(page, world.url + '/')
        const names = await shown(page)
        for (const name of present) assert.ok(names.includes(name), `${name} is missing among ${names}`)
        for (const name of absent) assert.ok(!names.includes(name), `${name} is shown`)
        assert.equal(await page.locator('nav.pages a[aria-current="page"]').innerText(), 'Scorecard')
        assert.equal(await page.getByRole('button', { name: 'Menu' }).count(), 0)
        const top = await page.locator('header.top').boundingBox()
        assert.ok(top.height < 80, `the head is ${top.height} px high`)
        await close()
      })
    }

    for (const [theme, width] of [['light', 375], ['dark', 375], ['light', 320]]) {
      it(`is a native menu by keyboard, ${theme}, ${width} px`, async () => {
        const { page, trouble, close } = await newPage(world.browser, { url: world.url, theme, width, height: 700, person: true })
        await open(page, world.url + '/?scope=me')
        assert.deepEqual(await shown(page), [], 'closed until it is asked for')
        const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim())
        const menu = page.getByRole('button', { name: 'Menu' })
        await menu.focus()
        await page.keyboard.press('Enter')
        await page.locator('nav.pages:popover-open').waitFor()
        assert.deepEqual(await findings(page), [])
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width)
        await page.keyboard.press('Escape')
        assert.deepEqual(await shown(page), [])
        assert.equal(await focused(), 'Menu', 'the focus is back where it was')
        await page.keyboard.press('Enter')
        for (let i = 0; i < 12 && (await focused()) !== 'My impact'; i++) await page.keyboard.press('Tab')
        assert.equal(await focused(), 'My impact')
        await page.keyboard.press('Enter')
        await page.getByRole('heading', { name: 'How does mine add up?' }).waitFor()
        await settled(page)
        assert.deepEqual(await shown(page), [], 'whoever chose is done with it')
        assert.equal(await page.evaluate(() => document.activeElement?.id), 'main')
        assert.equal(new URL(page.url()).searchParams.get('scope'), 'me', 'the view goes along')
        assert.deepEqual(trouble, [])
        await close()
      })
    }

    it('is not printed', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, world.url + '/')
      await page.emulateMedia({ media: 'print' })
      assert.equal(await page.locator('nav.pages').isVisible(), false)
      assert.equal(await page.locator('.menu').isVisible(), false)
      await close()
    })
  })
}
