// Every chart has its table, the CSV of it, and a picture that stands alone.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFileSync } from 'node:fs'
import { findings } from '../axe.mjs'
import { addresses, newPage, open } from '../harness.mjs'

/** The charts of the app; marks inside the cells of a table are told by the cell. */
const marks = 'main svg[role="img"]:not(.progress)'

const panel = '.chart-panel:popover-open'

async function download(page, act) {
  const [file] = await Promise.all([page.waitForEvent('download'), act()])
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) }
}

export function charts(world) {
  describe('charts', () => {
    it('all have a way to their table and files', async () => {
      const pages = await addresses(world.url)
      let seen = 0
      for (const name of ['scorecard', 'experiments', 'experiment', 'trial', 'pipeline', 'perception', 'coverage']) {
        const { page, close } = await newPage(world.browser, { url: world.url })
        await open(page, world.url + pages[name])
        const bare = await page.locator(marks).evaluateAll((all) => all.filter((svg) => !svg.closest('[data-chart]')?.querySelector('.save')).map((svg) => svg.getAttribute('aria-label')))
        assert.deepEqual(bare, [], name)
        seen += await page.locator(marks).count()
        await close()
      }
      assert.ok(seen > 20, `${seen} charts`)
    })

    for (const [theme, width] of [['light', 1280], ['dark', 375]]) {
      it(`open their table by keyboard, accessibly, and give the focus back, ${theme}, ${width} px`, async () => {
        const { page, trouble, close } = await newPage(world.browser, { url: world.url, theme, width })
        for (const path of ['/', '/pipeline', '/perception', '/coverage', '/experiments']) {
          await open(page, world.url + path)
          const button = page.locator('.save button').first()
          await button.focus()
          await page.keyboard.press('Enter')
          await page.locator(`${panel} table`).waitFor({ timeout: 20_000 }).catch(async () => assert.fail(`${path}: ${await page.evaluate(() => document.activeElement.outerHTML)}`))
          assert.deepEqual(await findings(page), [], path)
          assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, path)
          const box = await page.locator(panel).boundingBox()
          assert.ok(box.x >= 0 && box.x + box.width <= width, `${path}: from ${box.x}, ${box.width} px wide`)
          await page.keyboard.press('Escape')
          await page.locator(panel).waitFor({ state: 'detached' })
          assert.equal(await button.evaluate((b) => b === document.activeElement), true, path)
        }
        assert.deepEqual(trouble, [])
        await close()
      })
    }

    it('are saved as a picture that stands alone, as SVG and at twice the size as PNG, and as the CSV of the table', async () => {
      const { page, trouble, close } = await newPage(world.browser, { url: world.url })
      for (const [path, must] of [['/', [/Time saved with AI/, /Whole organisation · \w+ 1 /, /Data as of /]], ['/pipeline', [/Share of deals still undecided/, /half decided after/]], ['/experiments', [/Relative lift/, /zero is no difference/]], ['/perception', [/leaders/, /Elsewhere/]], ['/coverage', [/Teams and what they measure/, /measured/]]]) {
        await open(page, world.url + path)
        const asked = []
        await page.locator('.save button').first().click()
        await page.locator(`${panel} table`).waitFor()
        page.on('request', (request) => asked.push(request.url()))
        const svg = await download(page, () => page.locator(panel).getByRole('button', { name: 'SVG' }).click())
        const png = await download(page, () => page.locator(panel).getByRole('button', { name: 'PNG' }).click())
        const csv = await download(page, () => page.locator(panel).getByRole('link', { name: 'Download CSV' }).click())
        assert.deepEqual(asked.filter((url) => !/^(blob|data):/.test(url)), [], `${path}: nothing is asked for`)
        for (const [file, end] of [[svg, 'svg'], [png, 'png'], [csv, 'csv']]) assert.match(file.name, new RegExp(`^plumbline-[\\w.-]+\\.${end}$`))
        const text = svg.bytes.toString()
        for (const words of must) assert.match(text.replaceAll(/<[^>]+>/g, ' '), words, path)
        assert.doesNotMatch(text, / (class|style|href)=|var\(|light-dark/, `${path}: nothing outside decides how it looks`)
        // Drawn by itself on an empty page it has its size and its colours.
        const alone = await page.evaluate(async (source) => {
          const parsed = new DOMParser().parseFromString(source, 'image/svg+xml')
          const image = new Image()
          image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`
          await image.decode()
          const canvas = document.createElement('canvas')
          canvas.width = image.naturalWidth
          canvas.height = image.naturalHeight
          const pen = canvas.getContext('2d')
          pen.drawImage(image, 0, 0)
          const { data } = pen.getImageData(0, 0, canvas.width, canvas.height)
          const colours = new Set()
          for (let i = 0; i < data.length; i += 4) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2])
          return { broken: parsed.querySelector('parsererror') !== null, width: canvas.width, height: canvas.height, blue: colours.has(0x0072b2), colours: colours.size }
        }, text)
        assert.equal(alone.broken, false)
        assert.ok(alone.colours > 8 && alone.blue, `${path}: ${JSON.stringify(alone)}`)
        assert.deepEqual([png.bytes.readUInt32BE(16), png.bytes.readUInt32BE(20)], [alone.width * 2, alone.height * 2], path)
        const rows = await page.locator(`${panel} tbody tr`).count()
        assert.equal(csv.bytes.toString().trimEnd().split('\r\n').length, rows + 1, `${path}: the CSV has the rows of the table`)
      }
      assert.deepEqual(trouble, [])
      await close()
    })
  })
}
