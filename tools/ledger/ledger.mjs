/**
 * The port ledger: what of the reference is built here, by evidence only.
 *
 *     node tools/ledger/ledger.mjs            report by batch
 *     node tools/ledger/ledger.mjs --open P   open rows of package or batch P
 *     node tools/ledger/ledger.mjs --check    report; fails on evidence that does not hold, and on stubs
 *
 * `inventory/` holds the reference's functions and tests. `evidence/*.csv` claims rows:
 *
 *     kind,key,state,evidence
 *     feature,server/memstore.go:memStore.Purge,verified,packages/memstore/src/memory-store.ts#purge
 *     test,TestStorePurgeExWithSubject,verified,packages/store-types/src/contract/purge.ts > keeps the newest of a subject
 *     test,TestFileStoreLargeFullStateMetaCleanup,not-applicable,guards a pool of buffers that we do not have
 *
 * A key may use `*`. A feature is verified when the symbol stands in the named file; a test when the named
 * file holds a test of that title and the last run of the suite passed it. `not-applicable` needs a reason.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseCsv } from './csv.mjs'
import { findStubs } from './stubs.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const LAST_RUN = join(root, 'node_modules', '.cache', 'rivulet', 'tests.json')

/** Batches in the order in which the package graph lets them start: [batch, name, package, batches that must be verified first]. */
const BATCHES = [
  ['8', 'store types', 'packages/store-types', []],
  ['10', 'memory store', 'packages/memstore', ['8']],
  ['11', 'file store: initialisation', 'packages/filestore', ['8']],
  ['12', 'file store: recovery', 'packages/filestore', ['11']],
  ['13', 'file store: read and query', 'packages/filestore', ['12']],
  ['14', 'file store: write and lifecycle', 'packages/filestore', ['13']],
  ['15', 'file store: blocks and consumers', 'packages/filestore', ['14']],
  ['19', 'accounts', 'packages/accounts', ['8']],
  ['20', 'accounts: JWT', 'packages/accounts', ['19']],
  ['27', 'JetStream engine', 'packages/jetstream-core', ['10', '15', '19']],
  ['28', 'JetStream API', 'packages/jetstream-api', ['27']],
  ['29', 'JetStream batches', 'packages/jetstream-api', ['28']],
]
/** A batch counts as verified, for those that build on it, from this share of its rows on. */
const ENOUGH = 0.9

/** Scopes of tests that the port takes over; the others stay out by the inventory's own rules. */
const OUT_OF_SCOPE = { 'cluster-only': 'needs routes, gateways or Raft', 'internal-go-only': 'probes locks, pools or layout of Go' }

const features = parseCsv(readFileSync(join(here, 'inventory/features.csv'), 'utf8')).map((row) => ({
  kind: 'feature',
  package: row.package,
  batch: row.batch,
  key: `${row.file}:${row.receiver ? `${row.receiver}.` : ''}${row.function}`,
  purpose: row.purpose,
}))
const tests = parseCsv(readFileSync(join(here, 'inventory/tests.csv'), 'utf8')).map((row) => ({
  kind: 'test',
  package: row.package,
  scope: row.scope,
  key: row['test name'],
  purpose: row['what it proves'],
}))
const rows = [...features, ...tests]

const problems = []
const fileTexts = new Map()
function textOf(path) {
  if (!fileTexts.has(path)) fileTexts.set(path, existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined)
  return fileTexts.get(path)
}

/** Titles that passed in the last run, by file; undefined when the suite has not run. */
function lastRun() {
  if (!existsSync(LAST_RUN)) return undefined
  const passed = new Map()
  for (const file of JSON.parse(readFileSync(LAST_RUN, 'utf8')).testResults) {
    const path = file.name.replaceAll('\\', '/').slice(file.name.replaceAll('\\', '/').lastIndexOf('/packages/') + 1)
    passed.set(path, file.assertionResults.map((test) => ({ title: test.title, fullName: test.fullName, isPassed: test.status === 'passed' })))
  }
  return passed
}
const run = lastRun()

function judgeFeature(claim) {
  const [path, symbol] = claim.evidence.split('#')
  const text = textOf(path)
  if (text === undefined) return `no file ${path}`
  if (!symbol) return 'names no symbol (file#symbol)'
  return new RegExp(`(^|[^\\w$#])#?${symbol.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\b`, 'm').test(text) ? undefined : `no symbol ${symbol} in ${path}`
}

function judgeTest(claim) {
  const at = claim.evidence.indexOf(' > ')
  if (at < 0) return 'names no test (file > title)'
  const path = claim.evidence.slice(0, at)
  const title = claim.evidence.slice(at + 3)
  const text = textOf(path)
  if (text === undefined) return `no file ${path}`
  if (!text.includes(title) && !text.includes(title.replaceAll("'", "\\'"))) return `no test "${title}" in ${path}`
  if (run === undefined) return undefined
  // A contract suite has its tests in a source file; they run, and pass, in the packages that call it.
  const lists = path.includes('/src/') ? [...run.values()] : [run.get(path) ?? []]
  const isWanted = titleMatcher(title)
  const found = lists.flat().filter((test) => isWanted(test.title) || isWanted(test.fullName.split(' > ').at(-1) ?? ''))
  if (found.length === 0) return `"${title}" was not in the last run`
  return found.every((test) => test.isPassed) ? undefined : `"${title}" failed in the last run`
}

/** Titles of tables and loops have places that the run fills in: %s, $name, ${expression}. */
function titleMatcher(title) {
  const parts = title.split(/%[sdifjoO#]|\$\{[^}]*\}|\$\w+/)
  if (parts.length === 1) return (text) => text === title
  const pattern = new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*?')}$`, 's')
  return (text) => pattern.test(text)
}

const states = new Map()
const patterns = []
for (const name of readdirSync(join(here, 'evidence')).filter((file) => file.endsWith('.csv')).toSorted()) {
  for (const claim of parseCsv(readFileSync(join(here, 'evidence', name), 'utf8'))) {
    const place = `evidence/${name}: ${claim.kind} ${claim.key}`
    let fault
    if (claim.state === 'not-applicable') fault = claim.evidence.trim().length < 10 ? 'needs a reason' : undefined
    else if (claim.state !== 'verified') fault = `unknown state ${claim.state}`
    else fault = claim.kind === 'feature' ? judgeFeature(claim) : judgeTest(claim)
    if (fault) {
      problems.push(`${place}: ${fault}`)
      continue
    }
    if (claim.key.includes('*')) patterns.push({ claim, expression: new RegExp(`^${claim.key.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`), isUsed: false })
    else states.set(`${claim.kind} ${claim.key}`, claim.state)
  }
}
const known = new Set(rows.map((row) => `${row.kind} ${row.key}`))
for (const key of states.keys()) if (!known.has(key)) problems.push(`evidence names ${key}, which is not in the inventory`)

function stateOf(row) {
  const exact = states.get(`${row.kind} ${row.key}`)
  if (exact) return exact
  if (row.kind === 'test' && OUT_OF_SCOPE[row.scope]) return 'not-applicable'
  const match = patterns.find(({ claim, expression }) => claim.kind === row.kind && expression.test(row.key))
  if (match) match.isUsed = true
  return match?.claim.state ?? 'open'
}
for (const row of rows) row.state = stateOf(row)
for (const { claim, isUsed } of patterns) if (!isUsed) problems.push(`evidence pattern ${claim.key} matches no open row`)

function count(list) {
  const result = { total: list.length, verified: 0, 'not-applicable': 0, open: 0 }
  for (const row of list) result[row.state]++
  return result
}
const share = ({ total, open }) => (total === 0 ? 1 : (total - open) / total)
const percent = (counts) => `${Math.floor(share(counts) * 100)} %`

const [, , option, wanted] = process.argv
if (option === '--open') {
  for (const row of rows) if (row.state === 'open' && (row.package.endsWith(wanted) || row.batch === wanted)) console.log(`${row.kind},${row.key}\t${row.scope ?? row.batch}\t${row.purpose}`)
  process.exit(0)
}

const byBatch = new Map(BATCHES.map(([batch]) => [batch, count(features.filter((row) => row.batch === batch))]))
console.log('| batch | what | functions | verified | not applicable | open | done | startable |\n|---|---|---|---|---|---|---|---|')
for (const [batch, name, , needs] of BATCHES) {
  const counts = byBatch.get(batch)
  const isStartable = needs.every((other) => share(byBatch.get(other)) >= ENOUGH)
  console.log(`| ${batch} | ${name} | ${counts.total} | ${counts.verified} | ${counts['not-applicable']} | ${counts.open} | ${percent(counts)} | ${isStartable ? 'yes' : `after ${needs.filter((other) => share(byBatch.get(other)) < ENOUGH).join(', ')}`} |`)
}
console.log('\n| package | tests of the reference | verified | not applicable | open | done |\n|---|---|---|---|---|---|')
for (const name of [...new Set(tests.map((row) => row.package))]) {
  const counts = count(tests.filter((row) => row.package === name))
  console.log(`| ${name} | ${counts.total} | ${counts.verified} | ${counts['not-applicable']} | ${counts.open} | ${percent(counts)} |`)
}
if (run === undefined) console.log('\nThe suite has not run here: tests are counted by their existence. `npm test` makes the proof.')

if (option === '--check') problems.push(...findStubs(root))
for (const problem of problems) console.error(problem)
if (option === '--check' && problems.length > 0) process.exit(1)
