// What the app costs: bytes, time to data, movement, and what it is allowed to load.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { addresses, administration, newPage, open, personal } from '../harness.mjs'

const kib = (bytes) => Math.round((bytes / 1024) * 10) / 10

/** Bytes after gzip of what a page loads, by kind. */
async function weight(world, path, files, who = { token: world.keys.admin }) {
  const { page, close } = await newPage(world.browser, { url: world.url, ...who })
  const waiting = []
  page.on('response', (response) => {
    const name = new URL(response.url()).pathname
    if (/\.(js|css)$/.test(name)) waiting.push(response.body().then((body) => files.set(name, gzipSync(body).length)))
  })
  await open(page, world.url + path)
  await Promise.all(waiting)
  await close()
}

const total = (files, end) => [...files].filter(([name]) => name.endsWith(end)).reduce((n, [, size]) => n + size, 0)

/** Milliseconds until the first number stands on the page, several times: in all, and without the wait for its answer. */
async function timesToData(world, runs, slowdown) {
  const times = []
  for (let i = 0; i < runs; i++) {
    const { page, close } = await newPage(world.browser, { url: world.url })
    if (slowdown > 1) await (await page.context().newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: slowdown })
    await page.addInitScript(() => {
      new MutationObserver((_, observer) => {
        if (!document.querySelector('.measure .figure')) return
        window.dataAt = performance.now()
        observer.disconnect()
      }).observe(document, { childList: true, subtree: true })
    })
    await page.goto(world.url + '/')
    await page.waitForFunction(() => window.dataAt)
    times.push(
      await page.evaluate(() => {
        const answer = performance.getEntriesByType('resource').find((entry) => entry.name.includes('/api/v1/scorecard'))
        return { data: Math.round(window.dataAt), own: Math.round(window.dataAt - (answer ? answer.responseEnd - answer.startTime : 0)) }
      }),
    )
    await close()
  }
  return times
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

export function budget(world) {
  describe('budget', () => {
    it('JavaScript ≤ 60 KB on the first route and ≤ 120 KB in all, CSS ≤ 20 KB, gzip', async (t) => {
      const first = new Map()
      await weight(world, '/', first)
      const all = new Map(first)
      for (const path of Object.values({ ...(await addresses(world.url)), ...administration })) await weight(world, path, all)
      for (const path of Object.values(personal)) await weight(world, path, all, { person: true })
      const [js, jsAll, css] = [total(first, '.js'), total(all, '.js'), total(all, '.css')]
      t.diagnostic(`first route ${kib(js)} KB JavaScript, all routes ${kib(jsAll)} KB, ${kib(css)} KB CSS (gzip)`)
      assert.ok(js > 0 && js <= 60 * 1024, `first route ${js} bytes`)
      assert.ok(jsAll <= 120 * 1024, `all routes ${jsAll} bytes`)
      assert.ok(css > 0 && css <= 20 * 1024, `CSS ${css} bytes`)
    })

    it('asks for the scorecard once, beside the scripts, with and without a period in the address', async () => {
      for (const at of ['/', '/?scope=org&compare=year', '/?from=2026-09-01&to=2026-11-01', '/?from=2026-09-01&to=2026-11-01&compare=none']) {
        const { page, trouble, close } = await newPage(world.browser, { url: world.url })
        const asked = []
        page.on('request', (request) => request.url().includes('/api/v1/scorecard') && asked.push(new URL(request.url()).search))
        await open(page, world.url + at)
        await page.locator('.measure .figure').first().waitFor()
        const began = await page.evaluate(() => {
          const of = (part) => performance.getEntriesByType('resource').find((entry) => entry.name.includes(part))
          return { answer: of('/api/v1/scorecard').startTime, script: of('.js').responseEnd }
        })
        assert.equal(asked.length, 1, `${at}: ${asked}`)
        assert.ok(began.answer <= began.script, `${at}: ${JSON.stringify(began)}`)
        assert.deepEqual(trouble, [])
        await close()
      }
    })

    it('allows scripts from its own server only', async () => {
      const response = await fetch(world.url + '/')
      const policy = response.headers.get('content-security-policy') ?? ''
      assert.match(policy, /script-src 'self'(;|$)/)
      assert.doesNotMatch(policy, /unsafe-(inline|eval)/)
      assert.doesNotMatch(await response.text(), /<script(?![^>]*\bsrc=)/)
    })

    // Beside other work on the same processors the clock measures that work: the figures are always printed, and judged on request
    // (PLUMBLINE_JUDGE_TIMES=1, on a quiet machine).
    it('time to data, printed; with PLUMBLINE_JUDGE_TIMES=1 within 300 ms (median), and within 800 ms on a four times slower processor', async (t) => {
      const fast = await timesToData(world, 9, 1)
      const slow = await timesToData(world, 5, 4)
      const all = median(fast.map((run) => run.data))
      const slowed = median(slow.map((run) => run.data))
      t.diagnostic(`data after ${all} ms (median of ${fast.length}), ${median(fast.map((run) => run.own))} ms of it without the answer of /scorecard; at 4× slow-down ${slowed} ms (median of ${slow.length})`)
      assert.ok(all > 0 && slowed > 0)
      if (!process.env.PLUMBLINE_JUDGE_TIMES) return
      assert.ok(all <= 300, `median ${all} ms`)
      assert.ok(slowed <= 800, `median ${slowed} ms`)
    })

    it('does not move under the reader: CLS ≤ 0.05', async (t) => {
      for (const path of ['/', '/pipeline', '/experiments']) {
        for (const width of [1280, 375]) {
          const { page, close } = await newPage(world.browser, { width, url: world.url })
          await page.addInitScript(() => {
            window.moved = 0
            new PerformanceObserver((list) => {
              for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value
            }).observe({ type: 'layout-shift', buffered: true })
          })
          await open(page, world.url + path)
          await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
          const moved = await page.evaluate(() => window.moved)
          t.diagnostic(`${path} at ${width} px: CLS ${moved.toFixed(4)}`)
          assert.ok(moved <= 0.05, `${path} at ${width} px moved ${moved}`)
          await close()
        }
      }
    })
  })
}
