/**
 * Makes a clone ready: installs the workspace with the pnpm version that package.json pins and builds
 * it with turbo. Both steps are skipped or answered from a cache when nothing changed, so a second
 * run costs a moment. Needs Node and npm only.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Runs a program in the workspace; ends this process with its status when it fails. */
export function run(command, args, { quiet = false, env = {} } = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`, TURBO_TELEMETRY_DISABLED: '1', npm_config_loglevel: 'error' },
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (result.status === 0) return
  if (quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`)
  console.error(`\n${command} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`)
  process.exit(result.status ?? 1)
}

export function binary(name) {
  return join(root, 'node_modules', '.bin', name)
}

export function install() {
  const lock = join(root, 'pnpm-lock.yaml')
  const installed = join(root, 'node_modules', '.modules.yaml')
  const isFresh = existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs
  if (isFresh && existsSync(binary('turbo'))) return
  const pnpm = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager
  console.error('Installing the workspace ...')
  run('npx', ['--yes', pnpm, 'install', '--frozen-lockfile', '--reporter=append-only'], { quiet: true })
}

export function build() {
  // turbo looks for the package manager on PATH; the workspace brings its own.
  run(binary('turbo'), ['run', 'build', '--output-logs=errors-only', '--log-order=grouped'], { quiet: true })
}
