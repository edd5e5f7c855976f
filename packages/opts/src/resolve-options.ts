/**
 * From a command line to what the program does: run with these options, print something and exit, or
 * send a signal. Reads files only through `readFile`; touches nothing else.
 */
import { applyFlags, actionsOf } from './flags/apply-flags.js'
import type { ClusterFlags, FlagActions } from './flags/flag-table.js'
import { helpText, tlsHelpText } from './flags/help-text.js'
import { type GivenFlag, parseFlags } from './flags/parse-flags.js'
import { parseSignal, type SignalOrder } from './flags/signal.js'
import { conflictOf } from './options/conflicts.js'
import { type ConfigReading, readOptionsFile } from './options/read-options.js'
import { differenceOf } from './options/reload.js'
import { defaultOptions, type ServerOptions } from './options/server-options.js'
import { splitHostPort } from './values/address.js'
import { quote } from './values/quote.js'

export type CommandLine = ConfigReading &
  Readonly<{
    /** The arguments alone, without program and script. */
    argv: readonly string[]
    /** What `--version` prints, such as `2.15.2`. */
    version: string
  }>

export type Resolved =
  | Readonly<{ kind: 'run'; options: ServerOptions; warnings: readonly string[] }>
  | Readonly<{ kind: 'exit'; code: number; stdout: string; stderr: string }>
  | (Readonly<{ kind: 'signal' }> & SignalOrder)

export type Reloaded =
  | Readonly<{ kind: 'refused'; reason: string }>
  | Readonly<{ kind: 'accepted'; options: ServerOptions; changes: readonly string[]; warnings: readonly string[] }>

const PROGRAM = 'nats-server' // what messages begin with, whatever the program file is called

export function resolveOptions(line: CommandLine): Resolved {
  const parsed = parseFlags(line.argv)
  // Exit status 0, as programs that start nats-server know it.
  if (parsed.kind === 'wrong') return { kind: 'exit', code: 0, stdout: helpText(), stderr: `${parsed.reason}\n` }
  const actions = actionsOf(parsed.flags)
  const shown = shownBy(actions, parsed.rest, line.version)
  if (shown !== undefined) return shown
  if (actions.signal !== '') {
    const order = parseSignal(actions.signal, line.readFile)
    return 'reason' in order ? failure(order.reason) : { kind: 'signal', ...order }
  }
  return resolveRun(line, parsed.flags, actions)
}

/** What is only printed, in the order of nats-server. */
function shownBy(actions: FlagActions, rest: readonly string[], version: string): Resolved | undefined {
  const command = rest[0]?.toLowerCase()
  const print = (stdout: string): Resolved => ({ kind: 'exit', code: 0, stdout, stderr: '' })
  if (actions.showVersion) return print(`${PROGRAM}: v${version}\n`)
  if (actions.showHelp) return print(helpText())
  if (actions.showTlsHelp) return print(tlsHelpText())
  if (command === undefined) return undefined
  if (command === 'version') return print(`${PROGRAM}: v${version}\n`)
  if (command === 'help') return print(helpText())
  return failure(`unrecognized command: ${quote(rest[0] as string)}`)
}

function resolveRun(line: CommandLine, given: readonly GivenFlag[], actions: FlagActions): Resolved {
  const warnings: string[] = []
  let options = defaultOptions()
  if (actions.configFile !== '') {
    const file = readOptionsFile(actions.configFile, line)
    const told = [...file.deprecations, ...file.errors]
    if (file.errors.length > 0 || (actions.checkConfig && told.length > 0)) {
      return failure(told.map((error) => `${error.message}\n`).join(''))
    }
    if (actions.checkConfig) return checked(actions.configFile, file.options.configDigest, file.ignored)
    options = file.options
    warnings.push(...file.deprecations.map((error) => error.message), ...file.ignored)
  } else if (actions.checkConfig) {
    return failure('must specify [-c, --config] option to check configuration file syntax')
  }
  applyFlags(given, options)
  applyClusterFlags(actions, options)
  const wrong = wrongFlagOf(given, actions) ?? conflictOf(options) ?? refusedFlagOf(given)
  if (wrong !== undefined) return failure(wrong)
  complete(options)
  for (const { name, flag } of given) {
    if (flag.isIgnored === true) warnings.push(`flag -${name} is not served yet, it is ignored`)
  }
  return { kind: 'run', options, warnings }
}

/**
 * Reads the configuration file again for a server that runs with `current`. Flags keep their values, as at the
 * start. Nothing is changed here: a caller that gets options puts them into effect.
 */
export function resolveReload(line: CommandLine, current: ServerOptions): Reloaded {
  const refused = (reason: string): Reloaded => ({ kind: 'refused', reason })
  if (current.configFile === '') return refused('can only reload config when a file is provided using -c or --config')
  const { options, errors, deprecations, ignored } = readOptionsFile(current.configFile, line)
  if (errors.length > 0) return refused(errors.map((error) => error.message).join('\n'))
  const parsed = parseFlags(line.argv)
  if (parsed.kind === 'given') {
    applyFlags(parsed.flags, options)
    applyClusterFlags(actionsOf(parsed.flags), options)
  }
  const conflict = conflictOf(options)
  if (conflict !== undefined) return refused(conflict)
  complete(options)
  const difference = differenceOf(current, options)
  if (difference.kind === 'refused') return difference
  const warnings = [...deprecations.map((error) => error.message), ...ignored]
  return { kind: 'accepted', options, changes: difference.changes, warnings }
}

function failure(reason: string): Resolved {
  return { kind: 'exit', code: 1, stdout: '', stderr: `${PROGRAM}: ${reason}\n` }
}

function checked(file: string, digest: string, ignored: readonly string[]): Resolved {
  const valid = `${PROGRAM}: configuration file ${file} is valid (${digest})\n`
  return { kind: 'exit', code: 0, stdout: '', stderr: valid + ignored.map((warning) => `${warning}\n`).join('') }
}

/** Mistakes in the flags of parts that are not served: told as nats-server tells them. */
function wrongFlagOf(given: readonly GivenFlag[], { tls, cluster }: FlagActions): string | undefined {
  const names = new Set(given.map(({ name }) => name))
  const cluster_ = names.has('cluster') || names.has('cluster_listen') ? clusterMistakeOf(cluster) : undefined
  if (cluster_ !== undefined) return cluster_
  if (isTlsAsked(given)) {
    if (tls.certFile === '') return 'TLS Server certificate must be present and valid'
    if (tls.keyFile === '') return 'TLS Server private key must be present and valid'
  }
  if (cluster.routes !== '' && cluster.listen === '') {
    return 'solicited routes require cluster capabilities, e.g. --cluster'
  }
  return cluster.name.includes(' ') ? 'cluster name cannot contain spaces' : undefined
}

function applyClusterFlags({ cluster: { listen, name, routes } }: FlagActions, { cluster }: ServerOptions): void {
  if (listen !== '') cluster.isListening = true
  if (name !== '') cluster.name = name
  if (routes !== '') cluster.hasPeers = true
}

function clusterMistakeOf({ listen }: ClusterFlags): string | undefined {
  if (listen === '') return undefined
  const authority = /^[a-z][a-z\d+.-]*:\/\/(?:[^@/]*@)?([^/?#]*)/i.exec(listen)?.[1] ?? ''
  const address = splitHostPort(authority)
  return 'reason' in address ? address.reason : undefined
}

/** Any flag of TLS asks for it, unless `--tls=false` was given. */
function isTlsAsked(given: readonly GivenFlag[]): boolean {
  const tls = given.findLast(({ name }) => name === 'tls')
  return tls === undefined ? given.some(({ name }) => name.startsWith('tls')) : tls.value === true
}

function refusedFlagOf(given: readonly GivenFlag[]): string | undefined {
  if (!isTlsAsked(given)) return undefined
  const name = given.find((entry) => entry.name.startsWith('tls'))?.name ?? 'tls'
  return `flag -${name} is not served yet; without TLS the server would let in what it keeps out`
}

/** Options that take their default from others. */
function complete(options: ServerOptions): void {
  if (options.host === '') options.host = '0.0.0.0'
  if (options.httpHost === '') options.httpHost = options.host
  if (options.port === 0) options.port = 4222
  options.httpBasePath = basePathOf(options.httpBasePath)
}

/** `nats/` is `/nats`; the root is empty. */
function basePathOf(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.map((part) => `/${part}`).join('')
}
