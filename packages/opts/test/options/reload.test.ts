import { expect, test } from 'vitest'
import { isAuthorizationChanged, type Reloaded, resolveOptions, resolveReload } from '../../src/index.js'
import { fileSystemOf } from '../file-system-of.js'

/** Starts with one file, then reads it again with another content. */
function reload(before: string, after: string | undefined, ...argv: string[]): Reloaded {
  const line = { argv: [...argv, '-c', 's.conf'], version: '2.15.2', environment: {} }
  const started = resolveOptions({ ...line, readFile: fileSystemOf({ 's.conf': before }) })
  if (started.kind !== 'run') throw new Error('the first file does not start')
  return resolveReload({ ...line, readFile: fileSystemOf(after === undefined ? {} : { 's.conf': after }) }, started.options)
}

function refusalOf(...given: Parameters<typeof reload>): string {
  const result = reload(...given)
  if (result.kind === 'accepted') throw new Error(`accepted: ${result.changes.join()}`)
  return result.reason
}

function changesOf(...given: Parameters<typeof reload>): readonly string[] {
  const result = reload(...given)
  if (result.kind === 'refused') throw new Error(result.reason)
  return result.changes
}

test('changes are told by name and value, secrets by name alone', () => {
  const changes = changesOf('max_payload: 100', 'max_payload: 50\nping_interval: "5s"\nauthorization { token: secret }')

  expect(changes).toEqual(['authorization', 'ping_interval = 5s', 'max_payload = 50'])
})

test('the same file again changes nothing', () => {
  const file = 'max_payload: 100\njetstream { store_dir: x, max_mem: 1K }\nserver_tags: [a]'

  expect(changesOf(file, file)).toEqual([])
})

test('a key that is gone takes its default back', () => {
  expect(changesOf('ping_max: 7', 'max_conn: 9')).toEqual(['max_connections = 9', 'ping_max = 2'])
})

test.each([
  ['server_name: other', 'config reload not supported for ServerName: old=, new=other'],
  ['host: localhost', 'config reload not supported for Host: old=0.0.0.0, new=localhost'],
  ['port: 1', 'config reload not supported for Port: old=4222, new=1'],
  ['http: 1', 'config reload not supported for HTTPPort: old=0, new=1'],
  ['http_base_path: x', 'config reload not supported for HTTPBasePath: old=, new=/x'],
  ['max_sub_tokens: 5', 'config reload not supported for MaxSubTokens: old=0, new=5'],
  ['max_subs: 5', 'config reload not supported for MaxSubs: old=0, new=5'],
  ['max_pending: 9M', 'config reload not supported for MaxPending: old=67108864, new=9000000'],
  ['lame_duck_duration: "40s"', 'config reload not supported for LameDuckDuration: old=2m0s, new=40s'],
  ['client_advertise: "h:p"', 'invalid ClientAdvertise value of h:p, err=strconv.Atoi: parsing "p": invalid syntax'],
  ['max_payload: 70M', 'max_payload (70000000) cannot be higher than max_pending (67108864)'],
  ['made_up: 1', 's.conf:1:0: unknown field "made_up"'],
  ['max_payload: [', `Parse error on line 1: 'Expected an array value terminator "," or an array terminator "]", but got '\\x00' instead.'`],
])('%s is refused', (file, reason) => {
  expect(refusalOf('debug: false', file)).toBe(reason)
})

test('a value that a flag sets is not compared with the file', () => {
  expect(changesOf('debug: false', 'port: 1\nhost: localhost\ndebug: true', '-p', '4000', '-a', '127.0.0.1', '-D=false')).toEqual([])
})

test('any free port stays the port that was found', () => {
  expect(changesOf('port: 4000', 'port: -1')).toEqual([])
})

test('limits of JetStream rise, and do not fall', () => {
  const limits = (memory: string, file: string): string => `jetstream { store_dir: x, max_mem: ${memory}, max_file: ${file} }`

  expect(changesOf(limits('1K', '1M'), limits('2K', '2M'))).toEqual(['max_memory_store = 2000', 'max_file_store = 2000000'])
  expect(refusalOf(limits('2K', '1M'), limits('1K', '1M'))).toBe('config reload not supported for decreasing jetstream max memory and store')
  expect(refusalOf('jetstream { store_dir: x }', limits('1K', '1M'))).toBe(
    'config reload not supported for jetstream dynamic max memory and store',
  )
})

test('JetStream goes off and on, and keeps its folder and domain while it is on', () => {
  expect(changesOf('jetstream { store_dir: x, max_mem: 1K }', 'debug: false')).toContain('jetstream = false')
  expect(changesOf('debug: false', 'jetstream { store_dir: x, domain: d }')).toContain('jetstream = true')
  expect(refusalOf('jetstream { store_dir: x }', 'jetstream { store_dir: y }')).toBe(
    'config reload not supported for jetstream storage directory',
  )
  expect(refusalOf('jetstream { store_dir: x }', 'jetstream { store_dir: x, domain: d }')).toBe(
    'config reload not supported for JetStreamDomain: old=, new=d',
  )
})

test('a guest user may go with its user, and may not become another', () => {
  const users = 'authorization { users: [ {user: a, password: p}, {user: b, password: p} ] }'

  expect(changesOf(`${users}\nno_auth_user: a`, 'authorization { users: [ {user: b, password: p} ] }')).toContain('no_auth_user = ')
  expect(refusalOf(`${users}\nno_auth_user: a`, users)).toBe('config reload not supported for NoAuthUser: old=a, new=')
  expect(refusalOf(`${users}\nno_auth_user: a`, `${users}\nno_auth_user: b`)).toBe('config reload not supported for NoAuthUser: old=a, new=b')
})

test('a file that is gone, or was never there, is told', () => {
  expect(refusalOf('debug: false', undefined)).toBe('open s.conf: no such file or directory')
  const started = resolveOptions({ argv: [], version: '', environment: {}, readFile: fileSystemOf({}) })
  if (started.kind !== 'run') throw new Error('does not start')

  expect(resolveReload({ argv: [], version: '', environment: {}, readFile: fileSystemOf({}) }, started.options)).toEqual({
    kind: 'refused',
    reason: 'can only reload config when a file is provided using -c or --config',
  })
})

test('another password is another authorization', () => {
  const result = reload('authorization { user: a, password: b }', 'authorization { user: a, password: c }')
  const same = reload('authorization { user: a, password: b }', 'authorization { user: a, password: b }')
  if (result.kind === 'refused' || same.kind === 'refused') throw new Error('refused')

  expect(isAuthorizationChanged(same.options, result.options)).toBe(true)
  expect(isAuthorizationChanged(same.options, same.options)).toBe(false)
})

test.each([
  ['key: new', 'JetStreamKey'],
  ['key: old, prev_key: older', 'JetStreamOldKey'],
  ['key: old, cipher: aes', 'JetStreamCipher: old=ChaCha20-Poly1305, new=AES-GCM'],
])('a running JetStream keeps its encryption: { %s } is refused, and no key is told', (after, field) => {
  const block = (encryption: string): string => `jetstream { store_dir: x, ${encryption} }`

  expect(refusalOf(block('key: old'), block(after))).toBe(`config reload not supported for ${field}`)
})
