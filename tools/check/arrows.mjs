/**
 * Holds the arrows of ARCHITECTURE.md: a package imports only packages of a lower row, declares what it
 * imports, never reaches into another package, and only the files that implement a seam import the system
 * behind it. One row of the table is one line here.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from '../run/prepare.mjs'

const ROWS = [
  ['store-types'],
  ['filestore', 'memstore', 'accounts', 'opts'],
  ['client-core', 'jetstream-core'],
  ['jetstream-api', 'monitoring'],
  ['server'],
  ['testing'],
]

/** Second doors that packages open on purpose. */
const DOORS = new Set(['@rivulet/store-types/contract', '@rivulet/filestore/simulation', '@rivulet/filestore/doctor'])

const SYSTEM = /^(node:)?(fs|fs\/promises|net|http|https|tls|dgram|child_process|worker_threads|cluster|os|process)$/
const SEAMS = [/^packages\/filestore\/src\/file-system\/node-/, /^packages\/filestore\/src\/file-system\/process-lock\.ts$/, /^packages\/server\/src\/system\//, /^packages\/testing\/src\/system\//]

/** Globals that only the files of a seam may touch: [pattern, files]. */
const GLOBALS = [
  [/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(|\bsetImmediate\(/, [/^packages\/store-types\/src\/clock\/(system-clock|turn-loop)\.ts$/, /^packages\/store-types\/src\/contract\//, /^packages\/server\/src\/system\//]],
  [/\bMath\.random\(|\bcrypto\.randomBytes\(|\brandomBytes\(/, [/^packages\/store-types\/src\/clock\/random\.ts$/, /^packages\/server\/src\/identity\//, /^packages\/server\/src\/system\//]],
  [/\bprocess\.(exit|on|kill|env)\b/, [/^packages\/server\/src\/system\//, /^packages\/filestore\/src\/file-system\/process-lock\.ts$/]],
]

const problems = []

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* sources(path)
    else if (entry.name.endsWith('.ts')) yield path
  }
}

function judge(file, name, specifier, allowed, manifest) {
  const complain = (text) => problems.push(`${file}: imports ${specifier}: ${text}`)
  if (SYSTEM.test(specifier)) {
    if (!SEAMS.some((seam) => seam.test(file))) complain('only a seam file may; take it as a parameter')
    return
  }
  if (specifier.startsWith('.')) return
  if (specifier.startsWith('@rivulet/')) {
    const [, other, ...rest] = specifier.split('/')
    if (rest.length > 0 && !DOORS.has(specifier)) complain('another package is its exports, not its files')
    if (other !== name && !allowed.has(other)) complain(`an arrow from ${name} may not point to ${other}`)
  }
  if (specifier.startsWith('node:')) return
  const wanted = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]
  const declared = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies }
  if (!(wanted in declared) && wanted !== `@rivulet/${name}`) complain('not declared in package.json')
}

function judgeGlobals(file, code) {
  for (const [pattern, files] of GLOBALS) {
    const found = code.match(pattern)
    if (found && !files.some((seam) => seam.test(file))) problems.push(`${file}: uses ${found[0].trim()}: only a seam file may; take it as a parameter`)
  }
}

for (const [index, row] of ROWS.entries()) {
  const allowed = new Set(ROWS.slice(0, index).flat())
  for (const name of row) {
    const folder = join(root, 'packages', name)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    for (const path of sources(join(folder, 'src'))) {
      const file = relative(root, path)
      const text = readFileSync(path, 'utf8')
      for (const match of text.matchAll(/^(?:import|export)\b[^'"`;]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm)) {
        judge(file, name, match[1] ?? match[2] ?? match[3], allowed, manifest)
      }
      const code = text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '')
      judgeGlobals(file, code)
    }
  }
}

const known = new Set(ROWS.flat())
for (const name of readdirSync(join(root, 'packages'))) if (!known.has(name)) problems.push(`packages/${name} has no row`)

for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? 'arrows: all point down' : `arrows: ${problems.length} wrong`)
process.exit(problems.length === 0 ? 0 : 1)
