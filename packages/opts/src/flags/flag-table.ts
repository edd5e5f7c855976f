/**
 * Every flag of nats-server: its names, what it takes, the line of help, and what it does to the options.
 * The help text and the reading of flags both come from this table.
 */
import type { ServerOptions } from '../options/server-options.js'

/** What flags set that is no option of a server. */
export type FlagActions = {
  showVersion: boolean
  showHelp: boolean
  showTlsHelp: boolean
  checkConfig: boolean
  configFile: string
  signal: string
  tls: TlsFlags
  cluster: ClusterFlags
}

export type TlsFlags = { isOn: boolean; certFile: string; keyFile: string; caFile: string; verify: boolean }
export type ClusterFlags = { listen: string; routes: string; name: string }

type Common = Readonly<{
  /** Without dashes. */
  names: readonly string[]
  /** Named in a warning when given, because it is not served. */
  isIgnored?: boolean
}>

export type Flag =
  | (Common & Readonly<{ kind: 'boolean'; set: (options: ServerOptions, value: boolean) => void }>)
  | (Common & Readonly<{ kind: 'integer'; set: (options: ServerOptions, value: number) => void }>)
  | (Common & Readonly<{ kind: 'text'; set: (options: ServerOptions, value: string) => void }>)
  | (Common & Readonly<{ kind: 'action-boolean'; set: (actions: FlagActions, value: boolean) => void }>)
  | (Common & Readonly<{ kind: 'action-text'; set: (actions: FlagActions, value: string) => void }>)

const boolean = (names: string, set: (options: ServerOptions, value: boolean) => void): Flag => ({
  names: names.split(' '),
  kind: 'boolean',
  set,
})
const integer = (names: string, set: (options: ServerOptions, value: number) => void): Flag => ({
  names: names.split(' '),
  kind: 'integer',
  set,
})
const text = (names: string, set: (options: ServerOptions, value: string) => void): Flag => ({
  names: names.split(' '),
  kind: 'text',
  set,
})
const actionBoolean = (names: string, set: (actions: FlagActions, value: boolean) => void): Flag => ({
  names: names.split(' '),
  kind: 'action-boolean',
  set,
})
const actionText = (names: string, set: (actions: FlagActions, value: string) => void): Flag => ({
  names: names.split(' '),
  kind: 'action-text',
  set,
})
const ignored = (flag: Flag): Flag => ({ ...flag, isIgnored: true })
const drop = (): void => {}

export const flags: readonly Flag[] = [
  text('a addr net', (options, value) => (options.host = value || options.host)),
  integer('p port', (options, value) => (options.port = value || options.port)),
  text('n name server_name', (options, value) => (options.serverName = value)),
  text('P pid', (options, value) => (options.pidFile = value)),
  integer('m http_port', (options, value) => (options.httpPort = value)),
  ignored(integer('ms https_port', drop)),
  actionText('c config', (actions, value) => (actions.configFile = value)),
  actionBoolean('t', (actions, value) => (actions.checkConfig = value)),
  actionText('sl signal', (actions, value) => (actions.signal = value)),
  text('client_advertise', (options, value) => (options.clientAdvertise = value)),
  text('ports_file_dir', (options, value) => (options.portsFileDir = value)),

  text('l log', (options, value) => (options.log.file = value)),
  boolean('T logtime', (options, value) => (options.log.time = value)),
  boolean('logtime_utc', (options, value) => (options.log.timeUtc = value)),
  ignored(boolean('s syslog', drop)),
  ignored(text('r remote_syslog', drop)),
  boolean('D debug', (options, value) => (options.log.debug = value)),
  boolean('V trace', (options, value) => (options.log.trace = value)),
  boolean('VV', ({ log }, value) => Object.assign(log, { trace: value, traceVerbose: value })),
  boolean('DV', ({ log }, value) => Object.assign(log, { debug: value, trace: value })),
  boolean('DVV', ({ log }, value) => Object.assign(log, { debug: value, trace: value, traceVerbose: value })),
  ignored(integer('log_size_limit', drop)),
  integer('max_traced_msg_len', (options, value) => (options.log.maxTracedMessageLength = value)),

  boolean('js jetstream', (options, value) => (options.jetStream.isEnabled = value)),
  text('sd store_dir', (options, value) => (options.jetStream.storeDir = value)),

  text('user', ({ authorization }, value) => (authorization.user = value)),
  text('pass', ({ authorization }, value) => (authorization.password = value)),
  text('auth', ({ authorization }, value) => (authorization.token = value)),

  actionBoolean('tls', ({ tls }, value) => (tls.isOn = value)),
  actionText('tlscert', ({ tls }, value) => (tls.certFile = value)),
  actionText('tlskey', ({ tls }, value) => (tls.keyFile = value)),
  actionBoolean('tlsverify', ({ tls }, value) => (tls.verify = value)),
  actionText('tlscacert', ({ tls }, value) => (tls.caFile = value)),

  ignored(actionText('routes', ({ cluster }, value) => (cluster.routes = value))),
  ignored(actionText('cluster cluster_listen', ({ cluster }, value) => (cluster.listen = value))),
  ignored(actionText('cluster_name', ({ cluster }, value) => (cluster.name = value))),
  ignored(boolean('no_advertise', drop)),
  ignored(text('cluster_advertise', drop)),
  ignored(integer('connect_retries', drop)),

  ignored(integer('profile', drop)),

  actionBoolean('h help', (actions, value) => (actions.showHelp = value)),
  actionBoolean('v version', (actions, value) => (actions.showVersion = value)),
  actionBoolean('help_tls', (actions, value) => (actions.showTlsHelp = value)),
]

export function noActions(): FlagActions {
  return {
    showVersion: false,
    showHelp: false,
    showTlsHelp: false,
    checkConfig: false,
    configFile: '',
    signal: '',
    tls: { isOn: false, certFile: '', keyFile: '', caFile: '', verify: false },
    cluster: { listen: '', routes: '', name: '' },
  }
}
