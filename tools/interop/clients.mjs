/**
 * Published clients of other languages against our server: nats-py (in a virtual environment of its
 * own) and nats.go. Needs python3, Go and their registries. `node tools/interop/clients.mjs [--server EXECUTABLE]`
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({ options: { server: { type: 'string', default: join(here, '../../packages/server/bin/rivulet.js') } } })
const folder = mkdtempSync(join(tmpdir(), 'rivulet-interop-'))
let failures = 0

function sh(command, args, options = {}) {
  const result = spawnSync(command, args, { stdio: 'inherit', timeout: 300_000, ...options })
  if (result.status !== 0) {
    failures++
    console.error(`failed: ${command} ${args.join(' ')} (${result.error?.message ?? `status ${result.status}`})`)
  }
  return result.status === 0
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function withServer(name, work) {
  const port = await freePort()
  const script = values.server.endsWith('.js')
  const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(folder, name)]
  const server = spawn(script ? process.execPath : values.server, script ? [values.server, ...args] : args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  await new Promise((resolve, reject) => {
    server.stderr.on('data', (chunk) => {
      log += chunk
      if (log.includes('Server is ready')) resolve()
    })
    server.on('exit', () => reject(new Error(`the server ended:\n${log}`)))
  })
  server.removeAllListeners('exit')
  console.log(`== ${name}`)
  work(`nats://127.0.0.1:${port}`)
  const ended = new Promise((resolve) => server.on('exit', resolve))
  server.kill('SIGTERM')
  await ended
}

try {
  const environment = join(folder, 'venv')
  if (sh('python3', ['-m', 'venv', environment])) {
    const python = join(environment, existsSync(join(environment, 'bin')) ? 'bin/python' : 'Scripts/python.exe')
    if (sh(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(here, 'nats-py/requirements.txt')])) {
      await withServer('nats-py', (url) => sh(python, [join(here, 'nats-py/check.py'), url]))
    }
  }
  const binary = join(folder, 'nats-go-check')
  if (sh('go', ['build', '-o', binary, '.'], { cwd: join(here, 'nats-go') })) await withServer('nats-go', (url) => sh(binary, [url]))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(failures === 0 ? 'clients: all right' : `clients: ${failures} failed`)
process.exit(failures === 0 ? 0 : 1)
