// Signing in with a real OpenID Connect provider, in a real browser, at a real scorecard that knows no demo.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { findings } from './axe.mjs'
import { freePort, launchBrowser, newPage, open, settled, startProvider, startServer } from './harness.mjs'

describe('signing in', { concurrency: 1 }, () => {
  let provider, server, browser
  before(async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    provider = await startProvider({ redirect: `${url}/signin/oidc/callback`, secret: 'the secret of the client' })
    server = await startServer({
      flags: ['--no-demo', '--listen', `127.0.0.1:${port}`, '--url', url, '--oidc-issuer', provider.issuer, '--oidc-client-id', 'plumbline', '--oidc-client-secret', 'the secret of the client'],
    })
    browser = await launchBrowser()
    await register('ann@example.com', 'leader')
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
    await provider?.stop()
  })

  /** Gives a person a role, as an administrator does. */
  async function register(person, role) {
    const response = await fetch(`${server.url}/api/v1/registry/people/${encodeURIComponent(person)}`, {
      method: 'PUT', headers: { authorization: `Bearer ${server.keys.admin}`, 'content-type': 'application/json' }, body: JSON.stringify({ valid_from: '2026-01-01', role }),
    })
    assert.ok(response.ok, `${response.status} ${await response.text()}`)
  }

  /** A page of somebody's own; what lies neither here nor at the provider is not reached. */
  async function visit() {
    const visitor = await newPage(browser, { url: server.url })
    await visitor.page.route((to) => !to.href.startsWith(server.url) && !to.href.startsWith(provider.issuer), (route) => route.abort())
    return visitor
  }

  /** Enters a login at the provider. */
  async function enter(page, login) {
    await page.getByRole('link', { name: `Sign in with ${new URL(provider.issuer).host}` }).click()
    await page.getByPlaceholder('Enter any login').fill(login)
    await page.getByPlaceholder('and password').fill('any')
    await page.getByRole('button', { name: 'Sign-in' }).click()
  }

  it('leads from the page that was asked for to the provider and back to it, and out again', async () => {
    const { page, close } = await visit()
    const wanted = '/pipeline?from=2026-10-01&to=2026-11-01'
    await open(page, server.url + wanted)
    assert.match(await page.locator('main').innerText(), /Sign in to see the numbers/)
    await page.getByRole('link', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: "Your organisation's account" }).waitFor()
    assert.deepEqual(await findings(page), [])
    await enter(page, 'ann@example.com')
    await page.waitForURL(server.url + wanted)
    await settled(page)
    await page.getByRole('link', { name: 'Leader' }).waitFor()
    const cookies = await page.context().cookies(server.url)
    const ours = cookies.filter((c) => c.name.startsWith('plumbline_'))
    assert.deepEqual(ours.map((c) => [c.name, c.httpOnly, c.sameSite]), [['plumbline_session', true, 'Lax']], 'the attempt is over, and no script reads the session')
    const session = await page.evaluate(async () => (await fetch('/api/v1/session')).json())
    assert.equal(session.signed_in, true)
    assert.match(session.person, /^p[0-9a-f]{24}$/)

    // Another role holds at the next look, without signing in again.
    await register('ann@example.com', 'analyst')
    await page.reload()
    await page.getByRole('link', { name: 'Analyst' }).click()
    await page.getByRole('heading', { name: 'You are signed in as Analyst' }).waitFor()
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByRole('heading', { name: "Your organisation's account" }).waitFor()
    await open(page, server.url + wanted)
    assert.match(await page.locator('main').innerText(), /Sign in to see the numbers/)
    await close()
  })

  it('tells somebody who is not registered so, on a page that anybody can read', async () => {
    for (const theme of ['light', 'dark']) {
      const { page, close } = await newPage(browser, { url: server.url, theme, width: 375 })
      await page.route((to) => !to.href.startsWith(server.url) && !to.href.startsWith(provider.issuer), (route) => route.abort())
      await page.goto(`${server.url}/signin?to=/pipeline`)
      await enter(page, 'bob@example.com')
      await page.getByRole('heading', { name: 'You are not registered here' }).waitFor()
      assert.deepEqual(await findings(page), [])
      await page.getByRole('link', { name: 'To the sign-in page' }).click()
      await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
      assert.equal(new URL(page.url()).searchParams.get('to'), '/pipeline')
      await close()
    }
  })
})
