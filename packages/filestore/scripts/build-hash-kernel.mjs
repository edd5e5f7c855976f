// Compiles assembly/highway.ts into src/hash/highway-wasm.gen.ts. `--check` compares instead of writing.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const target = join(root, 'src/hash/highway-wasm.gen.ts')
const compiler = join(root, 'node_modules/assemblyscript/bin/asc.js')

const work = mkdtempSync(join(tmpdir(), 'hash-kernel-'))
try {
  const wasm = join(work, 'highway.wasm')
  const flags = ['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--importMemory', '--enable', 'simd']
  execFileSync(process.execPath, [compiler, 'assembly/highway.ts', '-o', wasm, ...flags], { cwd: root, stdio: 'inherit' })
  const lines = readFileSync(wasm).toString('base64').match(/.{1,110}/g)
  const text =
    '/** Made by scripts/build-hash-kernel.mjs from assembly/highway.ts: do not edit. The compiled kernel, base64. */\n' +
    'export const HIGHWAY_WASM =\n' +
    lines.map((line) => `  '${line}'`).join(' +\n') +
    '\n'
  if (!process.argv.includes('--check')) writeFileSync(target, text)
  else if (readFileSync(target, 'utf8') !== text) {
    console.error('src/hash/highway-wasm.gen.ts is not what assembly/highway.ts compiles to')
    process.exitCode = 1
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
