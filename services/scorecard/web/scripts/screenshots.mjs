// Writes a picture of every page, light and dark, wide and narrow: npm run screenshots -- FOLDER
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { addresses, administration, launchBrowser, newPage, open, personal, startServer } from '../test/browser/harness.mjs'

const folder = resolve(process.argv[2] ?? 'screenshots')
const only = process.argv[3]
mkdirSync(folder, { recursive: true })
const server = await startServer()
const browser = await launchBrowser()
try {
  const pages = { ...(await addresses(server.url)), ...administration, ...personal }
  for (const theme of ['light', 'dark']) {
    for (const width of [1280, 375]) {
      for (const [name, path] of Object.entries(pages)) {
        if (only && name !== only) continue
        const { page, trouble, close } = await newPage(browser, { width, theme, url: server.url, token: name in administration ? server.keys.admin : undefined, person: name in personal })
        await open(page, server.url + path)
        const file = join(folder, `${name}-${theme}-${width}.png`)
        await page.screenshot({ path: file, fullPage: !path.includes('open=') })
        console.log(file, trouble.length ? trouble.join('; ') : '')
        await close()
      }
    }
  }
} finally {
  await browser.close()
  await server.stop()
}
