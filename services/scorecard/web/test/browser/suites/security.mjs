// What a passive scan of a site looks for, with a real browser: every answer that the pages cause, and what a page may do.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addresses, newPage, open } from '../harness.mjs'

/** What is wrong with an answer's headers, as a scanner would say it. */
function findings(response, headers) {
  const found = []
  const want = (name, test, why) => {
    if (!test(headers[name] ?? '')) found.push(`${response.request().method()} ${new URL(response.url()).pathname}: ${name} is ${JSON.stringify(headers[name])}: ${why}`)
  }
  want('x-content-type-options', (v) => v === 'nosniff', 'a browser may guess another type')
  want('x-frame-options', (v) => v === 'DENY', 'an old browser may frame it')
  want('referrer-policy', (v) => v === 'no-referrer' || v === 'same-origin', 'addresses may leak to other sites')
  want('cross-origin-opener-policy', (v) => v === 'same-origin', 'another site may hold on to the window')
  want('cross-origin-resource-policy', (v) => v === 'same-origin', 'another site may load it')
  want('permissions-policy', (v) => v.includes('camera=()') && v.includes('geolocation=()'), 'a page may ask for devices')
  const policy = headers['content-security-policy'] ?? ''
  for (const part of ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]) {
    if (!policy.includes(part)) found.push(`${response.url()}: the content policy lacks ${part}`)
  }
  if (/unsafe-inline|unsafe-eval|\*|https?:/.test(policy)) found.push(`${response.url()}: the content policy is open: ${policy}`)
  for (const name of ['server', 'x-powered-by', 'access-control-allow-origin']) {
    if (headers[name]) found.push(`${response.url()}: ${name} tells or allows too much: ${headers[name]}`)
  }
  if (headers['set-cookie'] && !/httponly/i.test(headers['set-cookie'])) found.push(`${response.url()}: scripts can read its cookie`)
  if (new URL(response.url()).pathname.startsWith('/api/') && response.status() === 200 && !headers['cache-control']) {
    found.push(`${response.url()}: caches on the way may keep it`)
  }
  return found
}

export function security(world) {
  describe('security', () => {
    it('every answer of every page carries the headers, and no page loads from elsewhere', async (t) => {
      const found = new Set()
      let answers = 0
      for (const path of Object.values(await addresses(world.url))) {
        const { page, close } = await newPage(world.browser, { url: world.url, token: world.keys.admin })
        const waiting = []
        page.on('response', (response) => {
          waiting.push(
            response.allHeaders().then((headers) => {
              answers++
              for (const one of findings(response, headers)) found.add(one)
              if (!response.url().startsWith(world.url)) found.add(`${response.url()} is another site's`)
            }),
          )
        })
        await open(page, world.url + path)
        await Promise.all(waiting)
        await close()
      }
      t.diagnostic(`${answers} answers looked at`)
      assert.ok(answers > 40, `${answers} answers are too few`)
      assert.deepEqual([...found], [])
    })

    it('nothing inline runs, nothing of another site is loaded, and no site may frame a page', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url, token: world.keys.admin })
      await open(page, `${world.url}/`)
      const outcome = await page.evaluate(async () => {
        const script = document.createElement('script')
        script.textContent = 'window.ran = true'
        document.body.append(script)
        const fetched = await fetch('http://127.0.0.1:9/').then(
          () => 'fetched',
          () => 'refused',
        )
        return { ran: Boolean(window.ran), fetched }
      })
      assert.deepEqual(outcome, { ran: false, fetched: 'refused' })
      await close()
      const outside = await world.browser.newPage()
      await outside.setContent(`<iframe src="${world.url}/"></iframe>`)
      await outside.waitForFunction(() => document.querySelector('iframe').contentWindow !== null)
      const frame = outside.frames().find((f) => f !== outside.mainFrame())
      await frame.waitForLoadState()
      assert.doesNotMatch(frame.url(), /^http:/, 'the page was framed')
      await outside.close()
    })

    it('a write that another site makes a signed-in browser send is refused', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url, token: world.keys.admin })
      await open(page, `${world.url}/`)
      const answers = []
      page.on('response', (response) => {
        if (response.request().method() === 'POST') answers.push(response.status())
      })
      // The same browser, with whatever cookies it has, on a page of another origin.
      await page.goto('about:blank')
      await page.setContent(`<form method="post" action="${world.url}/signout"><button>win</button></form>`)
      await Promise.all([page.waitForResponse((response) => response.url().endsWith('/signout')), page.click('button')])
      assert.deepEqual(answers, [403])
      await close()
    })
  })
}
