// Empty, withheld, failing and slow: each is said in words, and is as accessible as the rest.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled } from '../harness.mjs'

const problem = (status, title, detail, headers = {}) => ({ status, headers: { 'content-type': 'application/problem+json', ...headers }, body: JSON.stringify({ type: 'about:blank', title, status, detail }) })

export function states(world) {
  /** Opens an address whose answers matching `pattern` are changed, and gives the text of the page. */
  const shown = async (path, pattern, change, check = async () => {}) => {
    for (const [theme, width] of [['light', 1280], ['dark', 375]]) {
      const { page, close } = await newPage(world.browser, { theme, width, url: world.url })
      if (pattern) await page.route(pattern, change)
      await open(page, world.url + path)
      assert.deepEqual(await findings(page), [], `${path} ${theme} ${width}`)
      await check(page, await page.locator('main').innerText())
      await close()
    }
  }

  describe('states', () => {
    it('empty: a period before all data says so and offers the way out', () =>
      shown('/?from=2001-01-01&to=2001-04-01', null, null, async (page, text) => {
        assert.match(text, /Nothing is measured in this period/)
        assert.doesNotMatch(text, /\b0(\.0+)?\s?(h|%|days)\b/, 'what is not measured is never 0')
        await page.getByRole('link', { name: 'Show all of it' }).click()
        await page.locator('.answer').waitFor()
      }))

    it('empty: a pipeline without deals', () =>
      shown('/pipeline?from=2001-01-01&to=2001-04-01', null, null, async (page, text) => assert.match(text, /No deals in this period/)))

    it('withheld: says why and shows no figure', () =>
      shown('/', '**/api/v1/scorecard?*', async (route) => {
        const answer = await (await route.fetch()).json()
        for (const key of Object.keys(answer.measures)) {
          Object.assign(answer.measures[key], {
            value: null, low: null, high: null, n: null, people: null, grade: null, status: 'withheld', reason: 'privacy_floor', previous: null, shares: [], series: [], parts: [], warnings: [],
          })
        }
        for (const row of [...answer.contributions, ...answer.contributions_by_workflow]) {
          for (const cell of Object.values(row.measures)) Object.assign(cell, { value: null, n: null, people: null, status: 'withheld', reason: 'privacy_floor' })
        }
        await route.fulfill({ json: answer })
      }, async (page, text) => {
        assert.match(text, /Withheld/)
        assert.match(text, /Fewer than five people/)
        assert.equal(await page.locator('.answer .figure').count(), 0)
      }))

    it('signed out: asks to sign in', () =>
      shown('/', '**/api/v1/**', (route) => route.fulfill(problem(401, 'Unauthorized', 'sign in first')), async (page, text) =>
        assert.match(text, /Sign in to see the numbers/)))

    it('busy: says so, and how long to wait', () =>
      shown('/', '**/api/v1/scorecard?*', (route) => route.fulfill(problem(503, 'Service Unavailable', 'the database is starting', { 'retry-after': '7' })), async (page, text) => {
        assert.match(text, /The server is busy/)
        assert.match(text, /the database is starting/)
        assert.match(text, /7 seconds/)
      }))

    it('away: says so, and tries again on request', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await page.route('**/api/v1/scorecard?*', (route) => route.abort())
      await open(page, world.url + '/')
      assert.match(await page.locator('main').innerText(), /The server does not answer/)
      await page.unroute('**/api/v1/scorecard?*')
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.locator('.answer').waitFor()
      await close()
    })

    it('not JSON: says so', () =>
      shown('/', '**/api/v1/scorecard?*', (route) => route.fulfill({ status: 200, contentType: 'text/html', body: '<html>proxy</html>' }), async (page, text) =>
        assert.match(text, /not JSON/)))

    it('slow: keeps the frame and says what is loading', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      let release
      const held = new Promise((done) => (release = done))
      await page.route('**/api/v1/scorecard?*', async (route) => {
        await held
        await route.continue()
      })
      await page.goto(world.url + '/')
      await page.getByRole('heading', { level: 1 }).waitFor()
      assert.match(await page.locator('main').innerText(), /Loading the scorecard/)
      release()
      await settled(page)
      await page.locator('.answer').waitFor()
      await close()
    })

    it('unknown: a team, an experiment, a claim and a page that are not there', async () => {
      for (const path of ['/?scope=team:no-such-team', '/experiments/no-such-experiment', '/trials/no-such-trial', '/?open=claim:nonsense', '/no-such-page', '/experiments/50%25']) {
        const { page, close } = await newPage(world.browser, { url: world.url })
        await open(page, world.url + path)
        await page.waitForFunction(() => document.querySelector('.notice, .missing'))
        assert.deepEqual(await findings(page), [], path)
        await close()
      }
    })

    it('hostile: text from outside stays text', async () => {
      const { page, trouble, close } = await newPage(world.browser, { url: world.url })
      await page.route('**/api/v1/scorecard?*', async (route) => {
        const answer = await (await route.fetch()).json()
        answer.contributions[0].name = `<img src=x onerror="document.title='owned'">${'long '.repeat(2000)}`
        await route.fulfill({ json: answer })
      })
      await open(page, world.url + '/?by=team')
      assert.notEqual(await page.title(), 'owned')
      assert.deepEqual(trouble, [])
      await close()
    })
  })
}
