// API keys by an administrator: make one, send with it, revoke it, and see it refused.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../axe.mjs'
import { newPage, open, settled } from '../harness.mjs'

const send = (url, key) =>
  fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({ specversion: '1.0', id: `key-${Math.random()}`, source: '/keytest/tool', type: 'plumbline.training.v1', time: new Date().toISOString(), data: { course: 'keys' } }),
  })

export function keys(world) {
  describe('the page of keys', () => {
    it('makes a key that works, and revokes it', async () => {
      const { page, trouble, close } = await newPage(world.browser, { url: world.url, token: world.keys.admin })
      await open(page, `${world.url}/`)
      await page.getByRole('link', { name: 'Keys' }).click()
      await page.getByRole('heading', { name: 'Which programs may come in?' }).waitFor()
      await page.getByRole('button', { name: 'Make the key' }).click()
      await page.getByText('Say what the key is for.').waitFor()
      await page.getByLabel('What for').fill('Browser test')
      await page.getByLabel(/Of these sources only/).fill('/keytest/*')
      await page.getByRole('button', { name: 'Make the key' }).click()
      const key = await page.locator('.notice .digits').innerText()
      assert.match(key, /^plk_[a-z0-9]+_[0-9a-f]{64}$/)
      await page.getByRole('cell', { name: 'send events of /keytest/*' }).waitFor()
      assert.equal((await send(world.url, key)).status, 202)
      assert.equal(await page.getByLabel('What for').inputValue(), '', 'the form is ready for another key')
      assert.deepEqual(await findings(page), [])
      await page.getByRole('button', { name: 'Revoke the key Browser test', exact: true }).click()
      await page.getByRole('button', { name: 'For good: revoke the key Browser test' }).click()
      await page.getByRole('cell', { name: /^revoked / }).waitFor()
      assert.deepEqual(await findings(page), [])
      assert.equal((await send(world.url, key)).status, 403)
      assert.deepEqual(trouble, [])
      await close()
    })

    it('is not offered to others, who are told why', async () => {
      const { page, close } = await newPage(world.browser, { url: world.url })
      await page.goto(`${world.url}/keys`)
      await settled(page)
      assert.equal(await page.getByRole('link', { name: 'Keys' }).count(), 0)
      assert.match(await page.locator('main').innerText(), /You may not see this/)
      assert.equal(await page.getByRole('button', { name: 'Make the key' }).count(), 0)
      await close()
    })
  })
}
