// The browser tests against one real server with the demo organisation: npm run test:browser
import { after, before, describe } from 'node:test'
import { launchBrowser, startServer } from './harness.mjs'
import { audit } from './suites/audit.mjs'
import { boards } from './suites/boards.mjs'
import { budget } from './suites/budget.mjs'
import { charts } from './suites/charts.mjs'
import { connect } from './suites/connect.mjs'
import { disputes } from './suites/disputes.mjs'
import { drawer } from './suites/drawer.mjs'
import { ingest } from './suites/ingest.mjs'
import { keyboard } from './suites/keyboard.mjs'
import { keys } from './suites/keys.mjs'
import { live } from './suites/live.mjs'
import { navigation } from './suites/navigation.mjs'
import { notes } from './suites/notes.mjs'
import { outcomes } from './suites/outcomes.mjs'
import { outgoing } from './suites/outgoing.mjs'
import { pages } from './suites/pages.mjs'
import { personas } from './suites/personas.mjs'
import { security } from './suites/security.mjs'
import { settings } from './suites/settings.mjs'
import { states } from './suites/states.mjs'
import { survey } from './suites/survey.mjs'
import { tasks } from './suites/tasks.mjs'

/** Filled before the first test; the suites read it when they run. */
const world = { url: '', keys: { write: '', admin: '' }, browser: null }

describe('the app', { concurrency: 1 }, () => {
  let server
  before(async () => {
    server = await startServer()
    world.url = server.url
    world.keys = server.keys
    world.browser = await launchBrowser()
  })
  after(async () => {
    await world.browser?.close()
    await server?.stop()
  })

  budget(world)
  navigation(world)
  pages(world)
  states(world)
  charts(world)
  drawer(world)
  keyboard(world)
  ingest(world)
  live(world)
  keys(world)
  connect(world)
  audit(world)
  outcomes(world)
  survey(world)
  boards(world)
  tasks(world)
  disputes(world)
  notes(world)
  settings(world)
  outgoing(world)
  personas(world)
  security(world)
})
