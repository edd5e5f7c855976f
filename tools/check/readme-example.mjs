/**
 * The first example of a package's README, as its user has it: packages packed, installed with npm into an
 * empty folder, nothing else there. Each example runs twice: what it made must not keep it from running again.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binary, root } from '../run/prepare.mjs'

/** Package and what its first example prints, each time. */
const EXAMPLES = [['filestore', ['1 orders.new hello\n', '1 orders.new hello\n2 orders.new hello\n']]]

const folder = mkdtempSync(join(tmpdir(), 'rivulet-example-'))
let failures = 0
try {
  for (const [name, outputs] of EXAMPLES) tryExample(name, outputs)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(failures === 0 ? 'examples: all right' : `examples: ${failures} failed`)
process.exitCode = failures === 0 ? 0 : 1

function tryExample(name, outputs) {
  const place = join(folder, name)
  mkdirSync(place)
  const packed = Object.fromEntries(closureOf(name).map((each) => [`@rivulet/${each}`, `file:${pack(each)}`]))
  const { [`@rivulet/${name}`]: own, ...overrides } = packed
  const dependencies = { [`@rivulet/${name}`]: own }
  writeFileSync(join(place, 'package.json'), JSON.stringify({ type: 'module', private: true, dependencies, overrides }))
  const installed = run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], place)
  if (installed.status !== 0) return fail(name, `npm install: ${installed.stderr}`)

  const page = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8')
  writeFileSync(join(place, 'example.js'), /```js\n([\s\S]*?)```/.exec(page)[1])
  for (const expected of outputs) {
    const { status, stdout, stderr } = run(process.execPath, ['example.js'], place)
    if (status !== 0 || stdout !== expected) fail(name, `its example printed ${JSON.stringify(stdout)}\n${stderr}`)
  }
}

/** The package and the workspace packages it depends on. */
function closureOf(name) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
  const siblings = Object.keys(dependencies).filter((each) => each.startsWith('@rivulet/'))
  return [...new Set([name, ...siblings.flatMap((each) => closureOf(each.slice('@rivulet/'.length)))])]
}

function pack(name) {
  const packed = run(binary('pnpm'), ['pack', '--json', '--pack-destination', folder], join(root, 'packages', name))
  return JSON.parse(packed.stdout.slice(packed.stdout.indexOf('{'))).filename
}

function run(command, args, cwd) {
  return spawnSync(command, args, { cwd, encoding: 'utf8' })
}

function fail(name, text) {
  failures++
  console.error(`${name}: ${text}`)
}
