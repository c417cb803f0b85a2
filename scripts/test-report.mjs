// Reads what a test runner prints, shows what a person wants to see of it, and
// appends one line of counts to a file, as JSON:
// {"suite","passed","failed","skipped":[{"name","why"}]}.
//
// usage: node test-report.mjs go|node SUITE COUNTS-FILE < output
//        node test-report.mjs vitest SUITE COUNTS-FILE REPORT.json
//        node test-report.mjs summary COUNTS-FILE
import { appendFileSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [kind, ...rest] = process.argv.slice(2)

/** Lines of standard input. */
const lines = () => createInterface({ input: process.stdin, crlfDelay: Infinity })

/** Appends the counts of a suite. */
function record(file, counts) {
  appendFileSync(file, JSON.stringify(counts) + '\n')
}

/**
 * `go test -json`. A test with subtests counts as one beside them, as go test
 * itself counts. A package that does not build or panics is one failure.
 */
async function go(suite, file) {
  const counts = { suite, passed: 0, failed: 0, skipped: [] }
  const output = new Map() // of the tests that run, by name
  for await (const line of lines()) {
    let event
    try {
      event = JSON.parse(line)
    } catch {
      console.log(line) // not of a test: the go command itself
      continue
    }
    const name = event.Test ? `${event.Package} ${event.Test}` : (event.Package ?? event.ImportPath)
    switch (event.Action) {
      case 'output':
      case 'build-output':
        output.set(name, (output.get(name) ?? '') + event.Output)
        break
      case 'pass':
        if (event.Test) counts.passed++
        else console.log(`ok    ${name}  ${event.Elapsed.toFixed(1)} s`)
        output.delete(name)
        break
      case 'skip':
        if (event.Test) counts.skipped.push({ name, why: reason(output.get(name)) })
        output.delete(name)
        break
      case 'build-fail':
        console.log(output.get(name) ?? '')
        break
      case 'fail':
        if (event.Test) counts.failed++
        else if (event.FailedBuild || !counts.failedIn?.has(event.Package)) counts.failed++
        if (event.Test) (counts.failedIn ??= new Set()).add(event.Package)
        console.log(`FAIL  ${name}\n${output.get(name) ?? ''}`)
        output.delete(name)
        break
    }
  }
  delete counts.failedIn
  record(file, counts)
}

/** The text that a skipped Go test gave, without file and line. */
function reason(text = '') {
  const said = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !/^(===|---) /.test(line))
  return said.map((line) => line.replace(/^\S+\.go:\d+: /, '')).join(' ') || 'no reason given'
}

/** The runner of node:test, whose last lines are counts. */
async function node(suite, file) {
  const counts = { suite, passed: 0, failed: 0, skipped: [] }
  let unnamed = 0
  for await (const line of lines()) {
    console.log(line)
    const skip = /^\s*(?:ok|not ok) \d+ - (.*?) # (?:SKIP|TOD[O]) ?(.*)$/.exec(line) ?? /^\s*﹣ (.*?) \([\d.]+ms\) # (.*)$/.exec(line)
    if (skip) counts.skipped.push({ name: skip[1], why: skip[2] || 'no reason given' })
    const total = /^(?:#|ℹ) (pass|fail|cancelled|skipped|todo) (\d+)$/.exec(line)
    if (!total) continue
    const n = Number(total[2])
    if (total[1] === 'pass') counts.passed += n
    else if (total[1] === 'fail' || total[1] === 'cancelled') counts.failed += n
    else unnamed += n
  }
  for (let n = counts.skipped.length; n < unnamed; n++) counts.skipped.push({ name: suite, why: 'no reason given' })
  record(file, counts)
}

/** The JSON report of vitest. */
function vitest(suite, file, report) {
  const { numPassedTests, numFailedTests, numFailedTestSuites, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const skipped = testResults
    .flatMap((result) => result.assertionResults)
    .filter((test) => ['pending', 'skipped', 'todo', 'disabled'].includes(test.status))
    .map((test) => ({ name: test.fullName, why: 'no reason given' }))
  // A file that cannot be loaded has no tests in it to fail.
  record(file, { suite, passed: numPassedTests, failed: numFailedTests || numFailedTestSuites, skipped })
}

/** A table of all suites, what was skipped, and the closing line. */
function summary(file) {
  const suites = readFileSync(file, 'utf8').trim().split('\n').filter(Boolean).map((line) => JSON.parse(line))
  const sum = (f) => suites.reduce((n, suite) => n + f(suite), 0)
  const row = (name, passed, failed, skipped) =>
    console.log(name.padEnd(44) + [passed, failed, skipped].map((n) => String(n).padStart(9)).join(''))
  console.log()
  row('suite', 'passed', 'failed', 'skipped')
  for (const suite of suites) row(suite.suite, suite.passed, suite.failed, suite.skipped.length)
  for (const suite of suites) {
    for (const { name, why } of suite.skipped) console.log(`skipped  ${name}: ${why}`)
  }
  const [passed, failed, skipped] = [sum((s) => s.passed), sum((s) => s.failed), sum((s) => s.skipped.length)]
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
  if (failed > 0 || passed === 0) process.exitCode = 1
  if (skipped > 0 && process.env.CI === 'true') {
    console.error('in CI nothing may be skipped')
    process.exitCode = 1
  }
}

await { go, node, vitest, summary }[kind](...rest)
