/**
 * `npm test [-- vitest arguments]`: installs and builds what is missing, then runs the whole suite with
 * a progress display. Ends with vitest's exit status; the last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build, install, root } from './prepare.mjs'

install()
build()

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const reporters = [
  '--reporter=default',
  `--reporter=${join(root, 'tools/run/count-reporter.mjs')}`,
  '--reporter=json',
  `--outputFile.json=${join(root, 'node_modules/.cache/rivulet/tests.json')}`, // what the port ledger reads
]
const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], { stdio: 'inherit', cwd: root })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code) => process.exit(code ?? 1))
