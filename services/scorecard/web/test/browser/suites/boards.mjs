// The boards: a barrier is reported, supported, taken and cleared as a person of the demo organisation, with nothing lost on errors;
// and workflows are opened beside their list, by address and keyboard.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled } from '../harness.mjs'

const problem = (status, detail, headers = {}) => ({ status, headers: { 'content-type': 'application/problem+json', ...headers }, body: JSON.stringify({ type: 'about:blank', title: 'T', status, detail }) })

/** What the page's own person has said of a barrier. */
const said = (page, barrier) => page.evaluate(async (of) => (await (await fetch('/api/v1/barriers')).json()).yours.filter((y) => y.barrier === of), barrier)

async function report(page, title, minutes = '45') {
  await page.getByLabel('What, in a few words').fill(title)
  await page.getByLabel('Kind').selectOption('quality')
  await page.getByLabel('Minutes it has cost you (optional)').fill(minutes)
}

const send = (page) => page.getByRole('button', { name: 'Report it' })
/** Sends until it is taken: where the loader is behind, the server says so, and the same again is harmless. */
async function sent(page, title) {
  const taken = page.getByText(`Reported: ${title}.`)
  for (let tries = 0; tries < 5; tries++) {
    await send(page).click()
    await taken.or(page.getByText('The log does not take it just now')).first().waitFor()
    if (await taken.isVisible()) return
  }
  await taken.waitFor()
}

const inside = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

/**
 * A barrier of last month that eight people of no team have reported, as a tool sends it: nobody else has any part in it, so that a
 * test knows all of it.
 */
async function crowded(world) {
  const now = new Date()
  const time = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 15, 12)).toISOString()
  const events = Array.from({ length: 8 }, (_, i) => ({
    specversion: '1.0', id: `crowded-${i}`, source: '/boards', type: 'plumbline.barrier.v1', time,
    data: { barrier: 'crowded_queue', category: 'review_delay', person: `boards-${i}@demo.example`, minutes_lost: 30 },
  }))
  const sent = await fetch(`${world.url}/v1/events`, {
    method: 'POST', headers: { 'content-type': 'application/cloudevents-batch+json', authorization: `Bearer ${world.keys.write}` }, body: JSON.stringify(events),
  })
  assert.equal(sent.status, 202, await sent.text())
  for (let tries = 0; ; tries++) {
    const board = await (await fetch(`${world.url}/api/v1/barriers`)).json()
    if (board.barriers.some((b) => b.barrier === 'crowded_queue')) return
    assert.ok(tries < 100, `the board has no crowded_queue: ${JSON.stringify(board.barriers)}`)
    await new Promise((done) => setTimeout(done, 200))
  }
}

export function boards(world) {
  const asPerson = (options = {}) => newPage(world.browser, { url: world.url, person: true, ...options })

  describe('the board of barriers', () => {
    before(() => crowded(world))

    it('takes a report once, shows it to nobody else, and takes it back', async () => {
      const { page, trouble, close } = await asPerson()
      await open(page, `${world.url}/barriers`)
      await page.getByRole('link', { name: 'Report a barrier' }).click()
      await report(page, 'Nobody knows the tool')
      await send(page).dblclick()
      await page.getByText('Reported: Nobody knows the tool.').waitFor()
      assert.equal((await said(page, 'nobody_knows_the_tool')).length, 1)
      await page.getByRole('row', { name: /Nobody knows the tool/ }).waitFor()
      const others = await (await fetch(`${world.url}/api/v1/barriers`)).text()
      assert.doesNotMatch(others, /nobody_knows_the_tool/)
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByText('Undone: it counts nowhere.').waitFor()
      assert.deepEqual((await said(page, 'nobody_knows_the_tool')).map((s) => s.state), ['withdrawn'])
      assert.deepEqual(trouble, [])
      await close()
    })

    it('shows at once who clears a barrier, by office, and that it is cleared', async () => {
      const { page, trouble, close } = await asPerson()
      await open(page, `${world.url}/barriers`)
      const row = page.getByRole('region', { name: 'Barriers, the costliest first' }).getByRole('row', { name: /Crowded queue/ })
      await row.getByRole('link', { name: /I clear it/ }).click()
      await page.getByText('Everybody sees at once that you clear it').waitFor()
      await page.getByRole('button', { name: 'Take it' }).click()
      await page.getByText('Yours to clear: Crowded queue.').waitFor()
      await row.getByRole('cell', { name: 'you', exact: true }).waitFor()
      const visitor = await newPage(world.browser, { url: world.url })
      await open(visitor.page, `${world.url}/barriers`)
      const seen = await visitor.page.getByRole('row', { name: /Crowded queue/ }).innerText()
      assert.match(seen, /somebody|of Content/)
      assert.doesNotMatch(seen, /p[0-9a-f]{24}/)
      await visitor.close()
      await row.getByRole('link', { name: /It is cleared/ }).click()
      await page.getByRole('button', { name: 'Say that it is cleared' }).click()
      await page.getByText('Cleared: Crowded queue.').waitFor()
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByText('Undone: it counts nowhere.').waitFor()
      await row.getByRole('cell', { name: 'open', exact: true }).waitFor()
      // And back, in the list of one's own.
      await page.getByRole('row', { name: /took it to clear it/ }).getByRole('button', { name: /Take back/ }).click()
      await row.getByRole('cell', { name: 'nobody yet', exact: true }).waitFor()
      assert.deepEqual(trouble, [])
      await close()
    })

    it('goes by keyboard alone', async () => {
      const { page, trouble, close } = await asPerson()
      await open(page, `${world.url}/barriers`)
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('name') ?? document.activeElement?.textContent?.trim())
      for (let i = 0; i < 40 && (await focused()) !== 'Report a barrier'; i++) await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'What is in the way?' }).waitFor()
      await page.waitForFunction(() => document.activeElement?.id === 'say')
      await page.keyboard.press('Tab')
      assert.equal(await focused(), 'title')
      await page.keyboard.type('Keyboard barrier')
      await page.keyboard.press('Tab')
      await page.keyboard.type('Train')
      await page.keyboard.press('Tab')
      await page.keyboard.type('12,5')
      await page.keyboard.press('Enter')
      await page.getByText('Reported: Keyboard barrier.').waitFor()
      const [one] = await said(page, 'keyboard_barrier')
      assert.equal(one.minutes_lost, 12.5)
      assert.equal(one.category, 'training')
      assert.deepEqual(trouble, [])
      await close()
    })

    for (const [name, answer, words] of [
      ['an ended session', problem(401, 'sign in'), 'Your session has ended'],
      ['429', problem(429, 'too many', { 'retry-after': '3' }), 'A moment, please'],
      ['503', problem(503, 'The log has not confirmed it.', { 'retry-after': '5' }), 'The log does not take it just now'],
      ['a server that is away', null, 'The server does not answer'],
    ]) {
      it(`keeps what is typed on ${name}, and sends it once afterwards`, async () => {
        const { page, close } = await asPerson()
        await open(page, `${world.url}/barriers`)
        await page.getByRole('link', { name: 'Report a barrier' }).click()
        const target = (address) => address.pathname === '/api/v1/barriers'
        await page.route(target, (route) => (route.request().method() === 'POST' ? (answer ? route.fulfill(answer) : route.abort()) : route.fallback()))
        const title = `Kept on ${name}`
        await report(page, title)
        await send(page).click()
        await page.getByText(words).first().waitFor()
        assert.deepEqual(await findings(page), [])
        await page.reload()
        await settled(page)
        assert.equal(await page.getByLabel('What, in a few words').inputValue(), title)
        assert.equal(await page.getByLabel('Minutes it has cost you (optional)').inputValue(), '45')
        await page.unroute(target)
        await sent(page, title)
        assert.equal((await said(page, title.toLowerCase().replaceAll(' ', '_'))).length, 1)
        await close()
      })
    }

    it('tells the later of two that take it, and loses nothing typed', async () => {
      const { page, close } = await asPerson()
      await open(page, `${world.url}/barriers?say=${encodeURIComponent('take crowded_queue')}`)
      await page.getByLabel(/^Note/).fill('I ask legal')
      const target = (address) => address.pathname === '/api/v1/barriers'
      await page.route(target, (route) => (route.request().method() === 'POST' ? route.fulfill(problem(412, 'changed')) : route.fallback()))
      await page.getByRole('button', { name: 'Take it' }).click()
      await page.getByText('It was changed elsewhere meanwhile').waitFor()
      await page.unroute(target)
      await page.getByRole('button', { name: 'Look at it as it is now, and go on' }).click()
      await page.getByText('It was changed elsewhere meanwhile').waitFor({ state: 'detached' })
      assert.equal(await page.getByLabel(/^Note/).inputValue(), 'I ask legal')
      await close()
    })

    it('says at the field what is wrong', async () => {
      const { page, close } = await asPerson()
      await open(page, `${world.url}/barriers?say=report`)
      await report(page, 'x'.repeat(81), '-5')
      await send(page).click()
      for (const [label, words] of [['What, in a few words', /81 characters/], ['Minutes it has cost you (optional)', /can not be negative/]]) {
        const field = page.getByLabel(label)
        assert.equal(await field.getAttribute('aria-invalid'), 'true')
        assert.match(await page.locator(`[id="${await field.getAttribute('aria-describedby')}"]`).innerText(), words)
      }
      assert.deepEqual(await findings(page), [])
      await close()
    })

    for (const theme of ['light', 'dark']) {
      for (const width of [1280, 375, 320]) {
        it(`is accessible and inside the screen with its forms open, ${theme}, ${width} px`, async () => {
          const { page, trouble, close } = await asPerson({ width, theme })
          for (const say of ['', 'report', 'support crowded_queue', 'take crowded_queue', 'resolve no_such_barrier']) {
            await open(page, `${world.url}/barriers${say && `?say=${encodeURIComponent(say)}`}`)
            assert.deepEqual(await findings(page), [], say)
            assert.ok(await inside(page), `${say} overflows`)
          }
          assert.deepEqual(trouble, [])
          await close()
        })
      }
    }

    it('offers nothing to visitors, and says how to', async () => {
      const { page, trouble, close } = await newPage(world.browser, { url: world.url })
      await open(page, `${world.url}/barriers`)
      await page.getByRole('link', { name: 'Sign in as yourself' }).waitFor()
      assert.equal(await page.getByRole('link', { name: /I clear it/ }).count(), 0)
      assert.deepEqual(trouble, [])
      await close()
    })
  })

  describe('the page of workflows', () => {
    it('opens one beside the list, by keyboard and by its address', async () => {
      const { page, trouble, close } = await newPage(world.browser, { url: world.url })
      await open(page, `${world.url}/workflows`)
      const first = page.getByRole('region', { name: 'Workflows, their owners and baselines' }).getByRole('rowheader').first().getByRole('link')
      const name = await first.innerText()
      await first.focus()
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name, level: 2 }).waitFor()
      await page.waitForFunction(() => document.activeElement?.id === 'workflow')
      const address = page.url()
      assert.match(address, /workflow=/)
      await open(page, address)
      await page.getByRole('heading', { name, level: 2 }).waitFor()
      await page.getByRole('link', { name: 'Close' }).click()
      await page.waitForURL((at) => !at.searchParams.has('workflow'))
      assert.equal(await page.locator('.panel').count(), 0)
      assert.deepEqual(trouble, [])
      await close()
    })

    it('shows the measures that the scorecard shows, and every row is in the CSV', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await open(page, `${world.url}/workflows`)
      const query = new URL(page.url()).search.slice(1)
      const list = await (await fetch(`${world.url}/api/v1/workflows?${query}`)).json()
      for (const w of list.workflows.slice(0, 5)) {
        const card = await (await fetch(`${world.url}/api/v1/scorecard?${query}&scope=${encodeURIComponent(`workflow:${w.workflow}`)}`)).json()
        for (const key of ['review_cycle_hours', 'trained_share']) {
          assert.equal(w.measures[key].value, card.measures[key].value, `${w.workflow} ${key}`)
          assert.equal(w.measures[key].status, card.measures[key].status, `${w.workflow} ${key}`)
        }
      }
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download CSV' }).click()])
      const lines = await (await file.createReadStream()).toArray()
      assert.equal(Buffer.concat(lines).toString().trim().split('\r\n').length, list.workflows.length + 1)
      await close()
    })

    for (const theme of ['light', 'dark']) {
      for (const width of [1280, 375, 320]) {
        it(`is accessible and inside the screen with one open, ${theme}, ${width} px`, async () => {
          const { page, trouble, close } = await newPage(world.browser, { url: world.url, width, theme })
          const list = await (await fetch(`${world.url}/api/v1/workflows`)).json()
          for (const key of [list.workflows[0].workflow, 'no-such-workflow']) {
            await open(page, `${world.url}/workflows?workflow=${encodeURIComponent(key)}`)
            assert.deepEqual(await findings(page), [], key)
            assert.ok(await inside(page), `${key} overflows`)
          }
          assert.deepEqual(trouble, [])
          await close()
        })
      }
    }

    it('says what fails, and that there is none', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await page.route('**/api/v1/workflows?*', (route) => route.abort())
      await open(page, `${world.url}/workflows`)
      await page.getByText('The server does not answer').waitFor()
      await page.unroute('**/api/v1/workflows?*')
      await page.route('**/api/v1/workflows?*', async (route) => {
        const answer = await (await route.fetch()).json()
        await route.fulfill({ json: { ...answer, workflows: [], total: 0 } })
      })
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByText('There is no workflow here').waitFor()
      assert.deepEqual(await findings(page), [])
      await close()
    })
  })
}
