import { describe, expect, test } from 'vitest'
import { type Resolved, resolveOptions, type ServerOptions, topLevelKeys } from '../src/index.js'
import { fileSystemOf } from './file-system-of.js'

function resolve(argv: string[], files: Record<string, string> = {}): Resolved {
  return resolveOptions({ argv, version: '2.15.2', environment: {}, readFile: fileSystemOf(files) })
}

function run(argv: string[], config?: string): ServerOptions & { warnings: readonly string[] } {
  const resolved = config === undefined ? resolve(argv) : resolve([...argv, '-c', 's.conf'], { 's.conf': config })
  if (resolved.kind !== 'run') throw new Error(resolved.kind === 'exit' ? resolved.stderr : resolved.kind)
  return { ...resolved.options, warnings: resolved.warnings }
}

function failureOf(argv: string[], config?: string): string {
  const resolved = config === undefined ? resolve(argv) : resolve([...argv, '-c', 's.conf'], { 's.conf': config })
  if (resolved.kind !== 'exit' || resolved.code !== 1) throw new Error(`no failure: ${JSON.stringify(resolved)}`)
  return resolved.stderr
}

describe('without flags and file', () => {
  test('a server listens on all addresses, without monitoring and JetStream', () => {
    const options = run([])

    expect(options).toMatchObject({ host: '0.0.0.0', port: 4222, httpPort: 0, httpHost: '0.0.0.0', configDigest: '' })
    expect(options.jetStream.isEnabled).toBe(false)
    expect(options.warnings).toEqual([])
  })
})

describe('flags win over the file', () => {
  const config = 'listen: "127.0.0.1:5000"\nhttp: 6000\nserver_name: f\ndebug: true\nauthorization { user: a, password: b }\njetstream { store_dir: x }'

  test('wherever they stand', () => {
    const options = run(['-p', '1', '-m', '2', '-n', 'n', '-D=false', '--user', 'u', '-sd', 'y'], config)

    expect(options).toMatchObject({ host: '127.0.0.1', port: 1, httpPort: 2, serverName: 'n', httpHost: '127.0.0.1' })
    expect(options.log.debug).toBe(false)
    expect(options.authorization).toMatchObject({ user: 'u', password: 'b' })
    expect(options.jetStream).toMatchObject({ isEnabled: true, storeDir: 'y' })
  })

  test('empty ones take away what the file says', () => {
    expect(run(['--user=', '--pass='], config).authorization).toMatchObject({ user: '', password: '' })
    expect(run(['-js=false'], config).jetStream.isEnabled).toBe(false)
  })

  test('the combined log flags win over the single ones', () => {
    expect(run(['-DV', '-D=false']).log).toMatchObject({ debug: true, trace: true, traceVerbose: false })
    expect(run(['-VV']).log).toMatchObject({ debug: false, trace: true, traceVerbose: true })
    expect(run(['-DVV']).log).toMatchObject({ debug: true, trace: true, traceVerbose: true })
  })
})

describe('the file', () => {
  test('units are those of the option names', () => {
    const options = run(
      [],
      `ping_interval: "1m30s"
write_deadline: "250ms"
max_payload: 64KB
max_connections: 0
lame_duck_duration: "31s"
lame_duck_grace_period: "1s"
http_base_path: nats/x/
authorization { timeout: "1.5s", users: [ {user: a, password: b}, {username: c, pass: d} ] }
no_auth_user: c
jetstream { max_mem: 1K, max_file: "2K", sync: "5s", strict: false, domain: d, limits { duplicate_window: "1m" } }`,
    )

    expect(options).toMatchObject({
      pingIntervalMs: 90_000,
      writeDeadlineMs: 250,
      maxPayload: 65_536,
      maxConnections: -1,
      lameDuckDurationMs: 31_000,
      lameDuckGraceMs: 1000,
      httpBasePath: '/nats/x',
      noAuthUser: 'c',
    })
    expect(options.authorization).toEqual({
      user: '',
      password: '',
      token: '',
      users: [
        { user: 'a', password: 'b' },
        { user: 'c', password: 'd' },
      ],
      nkeys: [],
      hasUsers: true,
      timeoutMs: 1500,
    })
    expect(options.jetStream).toMatchObject({
      maxMemory: 1000,
      maxStore: 2048,
      syncInterval: 5000,
      isSyncIntervalSet: true,
      isStrict: false,
      domain: 'd',
    })
    expect(options.jetStream.limits.duplicateWindowMs).toBe(60_000)
    expect(options.configDigest).toMatch(/^sha256:[\da-f]{64}$/)
  })

  test('written means synced, unless the file says otherwise', () => {
    expect(run([], 'jetstream: true').jetStream).toMatchObject({ syncInterval: 'always', isSyncIntervalSet: false })
    expect(run([], 'jetstream { sync_interval: always }').jetStream).toMatchObject({ syncInterval: 'always', isSyncIntervalSet: true })
  })

  test('several errors are told in the order of the file', () => {
    expect(failureOf([], 'made_up: 1\nport: x\njetstream { nope: 1 }\nmax_payload: -1')).toBe(
      `nats-server: s.conf:1:0: unknown field "made_up"
s.conf:2:1: interface conversion: interface {} is string, not int64
s.conf:3:13: unknown field "nope"
s.conf:4:1: max_payload value can not be negative

`,
    )
  })

  test('a number that cannot be held exactly is refused', () => {
    expect(failureOf([], 'max_pending: 9223372036854775807')).toContain('s.conf:1:0: max_pending value is too big')
    expect(run([], 'max_pending: 1e').maxPending).toBe(1e18)
  })
})

describe('users', () => {
  const nkey = 'UC4GNIKFEAAV3BRS4UY3IGL7LMGNAUA5LJKKOGED3MMOZOG5GMPDPDH5'

  test('stand beside user nkeys, and either may be the guest', () => {
    const { authorization, noAuthUser } = run([], `authorization { users: [ {nkey: ${nkey}}, {user: a, password: b} ] }\nno_auth_user: ${nkey}`)

    expect(authorization).toMatchObject({ hasUsers: true, nkeys: [nkey], users: [{ user: 'a', password: 'b' }] })
    expect(noAuthUser).toBe(nkey)
  })
})

describe('of a cluster', () => {
  test('the name counts, and whether it stands alone', () => {
    const alone = run([], 'cluster { name: c, listen: "127.0.0.1:6222" }').cluster

    expect(alone).toEqual({ name: 'c', isListening: true, hasPeers: false })
    expect(run([], 'cluster { name: c, port: 6222, routes: ["nats://h:1"] }').cluster.hasPeers).toBe(true)
    expect(run([], 'cluster { name: c }\nleafnodes { remotes: [ { url: "nats://h:1" } ] }').cluster).toEqual({
      name: 'c',
      isListening: false,
      hasPeers: true,
    })
    expect(run(['--cluster', 'nats://127.0.0.1:1', '--cluster_name', 'f', '--routes', 'nats://h:1']).cluster).toEqual({
      name: 'f',
      isListening: true,
      hasPeers: true,
    })
  })
})

describe('keys of encryption', () => {
  test.each([
    ['key', 'prev_key'],
    ['ek', 'prev_ek'],
    ['encryption_key', 'prev_encryption_key'],
    ['Encryption_Key', 'PREV_KEY'],
  ])('%s and %s give the keys', (key, previous) => {
    const { jetStream } = run([], `jetstream { ${key}: "new one", cipher: AES, ${previous}: "old one" }`)

    expect(jetStream.encryption).toEqual({ key: 'new one', previousKey: 'old one', cipher: 'aes' })
  })

  test.each([
    ['chacha', 'chacha'],
    ['ChaChaPoly', 'chacha'],
    ['aes', 'aes'],
  ])('cipher: %s', (name, cipher) => {
    expect(run([], `jetstream { cipher: ${name} }`).jetStream.encryption).toEqual({ key: '', previousKey: '', cipher })
  })

  test('a key may come from the environment, and from a variable of the file', () => {
    const read = (config: string): Resolved =>
      resolveOptions({
        argv: ['-c', 's.conf'],
        version: '2.15.2',
        environment: { STORE_KEY: 'outside' },
        readFile: fileSystemOf({ 's.conf': config }),
      })

    expect(read('jetstream { key: $STORE_KEY }')).toMatchObject({ options: { jetStream: { encryption: { key: 'outside' } } } })
    expect(read('SECRET: abc\njetstream { key: $SECRET }')).toMatchObject({ options: { jetStream: { encryption: { key: 'abc' } } } })
  })

  test('no error shows one', () => {
    const failure = failureOf([], 'jetstream { key: "hush hush", prev_key: "hush too", cipher: rot13, nope: 1 }')

    expect(failure).toContain('Unknown cipher type: "rot13"')
    expect(failure).not.toContain('hush')
  })
})

describe('keys that are not served', () => {
  test('are named in a warning, with their place, and ignored', () => {
    const { warnings } = run(['--cluster_name', 'c'], 'port: 1\n leafnodes { port: 7422 }\nwebsocket { port: 8080, no_tls: true }')

    expect(warnings).toEqual([
      's.conf:2:2: key "leafnodes" is not served yet, it is ignored',
      's.conf:3:1: key "websocket" is not served yet, it is ignored',
      'flag -cluster_name is not served yet, it is ignored',
    ])
  })

  test.each([
    ['tls { cert_file: a }', 'tls'],
    ['accounts { A {} }', 'accounts'],
    ['operator: x', 'operator'],
    ['resolver: MEMORY', 'resolver'],
    ['system_account: S', 'system_account'],
    ['authorization { users: [ {user: a, permissions: {publish: b}} ] }', 'permissions'],
    ['authorization { default_permissions: {publish: b} }', 'default_permissions'],
    ['authorization { users: [ {user: a, connection_types: [WEBSOCKET]} ] }', 'connection_types'],
    ['authorization { users: [ {user: a, proxy_required: true} ] }', 'proxy_required'],
    ['jetstream { tpm { keys_file: k, encryption_password: p } }', 'tpm'],
  ])('%s refuses the start', (config, key) => {
    const failure = failureOf([], config)

    expect(failure).toMatch(new RegExp(`^nats-server: s.conf:1:\\d+: key "${key}" is not served yet`))
    expect(failureOf(['-t'], config)).toBe(failure)
  })

  test('mistakes in them are mistakes', () => {
    expect(failureOf([], 'leafnodes { remotes: [ { url: "nats://h:1", nope: 1 } ] }')).toContain('1:44: unknown field "nope"')
    expect(failureOf([], 'tls { made_up: 1 }')).toContain('1:6: error parsing tls config, unknown field "made_up"')
  })

  test('a check tells them, and passes', () => {
    const resolved = resolve(['-t', '-c', 's.conf'], { 's.conf': 'port: 1\ncluster {}' })

    expect(resolved).toMatchObject({ kind: 'exit', code: 0 })
    expect(resolved.kind === 'exit' && resolved.stderr).toContain('s.conf:2:1: key "cluster" is not served yet')
  })

  test('flags of TLS refuse the start', () => {
    expect(failureOf(['--tls', '--tlscert', 'a', '--tlskey', 'b'])).toContain('flag -tls is not served yet')
    expect(failureOf(['--tls'])).toBe('nats-server: TLS Server certificate must be present and valid\n')
    expect(run(['--tls=false', '--tlscert', 'a']).port).toBe(4222)
  })
})

describe('signals', () => {
  test.each([
    ['ldm=12', { command: 'ldm', signal: 'SIGUSR2', pid: 12 }],
    ['stop=12', { command: 'stop', signal: 'SIGKILL', pid: 12 }],
    ['quit=12', { command: 'quit', signal: 'SIGINT', pid: 12 }],
    ['term=12', { command: 'term', signal: 'SIGTERM', pid: 12 }],
    ['reopen=12', { command: 'reopen', signal: 'SIGUSR1', pid: 12 }],
    ['reload=s.pid', { command: 'reload', signal: 'SIGHUP', pid: 34 }],
  ])('%s', (text, order) => {
    expect(resolve(['-sl', text], { 's.pid': '34\n' })).toEqual({ kind: 'signal', ...order })
  })

  test.each(['ldm', 'ldm=', 'ldm=0', 'ldm=-1', 'ldm=12*', 'ldm=1=2', '__proto__=1'])('%s reaches no process', (text) => {
    expect(resolve([`--signal=${text}`])).toMatchObject({ kind: 'exit', code: 1 })
  })
})

test('conflicts are found when the server starts, not by a check', () => {
  const config = 'max_payload: 2MB\nmax_pending: 1MB'

  expect(failureOf([], config)).toBe('nats-server: max_payload (2097152) cannot be higher than max_pending (1048576)\n')
  expect(resolve(['-t', '-c', 's.conf'], { 's.conf': config })).toMatchObject({ code: 0 })
})

test('no two keys have the same name', () => {
  const names = topLevelKeys.flatMap((field) => field.names)

  expect(new Set(names).size).toBe(names.length)
  expect(names.every((name) => name === name.toLowerCase())).toBe(true)
  for (const { keys = [] } of topLevelKeys) {
    const inner = keys.flatMap((field) => field.names)
    expect(new Set(inner).size).toBe(inner.length)
  }
})
