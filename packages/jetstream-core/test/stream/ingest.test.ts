import { readFileSync } from 'node:fs'
import { Subscription, type Publisher } from '@rivulet/accounts'
import { messageOf, StoreError, type MessageView } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { ListStream } from '../support/list-stream.js'

type Recorded = Readonly<{ subject: string; payload: string; headers: string; answer: unknown }>
const recorded = JSON.parse(readFileSync(new URL('./publishes.json', import.meta.url), 'utf8')) as Record<string, readonly Recorded[]>
const expand = (text: string): string => text.replace(/\$\{(.)\*(\d+)\}/g, (_all, c: string, n: string) => c.repeat(Number(n)))

const errorOf = (answer: unknown): number => (answer as { error: { err_code: number } }).error.err_code

/** Publishes recorded with the answers of nats-server 2.15.2, played in order into one stream. */
describe.each([
  ['order of checks', { name: 'O', subjects: ['o.>'], maxMessageSize: 300 }],
  ['expectations', { name: 'E', subjects: ['e.>'] }],
] as const)('recorded publishes: %s', (name, config) => {
  const stream = new ListStream(config)
  test.each((recorded[name] ?? []).map((step) => [`${step.headers.replaceAll('\n', ' | ')} -> ${JSON.stringify(step.answer)}`, step] as const))(
    '%s',
    (_title, step) => {
      expect(stream.request(step.subject, expand(step.payload), step.headers)).toEqual(step.answer)
    },
  )
})

describe('a message', () => {
  test('is stored under its bytes and answered after the commit', () => {
    const stream = new ListStream()

    stream.send('s.1', 'hello', { headers: 'A: 1' })

    expect(stream.answers).toEqual([])
    stream.commit()
    expect(stream.answers.map((answer) => answer.body)).toEqual([{ stream: 'S', seq: 1 }])
    expect(stream.kept[0]).toMatchObject({ subject: 's.1', headers: 'NATS/1.0\r\nA: 1\r\n\r\n', payload: 'hello' })
  })

  test('loses its status line and the facts of its requester', () => {
    const stream = new ListStream()
    const headers = 'NATS/1.0 503\r\nNats-Request-Info: {}\r\nB: 2\r\n\r\n'

    stream.ingest.take(messageOf({ subject: 's.1', headers, payload: 'x' }), {} as Publisher)

    expect(stream.kept[0]).toMatchObject({ headers: 'NATS/1.0\r\nB: 2\r\n\r\n', payload: 'x' })
  })

  test('gets no answer from a stream without answers, neither for errors', () => {
    const stream = new ListStream({ noAck: true })

    expect(stream.request('s.1', 'x')).toBeUndefined()
    expect(stream.request('s.1', 'x', 'Nats-Expected-Stream: X')).toBeUndefined()
    expect(stream.kept.length).toBe(1)
  })

  test.each([
    ['STORE_MAX_MESSAGES', 10077, 'maximum messages exceeded'],
    ['STORE_MAX_BYTES', 10077, 'maximum bytes exceeded'],
    ['STORE_MAX_MESSAGES_PER_SUBJECT', 10077, 'maximum messages per subject exceeded'],
    ['STORE_FULL', 10023, 'insufficient resources'],
    ['STORE_FAILED', 10077, 'the disk said no'],
  ] as const)('that the store refuses with %s is answered with %d', (code, errCode, description) => {
    const stream = new ListStream()
    stream.failure = new StoreError(code, 'the disk said no')

    expect(stream.request('s.1', 'x')).toMatchObject({ error: { err_code: errCode, description }, stream: 'S', seq: 0 })
    expect(stream.request('s.1', 'x', 'A: 1')).toMatchObject({ error: { err_code: errCode } })
  })

  test('is refused when the server or the account has no room', () => {
    const stream = new ListStream()
    stream.isFull = true
    expect(errorOf(stream.request('s.1', 'x'))).toBe(10023)

    stream.isFull = false
    stream.accountBytesMax = 33 // 22 + 3 + 1 + 8 = 34
    expect(errorOf(stream.request('s.1', 'x'))).toBe(10002)
    stream.accountBytesMax = 34
    expect(stream.request('s.1', 'x')).toEqual({ stream: 'S', seq: 1 })
  })

  test('is refused by a sealed stream', () => {
    expect(errorOf(new ListStream({ sealed: true }).request('s.1', 'x'))).toBe(10109)
  })

  test('without anybody interested uses a sequence and is not kept', () => {
    const stream = new ListStream({ retention: 'interest' })
    stream.isInterested = false

    expect(stream.request('s.1', 'x')).toEqual({ stream: 'S', seq: 1 })
    expect(stream.kept).toEqual([])
  })

  test('of a fast batch is refused by its reply subject', () => {
    const stream = new ListStream()

    stream.send('s.1', 'x', { reply: 'reply.b.10.ok.1.0.$FI' })
    stream.send('s.1', 'x', { reply: 'reply.b.10.what.1.0.$FI' })

    expect(stream.answers.map((answer) => errorOf(answer.body))).toEqual([10205, 10206])
    expect(stream.kept).toEqual([])
  })
})

describe('a message id', () => {
  test('seen before gives the sequence of then', () => {
    const stream = new ListStream()
    stream.request('s.1', 'x', 'Nats-Msg-Id: a')

    expect(stream.request('s.2', 'y', 'Nats-Msg-Id: a')).toEqual({ stream: 'S', seq: 1, duplicate: true })
    expect(stream.kept.length).toBe(1)
  })

  test('of a message that is on disk is answered at once', () => {
    const stream = new ListStream()
    stream.request('s.1', 'x', 'Nats-Msg-Id: a')

    stream.send('s.1', 'x', { headers: 'Nats-Msg-Id: a' })

    expect(stream.answers.map((answer) => answer.body)).toEqual([{ stream: 'S', seq: 1, duplicate: true }])
  })

  test('of a message that is not on disk yet waits with it', () => {
    const stream = new ListStream()
    stream.send('s.1', 'x', { headers: 'Nats-Msg-Id: a' })

    stream.send('s.1', 'x', { headers: 'Nats-Msg-Id: a' })

    expect(stream.answers).toEqual([])
    stream.commit()
    expect(stream.answers.length).toBe(2)
  })

  test('is forgotten as the last one by a message without', () => {
    const stream = new ListStream()
    stream.request('s.1', 'x', 'Nats-Msg-Id: a')
    stream.request('s.1', 'x')

    const answer = stream.request('s.1', 'x', 'Nats-Expected-Last-Msg-Id: a')

    expect(answer).toMatchObject({ error: { err_code: 10070, description: 'wrong last msg ID: ' } })
  })
})

describe('a roll-up', () => {
  test('replaces what its subject or the stream held', () => {
    const stream = new ListStream({ allowRollup: true })
    stream.request('s.1', '1')
    stream.request('s.2', '2')
    stream.request('s.1', '3', 'Nats-Rollup: SUB')
    expect(stream.kept.map((kept) => kept.sequence)).toEqual([2, 3])

    stream.request('s.1', '4', 'Nats-Rollup: all')
    expect(stream.kept.map((kept) => kept.sequence)).toEqual([4])
  })
})

describe('a TTL', () => {
  test('reaches the store in seconds', () => {
    const stream = new ListStream({ allowMessageTtl: true })
    stream.request('s.1', 'x', 'Nats-TTL: 1m')
    stream.request('s.1', 'x', 'Nats-TTL: never')

    expect(stream.kept.map((kept) => kept.ttlSeconds)).toEqual([60, -1])
  })

  test('that is invalid is refused, also when TTLs are off', () => {
    expect(errorOf(new ListStream({ allowMessageTtl: true }).request('s.1', 'x', 'Nats-TTL: 1ms'))).toBe(10165)
    expect(errorOf(new ListStream().request('s.1', 'x', 'Nats-TTL: junk'))).toBe(10165)
    expect(errorOf(new ListStream().request('s.1', 'x', 'Nats-TTL: 5s'))).toBe(10166)
  })

  test('below that of delete markers is raised to it, and the header says so', () => {
    const stream = new ListStream({ allowMessageTtl: true, subjectDeleteMarkerTtl: 60_000_000_000n })

    stream.request('s.1', 'x', 'A: 1\nNats-TTL: 5s')

    expect(stream.kept[0]).toMatchObject({ ttlSeconds: 60, headers: 'NATS/1.0\r\nA: 1\r\nNats-TTL: 60\r\n\r\n' })
  })
})

describe('a subject transform', () => {
  test('decides the subject that is stored and expected', () => {
    const stream = new ListStream({ subjectTransform: { source: 's.*.*', destination: 'n.$2.$1' } })

    expect(stream.request('s.a.b', 'x')).toEqual({ stream: 'S', seq: 1 })
    expect(stream.request('s.a.b', 'x', 'Nats-Expected-Last-Subject-Sequence: 1')).toEqual({ stream: 'S', seq: 2 })
    expect(stream.request('s.c', 'x')).toEqual({ stream: 'S', seq: 3 })
    expect(stream.kept.map((kept) => kept.subject)).toEqual(['n.b.a', 'n.b.a', 's.c'])
  })
})

describe('republishing', () => {
  const hear = (stream: ListStream): string[] => {
    const heard: string[] = []
    const sink = {
      deliver: (message: MessageView) =>
        void heard.push(`${message.subject()} ${message.headers().latin1Slice()}${message.payload().latin1Slice()}`),
    }
    stream.account.subscriptions.insert(new Subscription({ subject: 'out.>', sink }))
    return heard
  }

  test('sends what was stored, with its place', () => {
    const stream = new ListStream({ republish: { source: 's.>', destination: 'out.>', headersOnly: false } })
    const heard = hear(stream)
    stream.request('s.1', 'a', 'K: v')
    stream.request('s.1', 'b')

    const place = (sequence: number, last: number) =>
      `Nats-Stream: S\r\nNats-Subject: s.1\r\nNats-Sequence: ${sequence}\r\n` +
      `Nats-Time-Stamp: 2023-11-14T22:13:20.5Z\r\nNats-Last-Sequence: ${last}\r\n\r\n`
    expect(heard).toEqual([`out.1 NATS/1.0\r\nK: v\r\n${place(1, 0)}a`, `out.1 NATS/1.0\r\n${place(2, 1)}b`])
  })

  test('of headers only says how large the payload was', () => {
    const stream = new ListStream({ republish: { source: '>', destination: 'out.>', headersOnly: true } })
    const heard = hear(stream)

    stream.request('s.1', 'payload')

    expect(heard[0]).toMatch(/^out\.s\.1 .*Nats-Msg-Size: 7\r\n\r\n$/s)
  })
})

describe('back-pressure', () => {
  class Client implements Publisher {
    readonly echo = true
    readonly ownSink = undefined
    holds = 0
    hold(): void {
      this.holds++
    }
    release(): void {
      this.holds--
    }
    clientInfo(): undefined {
      return undefined
    }
  }

  test('holds a publisher that is ahead of the disk, once, until the disk has caught up', () => {
    const stream = new ListStream({}, { uncommittedBytes: 100 })
    const client = new Client()

    stream.send('s.1', 'x'.repeat(100), { publisher: client })
    expect(client.holds).toBe(0)
    stream.send('s.1', 'x', { publisher: client })
    stream.send('s.1', 'x', { publisher: client, headers: 'A: 1' })
    expect(client.holds).toBe(1)
    stream.commit()
    expect(client.holds).toBe(0)
  })

  test('refuses what comes beyond the last bound', () => {
    const stream = new ListStream({}, { uncommittedBytes: 100, bufferedBytes: 200 })
    stream.send('s.1', 'x'.repeat(201))

    stream.send('s.1', 'y')

    expect(stream.answers[0]).toMatchObject({ headers: 'NATS/1.0 429 Too Many Requests\r\n\r\n' })
    expect(errorOf(stream.answers[0]?.body)).toBe(10167)
    expect(stream.kept.length).toBe(1)
  })

  test('lets go of everybody when the store fails, and tells those who wait', () => {
    const stream = new ListStream({}, { uncommittedBytes: 10 })
    const client = new Client()
    stream.send('s.1', 'x'.repeat(100), { publisher: client })

    stream.ingest.failed(new StoreError('STORE_FAILED', 'write failed'))

    expect(client.holds).toBe(0)
    expect(stream.answers[0]?.body).toMatchObject({ error: { err_code: 10077, description: 'write failed' } })
  })
})
