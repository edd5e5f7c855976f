/** `pnpm check`: everything that CI asks of a commit except the test suite itself, in the order of cost. */
import { binary, build, install, root, run } from './prepare.mjs'

install()
const steps = [
  ['build and types', () => build()],
  ['types of tests', () => run(binary('tsc'), ['-p', 'tsconfig.tests.json'])],
  ['lint', () => run(binary('oxlint'), ['--quiet', 'packages', 'tools'])],
  ['arrows', () => run(process.execPath, ['tools/check/arrows.mjs'])],
  ['unused code', () => run(binary('knip'), ['--no-progress', '--no-config-hints'])],
  ['port ledger', () => run(process.execPath, ['tools/ledger/ledger.mjs', '--check'])],
  ['examples', () => run(process.execPath, ['tools/check/readme-example.mjs'])],
  ['packed packages', () => run(process.execPath, ['tools/check/packed-packages.mjs'])],
]
const only = process.argv.slice(2)
for (const [name, step] of steps) {
  if (only.length > 0 && !only.some((word) => name.includes(word))) continue
  console.log(`== ${name}`)
  process.chdir(root)
  step()
}
