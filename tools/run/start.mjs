/**
 * `npm start [-- flags]`: installs and builds what is missing, then runs the server with JetStream on
 * the folder `rivulet-data` beside package.json. Flags are nats-server's; `-c`, `-sd` and the others win.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build, install, root } from './prepare.mjs'

install()
build()

const flags = process.argv.slice(2)
const names = new Set(flags.map((flag) => flag.replace(/^--?/, '').replace(/=.*$/, '')))
const defaults = names.has('c') || names.has('config') ? [] : ['-js']
if (!names.has('sd') && !names.has('store_dir') && defaults.length > 0) defaults.push('-sd', join(root, 'rivulet-data'))

const server = spawn(process.execPath, [join(root, 'packages/server/bin/rivulet.js'), ...defaults, ...flags], {
  stdio: 'inherit',
  cwd: process.env['INIT_CWD'] ?? root,
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => server.kill(signal))
server.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? 0 : 1)))
