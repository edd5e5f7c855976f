/**
 * Packs every package as it would be published and looks at the result from outside: publint for the
 * manifest, attw for the types of every entry, and no file that does not belong there.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { binary, root } from '../run/prepare.mjs'

const folder = mkdtempSync(join(tmpdir(), 'rivulet-pack-'))
let failures = 0

function fail(name, text) {
  failures++
  console.error(`${name}: ${text}`)
}

for (const directory of readdirSync(join(root, 'packages')).toSorted()) {
  const path = join(root, 'packages', directory)
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  const packed = spawnSync(binary('pnpm'), ['pack', '--json', '--pack-destination', folder], { cwd: path, encoding: 'utf8' })
  if (packed.status !== 0) {
    fail(manifest.name, packed.stderr || packed.stdout)
    continue
  }
  const info = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('{')))
  const tarball = readFileSync(info.filename)

  const { messages } = await publint({ pack: { tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length) }, strict: true })
  for (const message of messages) if (message.type !== 'suggestion') fail(manifest.name, formatMessage(message, manifest) ?? message.code)

  const types = spawnSync(binary('attw'), [info.filename, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'], { encoding: 'utf8' })
  if (types.status !== 0) fail(manifest.name, types.stdout || types.stderr)

  for (const file of info.files ?? []) if (/\.(test|bench)\.|tsbuildinfo|\.env/.test(file.path)) fail(manifest.name, `ships ${file.path}`)
  for (const script of ['preinstall', 'install', 'postinstall']) if (manifest.scripts?.[script]) fail(manifest.name, `has an install script: ${script}`)
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    if (dependency.startsWith('@rivulet/') && range !== 'workspace:*') fail(manifest.name, `${dependency} is not a workspace dependency`)
  }
}

rmSync(folder, { recursive: true, force: true })
console.log(failures === 0 ? 'packed packages: all right' : `packed packages: ${failures} failed`)
process.exit(failures === 0 ? 0 : 1)
