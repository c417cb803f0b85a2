// Starts the real program and a real browser for the tests of this folder. Nothing is mocked here; a test that needs a state the
// demo organisation does not have changes single answers on their way to the page.
import { spawn, execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '../../../../..')

/** The path of the program: PLUMBLINE_BIN, else bin/plumbline, else one built now into a temporary folder. */
async function binary(folder) {
  const given = process.env.PLUMBLINE_BIN ?? join(root, 'bin/plumbline')
  if (existsSync(given)) return given
  const built = join(folder, 'plumbline')
  await promisify(execFile)('go', ['build', '-o', built, './services/standalone/cmd/plumbline'], { cwd: root })
  return built
}

/** The program refuses settings that it does not know, and those of the tests are none of its own. */
function clean(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PLUMBLINE_')))
}

/**
 * Starts `plumbline up --demo` on a free port and waits for its ready line. PLUMBLINE_URL names one that runs already, and then
 * PLUMBLINE_WRITE_KEY and PLUMBLINE_ADMIN_TOKEN its keys. Flags of its own always start one.
 */
export async function startServer({ minutes = 3, flags } = {}) {
  if (process.env.PLUMBLINE_URL && !flags) {
    const keys = { write: process.env.PLUMBLINE_WRITE_KEY ?? '', admin: process.env.PLUMBLINE_ADMIN_TOKEN ?? '' }
    return { url: process.env.PLUMBLINE_URL.replace(/\/$/, ''), keys, stop: async () => {} }
  }
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-web-'))
  const child = spawn(await binary(folder), ['up', '--data', join(folder, 'data'), ...(flags ?? ['--demo', '--listen', '127.0.0.1:0'])], { stdio: ['ignore', 'pipe', 'pipe'], env: clean(process.env) })
  const exited = new Promise((done) => child.once('exit', done))
  let said = ''
  const url = await new Promise((ready, failed) => {
    const timer = setTimeout(() => failed(new Error(`no ready line in ${minutes} minutes:\n${said}`)), minutes * 60_000)
    const read = (chunk) => {
      said = (said + chunk).slice(-20_000)
      const found = /ready (http:\/\/\S+)/.exec(said)
      if (found) {
        clearTimeout(timer)
        ready(found[1].replace(/\/$/, ''))
      }
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => {
      clearTimeout(timer)
      failed(new Error(`plumbline up ended with ${code}:\n${said}`))
    })
  })
  const stop = async () => {
    child.kill('SIGINT')
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
    await exited
    clearTimeout(timer)
    rmSync(folder, { recursive: true, force: true })
  }
  const kept = JSON.parse(readFileSync(join(folder, 'data', 'keys.json'), 'utf8'))
  return { url, keys: { write: kept.write_key, admin: kept.admin_token }, stop }
}

/** A port that was free just now, for what must know its address before it starts. */
export function freePort() {
  return new Promise((done, failed) => {
    const server = createServer().once('error', failed).listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}

/** Starts the OpenID Connect provider of the tests; see services/scorecard/testdata/oidc. */
export async function startProvider(options) {
  const folder = resolve(here, '../../../testdata/oidc')
  if (!existsSync(join(folder, 'node_modules/oidc-provider'))) throw new Error(`the provider is not installed: run scripts/test, or npm ci in ${folder}`)
  const child = spawn(process.execPath, ['provider.mjs', JSON.stringify(options)], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = new Promise((done) => child.once('exit', done))
  const issuer = await new Promise((ready, failed) => {
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
      const found = /ready (http:\/\/\S+)/.exec(said)
      if (found) ready(found[1])
    })
    child.once('exit', (code) => failed(new Error(`the provider ended with ${code}: ${said}`)))
  })
  return {
    issuer,
    stop: async () => {
      child.stdin.end() // it ends with its input
      await exited
    },
  }
}

export function launchBrowser() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  if (!existsSync(executablePath)) throw new Error(`no browser at ${executablePath}: install Debian's package chromium, or name one in CHROMIUM`)
  return chromium.launch({
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  })
}

/**
 * A page of its own profile that remembers console errors, failed policy checks and requests to other servers. With a token it is
 * an administrator's program, as a person the individual contributor's of the demo organisation or who is named, else a visitor's.
 */
export async function newPage(browser, { width = 1280, height = 900, theme = 'light', url, token, person = false }) {
  const extraHTTPHeaders = token ? { authorization: `Bearer ${token}` } : undefined
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale: 'en-US', timezoneId: 'UTC', reducedMotion: 'reduce', extraHTTPHeaders })
  if (person) await context.request.post(`${url}/signin/demo`, { form: { as: person === true ? 'ic' : person, to: '/' }, headers: { 'sec-fetch-site': 'same-origin' }, maxRedirects: 0 })
  const page = await context.newPage()
  const trouble = []
  page.on('pageerror', (error) => trouble.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    const to = request.url()
    if (!to.startsWith(url) && !/^(blob|data|about|chrome)/.test(to)) trouble.push(`request to ${to}`)
  })
  return { page, trouble, close: () => context.close() }
}

/** Opens an address and waits until it shows data or a notice. */
export async function open(page, address) {
  await page.goto(address)
  await settled(page)
}

export async function settled(page) {
  await page.waitForSelector('main h1', { state: 'attached' })
  await page.waitForFunction(() => !document.querySelector('.loading') && !document.querySelector('[aria-busy="true"]') && document.querySelector('main :is(section, article, .notice)'))
}

/** The pages of the app as the server at `url` fills them: the first experiment and trial stand for all. */
export async function addresses(url) {
  const first = async (path, list) => (await (await fetch(url + path)).json())[list]?.[0]
  const experiment = await first('/api/v1/experiments', 'experiments')
  const trial = await first('/api/v1/trials', 'trials')
  const pages = { scorecard: '/', workflows: '/?by=workflow', experiments: '/experiments', pipeline: '/pipeline', perception: '/perception', coverage: '/coverage', barriers: '/barriers', owners: '/workflows', disputes: '/disputes', ingest: '/ingest', settings: '/settings' }
  if (experiment) pages.experiment = `/experiments/${encodeURIComponent(experiment.experiment)}`
  if (trial) pages.trial = `/trials/${encodeURIComponent(trial.trial)}`
  pages.drawer = '/?open=hours_saved_net'
  pages.team = await teamAddress(url)
  return Object.fromEntries(Object.entries(pages).filter(([, path]) => path))
}

/** The pages that only administrators can use: they are opened with the admin token. */
export const administration = { keys: '/keys', audit: '/audit', connect: '/connect', webhook: '/connect?how=webhook', start: '/start', setting: '/settings?tab=assumptions&do=add realisation', alert: '/settings?tab=alerts&do=add', waves: '/perception' }

/** The pages of people: they are opened as the individual contributor of the demo organisation. */
export const personal = { log: '/log', impact: '/impact' }

async function teamAddress(url) {
  const scorecard = await (await fetch(`${url}/api/v1/scorecard`)).json()
  const team = scorecard.contributions?.find((row) => row.row === 'member' && row.team)
  return team ? `/?scope=team:${encodeURIComponent(team.team)}` : null
}
