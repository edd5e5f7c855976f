/**
 * All benches of this folder, one process each, and the machine they ran on.
 *
 *     pnpm build && node packages/filestore/bench/run.mjs [name ...]
 */
import { spawnSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const ALL = ['append', 'sync-writers', 'read', 'questions', 'memory', 'open', 'pauses']
const names = process.argv.length > 2 ? process.argv.slice(2) : ALL

console.log(`${cpus().length} x ${cpus()[0].model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}`)
for (const name of names) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', join(here, `${name}.bench.mjs`)], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
