// From a number to its claim and its evidence, and back.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { addresses, newPage, open } from '../harness.mjs'

const ready = async (page) => {
  await page.locator('dialog.drawer[open]').waitFor()
  await page.waitForFunction(() => !document.querySelector('dialog .loading') && document.querySelector('dialog :is(.total, .notice, .missing)'))
}

/** Adds decimals given as text without rounding. */
function sum(texts) {
  const scale = Math.max(0, ...texts.map((t) => t.split('.')[1]?.length ?? 0))
  const total = texts.reduce((n, t) => {
    const [whole, fraction = ''] = t.split('.')
    return n + BigInt(whole + fraction.padEnd(scale, '0'))
  }, 0n)
  return { total, scale }
}

function same(a, b) {
  const [x, y] = [sum([...a]), sum([b])]
  const scale = Math.max(x.scale, y.scale)
  return x.total * 10n ** BigInt(scale - x.scale) === y.total * 10n ** BigInt(scale - y.scale)
}

/** Splits CSV (RFC 4180) into rows of fields. */
function csv(text) {
  const rows = [[]]
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? bare : quoted.replaceAll('""', '"'))
    if (end === '') break
    if (end !== ',') rows.push([])
  }
  return rows.filter((row) => row.length > 1 || row[0])
}

export function drawer(world) {
  describe('claim and evidence', () => {
    it('open from every number of every page by a click, and the steps lead to the number', async (t) => {
      const seen = new Set()
      const pages = await addresses(world.url)
      const paths = [pages.scorecard, pages.workflows, pages.team, '/pipeline', '/pipeline?basis=created', pages.perception, pages.coverage, pages.experiment]
      for (const path of paths.filter(Boolean)) {
        const { page, trouble, close } = await newPage(world.browser, { url: world.url })
        await open(page, world.url + path)
        // One number has no claim of its own, and opens nothing rather than the claim of another: won ÷ created.
        const bare = await page.locator('main .tile:not(:has(h3:text("Win rate of the cohort"))) span.number:not(.missing), main :not(.tile *):is(span.number):not(.missing)').allInnerTexts()
        assert.deepEqual(bare, [], `${path} has numbers that open nothing`)
        const numbers = page.locator('main a.opens')
        const count = await numbers.count()
        // The value of an experiment may be withheld, and then it is said why in place.
        assert.ok(count >= 1 || path === pages.experiment, `${path} has no number that opens`)
        for (let i = 0; i < count; i++) {
          const link = await numbers.nth(i).getAttribute('href')
          // The drawer of a claim is the same wherever it opens from.
          const opened = new URL(link, world.url).searchParams.get('open')
          if (seen.has(opened)) continue
          seen.add(opened)
          await numbers.nth(i).click()
          await ready(page)
          const text = await page.locator('dialog').innerText()
          assert.match(text, /Formula/, link)
          assert.doesNotMatch(text, /differs from the number above|This can not be shown|no such thing/, link)
          if ((await page.locator('dialog .waterfall').count()) > 0) {
            const says = await page.locator('dialog .waterfall .sum .num').innerText()
            assert.equal(says, await page.locator('dialog .claim-value .figure').innerText(), link)
          }
          await page.keyboard.press('Escape')
          await page.locator('dialog').waitFor({ state: 'detached' })
        }
        assert.deepEqual(trouble, [], path)
        await close()
      }
      t.diagnostic(`${seen.size} claims opened`)
    })

    for (const [theme, width] of [['light', 1280], ['dark', 1280], ['light', 375], ['dark', 375]]) {
      it(`say how hours and money come about, accessibly, ${theme}, ${width} px`, async () => {
        const { page, trouble, close } = await newPage(world.browser, { url: world.url, theme, width })
        for (const measure of ['hours_saved_net', 'net_value_growth', 'ai_cost', 'vendor_savings']) {
          await open(page, `${world.url}/?open=${measure}`)
          await ready(page)
          assert.ok((await page.locator('dialog .waterfall li').count()) >= 2, measure)
          assert.deepEqual(await findings(page), [], measure)
          assert.ok((await page.locator('dialog').evaluate((d) => d.scrollWidth - d.clientWidth)) <= 0, `${measure} is wider than the drawer`)
        }
        assert.deepEqual(trouble, [])
        await close()
      })
    }

    it('opens over the page, has an address, closes with Escape and gives the focus back', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, world.url + '/')
      const number = page.locator('.answer a.opens').first()
      await number.click()
      await ready(page)
      assert.match(page.url(), /open=claim:/)
      const said = await page.locator('dialog .big').innerText()
      const address = page.url()
      await page.keyboard.press('Escape')
      await page.locator('dialog').waitFor({ state: 'detached' })
      assert.doesNotMatch(page.url(), /open=/)
      assert.equal(await number.evaluate((element) => element === document.activeElement), true, 'focus is back on the number')

      const other = await newPage(world.browser, { width: 375, url: world.url })
      await open(other.page, address)
      await ready(other.page)
      assert.equal(await other.page.locator('dialog .big').innerText(), said)
      await other.page.getByRole('button', { name: 'Close' }).click()
      await other.page.locator('dialog').waitFor({ state: 'detached' })
      await Promise.all([close(), other.close()])
    })

    it('says that the rows give the number, and lists all of them on request', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, world.url + '/?open=hours_saved_net')
      await ready(page)
      assert.match(await page.locator('dialog .total').innerText(), /rows add up to .*exactly the number above/)
      const more = page.locator('dialog').getByRole('button', { name: 'Show more' })
      const rows = page.locator('dialog section[aria-labelledby="evidence-rows"] tbody tr')
      for (let i = 0; i < 50 && (await more.count()) > 0; i++) {
        const before = await rows.count()
        await more.click()
        await rows.nth(before).waitFor({ state: 'attached' })
      }
      const text = await page.locator('dialog .actions .meta').innerText()
      const [shown, all] = text.match(/[\d,]+/g)
      assert.equal(shown, all)
      assert.deepEqual(await findings(page), [])
      await close()
    })

    it('sum of evidence = number shown, as JSON and as CSV, for every additive measure and scope', async () => {
      const get = async (path) => (await fetch(world.url + path)).text()
      const scorecard = JSON.parse(await get('/api/v1/scorecard'))
      const { from, to } = scorecard.period
      const teams = scorecard.contributions.filter((row) => row.team).map((row) => `team:${row.team}`)
      for (const scope of ['org', ...teams.slice(0, 3)]) {
        for (const measure of ['hours_saved_net', 'vendor_spend']) {
          const query = `measure=${measure}&from=${from}&to=${to}&scope=${encodeURIComponent(scope)}`
          // The exact digits of the total, which a JavaScript number would round.
          const total = /"total":\{"value":(-?[\d.]+|null)/.exec(await get(`/api/v1/evidence?${query}`))[1]
          const [head, ...rows] = csv(await get(`/api/v1/evidence?${query}&format=csv`))
          const at = head.findIndex((title) => /contribution/i.test(title))
          assert.ok(at >= 0, `no contribution column among ${head}`)
          if (total !== 'null') assert.ok(same(rows.map((row) => row[at]), total), `${measure} of ${scope}: the CSV adds up to ${total}`)
        }
      }
    })

    it('explains itself by keyboard: the evidence grade', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, world.url + '/')
      await page.locator('.answer .grade').first().focus()
      await page.keyboard.press('Enter')
      await page.locator('.answer .tip:popover-open').waitFor()
      assert.match(await page.locator('.answer .tip:popover-open').innerText(), /Evidence grade \d/)
      assert.deepEqual(await findings(page), [])
      await page.keyboard.press('Escape')
      assert.equal(await page.locator('.tip:popover-open').count(), 0)
      await close()
    })
  })
}
