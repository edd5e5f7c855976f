import { describe, expect, it } from 'vitest'
import { encodeS2Stream, messageOf, seededRandom, type MessageView } from '@rivulet/store-types'
import { Subscription, type MessageSink } from '@rivulet/accounts'
import { expectSchema, Harness, testPublisher, type Json } from './harness.js'

const SECOND = 1000

type Chunk = Readonly<{ reply: string; headers: string; bytes: Buffer }>

/** Takes the chunks of a snapshot; answers each unless told not to. */
class Receiver implements MessageSink {
  readonly chunks: Chunk[] = []
  readonly #api: Harness
  readonly #answers: boolean

  constructor(api: Harness, answers: boolean) {
    this.#api = api
    this.#answers = answers
  }

  deliver(message: MessageView): void {
    const reply = message.reply()
    const headers = message.headers().latin1Slice()
    this.chunks.push({ reply, headers, bytes: Buffer.from(message.payload()) })
    if (this.#answers && reply !== '') this.#api.account.publish(messageOf({ subject: reply }), testPublisher)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks.map((chunk) => chunk.bytes))
  }

  get end(): string {
    return (this.chunks.at(-1) as Chunk).headers
  }
}

/** Text that does not shrink by more than a fifth. */
function noise(size: number): string {
  const random = seededRandom(size)
  return Array.from({ length: size }, () => String.fromCharCode(33 + Math.floor(random() * 90))).join('')
}

async function started(messages = 4): Promise<Harness> {
  const api = await Harness.start()
  await api.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory', allow_msg_ttl: true })
  for (let i = 1; i <= messages; i++) await api.publish(`s.${i % 3}`, `m${i}`, i === 2 ? 'Nats-Msg-Id: two' : '')
  return api
}

function listen(api: Harness, subject: string, answers = true): Receiver {
  const receiver = new Receiver(api, answers)
  api.account.subscriptions.insert(new Subscription({ subject, sink: receiver }))
  return receiver
}

async function snapshot(api: Harness, stream = 'S', request: object = {}): Promise<Receiver> {
  const receiver = listen(api, 'to.here')
  const reply = await api.ask(`STREAM.SNAPSHOT.${stream}`, { deliver_subject: 'to.here', ...request })
  expect(reply.error).toBeUndefined()
  await api.settle()
  return receiver
}

/** Uploads an archive in chunks of `size`; the answer to the last request. */
async function upload(api: Harness, subject: string, archive: Buffer, size = 1000): Promise<Json> {
  const box = api.subscribe('answers')
  for (let at = 0; at < archive.length; at += size) {
    const payload = archive.subarray(at, at + size)
    api.account.publish(messageOf({ subject, reply: 'answers', payload }), testPublisher)
    await api.settle()
    expect(box.take().map((answer) => answer.text)).toEqual([''])
  }
  api.send(subject, { reply: 'answers' })
  await api.settle()
  const [last] = box.take()
  const json = JSON.parse(last?.text ?? 'null')
  expectSchema(json)
  return json
}

async function beginRestore(api: Harness, name: string, config: object = {}): Promise<string> {
  const reply = await api.ask(`STREAM.RESTORE.${name}`, { config: { name, storage: 'memory', ...config }, state: {} })
  expect(reply.deliver_subject).toMatch(new RegExp(`^\\$JS\\.SNAPSHOT\\.RESTORE\\.${name}\\.\\w{22}$`))
  return reply.deliver_subject
}

const contentsOf = async (api: Harness, stream: string): Promise<Json[]> => {
  const last = (await api.ask(`STREAM.INFO.${stream}`)).state.last_seq
  const found: Json[] = []
  for (let seq = 1; seq <= last; seq++) {
    const { message } = await api.ask(`STREAM.MSG.GET.${stream}`, { seq })
    if (message !== undefined) found.push(message)
  }
  return found
}

describe('a snapshot', () => {
  it('is announced, sent as one short chunk, and ended by an empty message', async () => {
    const api = await started()
    const advisories = api.subscribe('$JS.EVENT.ADVISORY.STREAM.*.S')

    const receiver = await snapshot(api)

    expect(receiver.chunks.map(({ reply, headers }) => [reply, headers])).toEqual([
      ['', ''],
      ['', ''],
    ])
    expect(receiver.bytes.subarray(0, 10).toString('latin1')).toBe('\xff\x06\0\0S2sTwO')
    const events: Json[] = advisories.take().map((event) => JSON.parse(event.text))
    expect(events).toMatchObject([{ state: { messages: 4 }, client: { id: 7 } }, { client: { id: 7 } }])
    // The schema of snapshot_create asks for members that no server sends any more.
    expectSchema(events[1], 'snapshot_complete')
  })

  it('comes in chunks that are answered, as many at once as the window holds', async () => {
    const api = await started(0)
    const text = noise(20_000)
    for (let i = 0; i < 5; i++) await api.publish('s.n', text.slice(i))
    const silent = listen(api, 'to.silent', false)

    await api.ask('STREAM.SNAPSHOT.S', { deliver_subject: 'to.silent', chunk_size: 1, window_size: 4096 })
    await api.settle()
    const receiver = await snapshot(api, 'S', { chunk_size: 1024, window_size: 2048 })

    expect(silent.chunks.map((chunk) => [chunk.bytes.length, chunk.reply.split('.').slice(-2).join('.')])).toEqual([
      [1024, '1024.1'],
      [1024, '1024.2'],
      [1024, '1024.3'],
      [1024, '1024.4'],
    ])
    expect(silent.chunks[0]?.reply).toMatch(/^\$JS\.SNAPSHOT\.ACK\.S\.\w{22}\.1024\.1$/)
    expect(receiver.chunks.length).toBeGreaterThan(10)
    expect(receiver.end).toBe('NATS/1.0 204\r\n\r\n')
  })

  it('ends with a status when chunks are not answered, or nobody listens', async () => {
    const api = await started(0)
    const text = noise(9000)
    await api.publish('s.n', text)
    const complete = api.subscribe('$JS.EVENT.ADVISORY.STREAM.SNAPSHOT_COMPLETE.S')
    const silent = listen(api, 'to.silent', false)
    const request = { chunk_size: 1024, window_size: 1024 }
    await api.ask('STREAM.SNAPSHOT.S', { deliver_subject: 'to.silent', ...request })
    await api.ask('STREAM.SNAPSHOT.S', { deliver_subject: 'to.nobody', ...request })

    await api.advance(2 * SECOND)
    expect(complete.take().map((event) => JSON.parse(event.text).error)).toEqual(['no interest'])
    await api.advance(3 * SECOND)

    expect(silent.end).toBe('NATS/1.0 408 No Flow Response\r\n\r\n')
    expect(complete.take().map((event) => JSON.parse(event.text).error)).toEqual(['no flow response'])
  })

  it('waits for a receiver that comes late, and ends when it leaves', async () => {
    const api = await started(0)
    const text = noise(9000)
    await api.publish('s.n', text)
    const complete = api.subscribe('$JS.EVENT.ADVISORY.STREAM.SNAPSHOT_COMPLETE.S')
    await api.ask('STREAM.SNAPSHOT.S', { deliver_subject: 'to.late', chunk_size: 1024, window_size: 1024 })
    await api.advance(1 * SECOND)

    const sink = new Receiver(api, false)
    const subscription = new Subscription({ subject: 'to.late', sink })
    api.account.subscriptions.insert(subscription)
    await api.settle()
    api.account.subscriptions.remove(subscription)
    await api.settle()

    expect(sink.chunks.length).toBe(1)
    expect(complete.take().map((event) => JSON.parse(event.text).error)).toEqual(['no interest'])
  })

  it('of a stream that is deleted meanwhile fails', async () => {
    const api = await started(0)
    const text = noise(1_200_000)
    await api.publish('s.n', text)
    await api.publish('s.n', text)
    const silent = listen(api, 'to.slow', false)
    await api.ask('STREAM.SNAPSHOT.S', { deliver_subject: 'to.slow', chunk_size: 1024, window_size: 1024 })
    await api.settle()
    await api.ask('STREAM.DELETE.S')

    await api.advance(5 * SECOND)

    expect(silent.end).toMatch(/^NATS\/1\.0 (500 .*|408 No Flow Response)\r\n\r\n$/)
  })
})

describe('a restored stream', () => {
  it('has the messages, times, gaps and consumers of the one that was archived', async () => {
    const api = await started(9)
    await api.ask('STREAM.MSG.DELETE.S', { seq: 1 })
    await api.ask('STREAM.MSG.DELETE.S', { seq: 5 })
    await api.ask('STREAM.MSG.DELETE.S', { seq: 9 })
    const config = { durable_name: 'c', ack_policy: 'explicit' }
    await api.ask('CONSUMER.CREATE.S.c', { stream_name: 'S', config })
    await api.ask('CONSUMER.CREATE.S.e', { stream_name: 'S', config: { name: 'e', filter_subject: 's.1' } })
    const [first] = await api.collect('$JS.API.CONSUMER.MSG.NEXT.S.c', '{"batch":3}')
    await api.collect((first as Json).reply)
    const archive = (await snapshot(api)).bytes
    const before = await contentsOf(api, 'S')
    const { state } = await api.ask('STREAM.INFO.S')
    const consumers = await Promise.all(['c', 'e'].map((name) => api.ask(`CONSUMER.INFO.S.${name}`)))
    await api.ask('STREAM.DELETE.S')
    const advisories = api.subscribe('$JS.EVENT.ADVISORY.STREAM.*.S')
    await api.advance(10 * SECOND)

    const subject = await beginRestore(api, 'S', { subjects: ['s.>'], allow_msg_ttl: true })
    expect(await api.failureOf('STREAM.INFO.S')).toBe('10059 stream not found')
    const reply = await upload(api, subject, archive)

    expect(reply).toMatchObject({ config: { name: 'S', metadata: { '_nats.level': '5' } }, state })
    expect(reply.config.metadata).not.toHaveProperty('_rivulet.restoring')
    expect(reply.did_create).toBeUndefined()
    expect(await contentsOf(api, 'S')).toEqual(before)
    for (const known of consumers) {
      const { created: _created, ts: _ts, num_waiting: _waiting, delivered, ack_floor: floor, ...same } = known
      const info = await api.ask(`CONSUMER.INFO.S.${known.name}`)
      expect(info).toMatchObject(same)
      const { last_active: _delivered, ...position } = delivered
      const { last_active: _acked, ...settled } = floor
      expect(info).toMatchObject({ delivered: position, ack_floor: settled })
    }
    expect(await api.publish('s.x', '', 'Nats-Msg-Id: two')).toEqual({ stream: 'S', seq: 2, duplicate: true })
    expect(await api.publish('s.x')).toEqual({ stream: 'S', seq: 10 })
    const events: Json[] = advisories.take().map((event) => JSON.parse(event.text))
    expect(events.map((event) => event.type.split('.').at(-1))).toEqual([
      'restore_create',
      'stream_action',
      'restore_complete',
    ])
    expectSchema(events[0], 'restore_create')
    expectSchema(events[2], 'restore_complete')
    expect(events[2].bytes).toBe(archive.length)
  })

  it('may have another name and other limits, and leaves consumers out where the archive does', async () => {
    const api = await started(6)
    await api.ask('CONSUMER.CREATE.S.c', { stream_name: 'S', config: { durable_name: 'c' } })
    const archive = (await snapshot(api, 'S', { no_consumers: true })).bytes

    const reply = await upload(api, await beginRestore(api, 'T', { subjects: ['t'], max_msgs: 2 }), archive, 1_000_000)

    expect(reply).toMatchObject({ config: { name: 'T' }, state: { messages: 2, first_seq: 5, consumer_count: 0 } })
  })

  it('has no messages whose life is over, and keeps their sequences', async () => {
    const api = await started(1)
    await api.publish('s.short', '', 'Nats-TTL: 5s')
    await api.publish('s.long', '', 'Nats-TTL: 1h')
    const archive = (await snapshot(api)).bytes
    await api.advance(6 * SECOND)

    await upload(api, await beginRestore(api, 'T', { subjects: ['t'], allow_msg_ttl: true }), archive)

    expect((await contentsOf(api, 'T')).map((message) => message.seq)).toEqual([1, 3])
    expect((await api.ask('STREAM.INFO.T')).state).toMatchObject({ last_seq: 3, num_deleted: 1 })
  })

  it('of an empty stream goes on where that stood', async () => {
    const api = await started(3)
    await api.ask('STREAM.PURGE.S')
    const archive = (await snapshot(api)).bytes
    await api.ask('STREAM.DELETE.S')

    await upload(api, await beginRestore(api, 'S', { subjects: ['s.>'] }), archive)

    expect(await api.publish('s.x')).toEqual({ stream: 'S', seq: 4 })
  })
})

describe('a restore', () => {
  async function restoreOf(change: (archive: Buffer) => Buffer, config: object = { subjects: ['t'] }): Promise<string> {
    const api = await started(6)
    const archive = change((await snapshot(api)).bytes)
    const reply = await upload(api, await beginRestore(api, 'T', config), archive, 50)
    expect(await api.failureOf('STREAM.INFO.T')).toBe('10059 stream not found')
    expect((await api.ask('INFO')).streams).toBe(1)
    return `${reply.error.code} ${reply.error.err_code} ${reply.error.description}`
  }

  it.each<[string, (archive: Buffer) => Buffer, string]>([
    ['damaged bytes', (archive) => damaged(archive), 's2: corrupt input'],
    ['half the bytes', (archive) => archive.subarray(0, archive.length >> 1), 's2: corrupt input'],
    ['nothing', () => Buffer.alloc(0), 's2: corrupt input'],
    ['something else', () => encodeS2Stream(Buffer.from('NATSARC1' + '\0'.repeat(60))), 'expected state.json first'],
    ['too short a text', () => encodeS2Stream(Buffer.from('NATS')), 'backup was truncated'],
    ['a name beyond bounds', () => encodeS2Stream(Buffer.from('NATSARC1' + '\x7f\x7f\x7f\x7f\x7f'.repeat(12), 'latin1')), ''],
  ])('of %s fails and leaves nothing', async (_name, change, failure) => {
    expect(await restoreOf(change)).toContain(failure === '' ? '500 10062 restore failed: ' : `500 10062 restore failed: ${failure}`)
  })

  it('whose subjects another stream has fails', async () => {
    expect(await restoreOf((archive) => archive, { subjects: ['s.1'] })).toBe(
      '500 10062 restore failed: error adding stream: subjects overlap with an existing stream (10065)',
    )
  })

  it('of messages that the stream does not take fails', async () => {
    expect(await restoreOf((archive) => archive, { subjects: ['t'], max_msg_size: 1 })).toBe(
      '500 10062 restore failed: message sequence 1 exceeds maximum message size',
    )
  })

  it('that stalls is given up, and its name is free', async () => {
    const api = await started(6)
    const archive = (await snapshot(api)).bytes
    const subject = await beginRestore(api, 'T', { subjects: ['t'] })
    api.account.publish(messageOf({ subject, reply: 'answers', payload: archive }), testPublisher)
    await api.settle()
    expect(await api.failureOf('STREAM.CREATE.T', { name: 'T', subjects: ['t'] })).toBe(
      '10058 stream name already in use with a different configuration',
    )
    expect(await api.failureOf('STREAM.RESTORE.T', { config: { name: 'T' } })).toBe(
      '10130 stream name already in use, cannot restore',
    )

    await api.advance(5 * SECOND)

    expect(api.send(subject, { reply: 'answers', payload: 'x' })).toBe(0)
    expect((await api.ask('STREAM.CREATE.T', { name: 'T', subjects: ['t'], storage: 'memory' })).state.messages).toBe(0)
    expect((await api.ask('INFO')).memory).toBe((await api.ask('STREAM.INFO.S')).state.bytes)
  })

  it('asks for a reply subject with each chunk', async () => {
    const api = await started(1)
    const subject = await beginRestore(api, 'T', { subjects: ['t'] })

    api.send(subject, { payload: 'x' })
    await api.settle()

    expect(api.send(subject, { reply: 'answers', payload: 'x' })).toBe(0)
  })

  it('is refused where the account has no room', async () => {
    const limits = { maxMemory: 300, maxStorage: -1, maxStreams: -1, maxConsumers: -1, maxAckPending: -1 }
    const more = { memoryMaxStreamBytes: -1, storageMaxStreamBytes: -1, maxBytesRequired: false }
    const api = await Harness.start({ limits: { ...limits, ...more } })
    await api.ask('STREAM.CREATE.S', { name: 'S', storage: 'memory' })
    await api.publish('S', 'x'.repeat(150))
    const archive = (await snapshot(api)).bytes

    const { error } = await upload(api, await beginRestore(api, 'T'), archive)

    expect(error).toMatchObject({ err_code: 10028 })
  })
})

function damaged(archive: Buffer): Buffer {
  const bytes = Buffer.from(archive)
  for (let i = 40; i < bytes.length; i += 7) bytes[i] = (bytes[i] as number) ^ 0x55
  return bytes
}
