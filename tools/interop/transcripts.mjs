/**
 * Replays the transcripts recorded from nats-server 2.15.2 against our server and holds the floor:
 * `transcripts-floor.json` says for each file how many responses must match. More is welcome; raise the
 * floor with --raise. Only files with a floor are played, unless they are named, or --all is given.
 * `node tools/interop/transcripts.mjs --shared FOLDER [--only NAME,..] [--all] [--raise]`
 */
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const server = join(here, '../../packages/server/bin/rivulet.js')
const floorFile = join(here, 'transcripts-floor.json')
const { values } = parseArgs({
  options: { shared: { type: 'string' }, only: { type: 'string', default: '' }, all: { type: 'boolean', default: false }, raise: { type: 'boolean', default: false } },
})

/** Runs one file; resolves to its counts. */
function replay(kind, name, lane) {
  const script = kind === 'jetstream' ? 'transcripts/replay.mjs' : 'transcripts-server/replay.mjs'
  const args = [join(values.shared, script), '--server', server, '--only', kind === 'jetstream' ? `${name}.txt` : name]
  if (kind === 'server') args.push('--port-base', String(21_000 + 2000 * lane))
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk))
    child.on('exit', () => {
      const line = [...text.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1)
      resolve(line ? { passed: Number(line[1]), failed: Number(line[2]) } : { passed: 0, failed: -1 })
    })
  })
}

const floor = JSON.parse(readFileSync(floorFile, 'utf8'))
const files = [
  ...readdirSync(join(values.shared, 'transcripts/transcripts')).map((name) => ['jetstream', name]),
  ...readdirSync(join(values.shared, 'transcripts-server')).filter((name) => name.endsWith('.txt')).map((name) => ['server', name]),
].map(([kind, name]) => [kind, name.replace(/\.txt$/, '')])

const wanted = values.only.split(',').filter(Boolean)
const isWanted = (kind, name) =>
  wanted.length > 0 ? wanted.some((word) => name.startsWith(word)) : values.all || `${kind}/${name}` in floor
const queue = files.filter(([kind, name]) => isWanted(kind, name))
const broken = []
const total = { passed: 0, failed: 0 }
const results = {}

/** Two files at a time: most of a replay is waiting. */
async function play(lane) {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [kind, name] = next
    const least = floor[`${kind}/${name}`] ?? 0
    // Some steps compare what was answered within a time; on a busy machine they get another chance.
    let own = await replay(kind, name, lane)
    for (let attempt = 0; attempt < 2 && own.passed < least; attempt++) {
      const again = await replay(kind, name, lane)
      if (again.passed > own.passed) own = again
    }
    results[`${kind}/${name}`] = own
    total.passed += own.passed
    total.failed += Math.max(0, own.failed)
    const isBelow = own.passed < least
    if (isBelow) broken.push(`${kind}/${name}`)
    console.log(`${kind}/${name}: ${own.passed} of ${own.passed + Math.max(0, own.failed)}${isBelow ? `, below the floor of ${least}` : ''}`)
  }
}
await Promise.all([play(0), play(1)])
console.log(`transcripts: ${total.passed} of ${total.passed + total.failed} responses as nats-server 2.15.2 gives them`)
if (values.raise) {
  for (const [name, { passed }] of Object.entries(results)) floor[name] = Math.max(floor[name] ?? 0, passed)
  writeFileSync(floorFile, `${JSON.stringify(Object.fromEntries(Object.entries(floor).toSorted()), null, 2)}\n`)
}
process.exit(broken.length === 0 ? 0 : 1)
