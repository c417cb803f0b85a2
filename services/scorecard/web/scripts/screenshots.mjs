// Writes a picture of every page, light and dark, wide and narrow, in every state, and a sheet of all of them:
//   npm run screenshots -- FOLDER [PAGE[,PAGE]] [STATE[,STATE]]
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { addresses, administration, launchBrowser, newPage, open, personal, startServer } from '../test/browser/harness.mjs'
import { states } from './states.mjs'

const folder = resolve(process.argv[2] ?? 'screenshots')
const listed = (text) => (text && text !== 'all' ? text.split(',') : null)
const [onlyPages, onlyStates] = [listed(process.argv[3]), listed(process.argv[4])]
const themes = ['light', 'dark']
const widths = [1280, 375]

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

/** One page of all pictures: a row a page, a column a look. */
function sheet(shots, troubles) {
  const rows = [...new Set(shots.map((s) => s.name))].map((name) => {
    const cells = shots.filter((s) => s.name === name).map((s) => `<figure><a href="${s.file}"><img loading="lazy" src="${s.file}" alt="${escaped(`${name}, ${s.state}, ${s.theme}, ${s.width} px`)}"></a><figcaption>${s.state}, ${s.theme}, ${s.width} px</figcaption></figure>`)
    return `<section><h2>${escaped(name)}</h2><div>${cells.join('')}</div></section>`
  })
  const said = troubles.length ? `<h2>Trouble</h2><ul>${troubles.map((t) => `<li>${escaped(t)}</li>`).join('')}</ul>` : '<p>No page has reported an error of its own.</p>'
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Pages of Plumbline</title><style>
body{font:14px system-ui;margin:2rem;background:#888}h1,h2,p{background:#fff;padding:.4rem .6rem;margin:1rem 0 .5rem}
section>div{display:flex;flex-wrap:wrap;gap:.6rem;align-items:start}figure{margin:0;background:#fff;padding:.3rem}img{width:15rem;max-height:30rem;object-fit:cover;object-position:top;display:block}
</style><h1>Pages of Plumbline: ${shots.length} pictures</h1>${said}${rows.join('\n')}</html>\n`
}

mkdirSync(folder, { recursive: true })
const server = await startServer()
const browser = await launchBrowser()
const shots = []
const troubles = []
try {
  const pages = { ...(await addresses(server.url)), ...administration, ...personal }
  for (const [name, path] of Object.entries(pages)) {
    if (onlyPages && !onlyPages.includes(name)) continue
    for (const [state, into] of Object.entries(states)) {
      if (onlyStates && !onlyStates.includes(state)) continue
      for (const theme of themes) {
        for (const width of widths) {
          const { page, trouble, close } = await newPage(browser, { width, theme, url: server.url, token: name in administration ? server.keys.admin : undefined, person: name in personal })
          const address = await into(page, path)
          try {
            await open(page, server.url + address)
          } catch (cause) {
            troubles.push(`${name}, ${state}, ${theme}, ${width} px: ${cause.message.split('\n')[0]}`)
          }
          const file = `${name}-${state}-${theme}-${width}.png`
          await page.screenshot({ path: join(folder, file), fullPage: !address.includes('open=') })
          shots.push({ name, state, theme, width, file })
          // A failing answer is what the state error is; the browser says so in its console.
          if (state !== 'error') troubles.push(...trouble.map((t) => `${name}, ${state}, ${theme}, ${width} px: ${t}`))
          await close()
        }
      }
    }
    console.log(`${name}: ${shots.filter((s) => s.name === name).length} pictures`)
  }
} finally {
  writeFileSync(join(folder, 'index.html'), sheet(shots, troubles))
  console.log(`${join(folder, 'index.html')}: ${shots.length} pictures${troubles.length ? `, ${troubles.length} troubles` : ''}`)
  await browser.close()
  await server.stop()
}
