// Every page, light and dark, wide and narrow: accessible, quiet in the console, inside its policy and inside the screen.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { addresses, administration, newPage, open, personal, settled } from '../harness.mjs'

/** Every page with who opens it. */
const everyPage = async (world) => [
  ...Object.entries(await addresses(world.url)).map(([name, path]) => [name, path, {}]),
  ...Object.entries(administration).map(([name, path]) => [name, path, { token: world.keys.admin }]),
  ...Object.entries(personal).map(([name, path]) => [name, path, { person: true }]),
]

const dayBefore = (iso) => new Date(Date.parse(iso) - 86_400_000).toISOString().slice(0, 10)

export function pages(world) {
  describe('pages', () => {
    for (const theme of ['light', 'dark']) {
      for (const width of [1280, 375]) {
        it(`have no accessibility finding and no error, ${theme}, ${width} px`, async () => {
          for (const [name, path, who] of await everyPage(world)) {
            const { page, trouble, close } = await newPage(world.browser, { width, theme, url: world.url, ...who })
            await open(page, world.url + path)
            assert.deepEqual(await findings(page), [], name)
            assert.deepEqual(trouble, [], name)
            await close()
          }
        })
      }
    }

    it('fit a screen of 320 px without scrolling sideways', async () => {
      for (const [name, path, who] of await everyPage(world)) {
        const { page, close } = await newPage(world.browser, { width: 320, url: world.url, ...who })
        await open(page, world.url + path)
        const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
        assert.ok(widths[0] <= widths[1], `${name} is ${widths[0]} px wide on a screen of ${widths[1]} px`)
        await close()
      }
    })

    it('print on two sheets at most, with filters and as-of', async () => {
      for (const path of ['/', '/pipeline', '/experiments']) {
        const { page, close } = await newPage(world.browser, { url: world.url })
        await open(page, world.url + path)
        const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1')
        const sheets = pdf.match(/\/Type\s*\/Page[^s]/g).length
        assert.ok(sheets <= 2, `${path} prints on ${sheets} sheets`)
        await page.emulateMedia({ media: 'print' })
        assert.match(await page.locator('main').innerText(), /Data as of/, path)
        if (path !== '/experiments') assert.match(await page.locator('.print-only').innerText(), /Whole organisation, .*20\d\d/, path)
        await close()
      }
    })

    it('keep period and scope in the address, as absolute days', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, world.url + '/')
      await page.waitForURL(/from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d/)
      const option = page.locator('.controls select').first().locator('option[value^="team:"]').first()
      const scope = await option.getAttribute('value')
      await page.locator('.controls select').first().selectOption(scope)
      await page.waitForURL((address) => address.searchParams.get('scope') === scope)
      await settled(page)
      const said = await page.locator('.big').first().innerText()
      await page.getByRole('link', { name: 'Pipeline' }).click()
      await page.getByRole('heading', { name: 'Do deals move faster?' }).waitFor()
      assert.equal(new URL(page.url()).searchParams.get('scope'), scope)
      await page.goBack()
      await page.waitForURL((address) => address.pathname === '/')
      await settled(page)
      assert.equal(await page.locator('.big').first().innerText(), said, 'the back button shows the same number')
      const other = await newPage(world.browser, { url: world.url })
      await open(other.page, page.url())
      assert.equal(await other.page.locator('.big').first().innerText(), said, 'the link shows the same number')
      await Promise.all([close(), other.close()])
    })

    it('change the period by calendar and by preset', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, world.url + '/')
      await page.locator('.select-like').click()
      await page.getByRole('button', { name: 'This month' }).click()
      await page.waitForURL((address) => /^\d{4}-\d\d-01$/.test(address.searchParams.get('from')) && address.searchParams.get('from').slice(0, 7) === dayBefore(address.searchParams.get('to')).slice(0, 7))
      await page.locator('.select-like').click()
      await page.getByLabel('First day').fill('2026-10-01')
      await page.getByLabel('Last day').fill('2026-10-14')
      await page.getByRole('button', { name: 'Show', exact: true }).click()
      await page.waitForURL(/from=2026-10-01&to=2026-10-15/)
      await close()
    })

    it('remember the theme', async () => {
      const { page, close } = await newPage(world.browser, { theme: 'light', url: world.url })
      await open(page, world.url + '/')
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      const light = await ground()
      await page.getByRole('button', { name: 'Use the dark theme' }).click()
      const dark = await ground()
      assert.notEqual(dark, light)
      await page.reload()
      await settled(page)
      assert.equal(await ground(), dark)
      await close()
    })

    it('remember in which locale numbers and dates are written, and keep it out of the address', async () => {
      const { page, trouble, close } = await newPage(world.browser, { url: world.url })
      await open(page, world.url + '/')
      const choice = page.getByLabel('Numbers and dates')
      assert.match(await page.locator('.select-like[popovertarget]').last().innerText(), /^\w{3} 1/)
      await choice.selectOption('de')
      await settled(page)
      const german = async () => page.locator('main').innerText()
      assert.match(await german(), /\d{1,3},\d\s%/)
      assert.match(await german(), /01\.\d\d\./)
      assert.doesNotMatch(page.url(), /lang|locale|=de/)
      assert.deepEqual(await findings(page), [])
      await page.reload()
      await settled(page)
      assert.match(await german(), /01\.\d\d\./)
      await choice.selectOption('ja')
      await settled(page)
      assert.match(await german(), /20\d\d\/\d\d\/01/)
      await choice.selectOption('')
      await settled(page)
      assert.match(await german(), /\w{3} 1 – /)
      assert.deepEqual(trouble, [])
      await close()
    })

    it('add the contributions up to the total, to the last digit', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      for (const by of ['team', 'workflow']) {
        await open(page, `${world.url}/?by=${by}`)
        const checks = await page.locator('tfoot .sum-check').allInnerTexts()
        assert.ok(checks.length > 0, `no total by ${by}`)
        for (const text of checks) assert.match(text, /rows add up exactly/, by)
      }
      await close()
    })
  })
}
