import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { StoredMessage, type StreamConfigInput } from '@rivulet/store-types'
import { MessageSchedules } from '../../../src/stream/schedule/message-schedules.js'
import type { Stream } from '../../../src/stream/stream.js'
import { Engine } from '../../consumer/support/engine.js'

type Recorded = Readonly<{ subject: string; headers: readonly string[]; errCode: number }>

const recorded = JSON.parse(readFileSync(new URL('./schedules.json', import.meta.url), 'utf8')) as readonly Recorded[]
/** The clock of the tests starts at 2024-01-01T00:00:00Z. */
const START = Date.UTC(2024, 0, 1)
const HOUR = 3_600_000

const at = (ms: number): string => new Date(START + ms).toISOString()

class Schedules {
  readonly engine: Engine
  readonly stream: Stream

  private constructor(engine: Engine, stream: Stream) {
    this.engine = engine
    this.stream = stream
  }

  static async start(config: StreamConfigInput = {}): Promise<Schedules> {
    const engine = await Engine.start()
    return new Schedules(engine, await engine.stream({ allowMessageSchedules: true, allowMessageTtl: true, ...config }))
  }

  /** Publishes; the sequence, or the code of the error. */
  publish(subject: string, payload: string, ...headers: readonly string[]): string {
    const inbox = this.engine.listen()
    const block = headers.length === 0 ? '' : `NATS/1.0\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`
    this.engine.send(subject, payload, inbox.subject, block)
    const answer = JSON.parse(inbox.payloads[0] ?? '{}') as { seq?: number; error?: { err_code: number } }
    return answer.error === undefined ? `${answer.seq}` : `error ${answer.error.err_code}`
  }

  /** The stored messages: `sequence subject payload [headers]`. */
  get stored(): string[] {
    const { store } = this.stream
    const message = new StoredMessage()
    const lines: string[] = []
    for (let sequence = 1; sequence <= store.lastSequence; sequence++) {
      if (!store.load(sequence, message)) continue
      const headers = message.headers().latin1Slice().split('\r\n').filter(Boolean).slice(1).join(', ')
      lines.push(`${sequence} ${message.subject()} ${message.payload().latin1Slice()} [${headers}]`)
    }
    return lines
  }

  advance(ms: number): void {
    this.engine.advance(ms)
  }
}

describe('publishes recorded with the answers of nats-server 2.15.2', async () => {
  const on = await Schedules.start()
  const off = await on.engine.stream({ name: 'N', subjects: ['n.>'] })

  test.each(recorded.map((step) => [step.headers.join(' | '), step] as const))('%s', (_title, { subject, headers, errCode }) => {
    const answer = on.publish(subject, 'x', ...headers)

    expect(answer.startsWith('error') ? Number(answer.slice('error '.length)) : 0).toBe(errCode)
  })

  test('were heard by both streams', () => {
    expect(off.config.allowMessageSchedules).toBe(false)
    expect(recorded.length).toBeGreaterThan(80)
  })
})

describe('a schedule', () => {
  test('that fires once leaves its message at its target, and goes', async () => {
    const s = await Schedules.start()
    s.publish('s.t', 'older')
    const headers = [`Nats-Schedule: @at ${at(2000)}`, 'Nats-Schedule-Target: s.t', 'Nats-Schedule-TTL: 60s']
    s.publish('s.one', 'body', ...headers, 'Nats-Schedule-Rollup: sub', 'Nats-Msg-Id: id', 'Other: kept')
    expect(s.stored[1]).toMatch(/^2 s\.one body \[.*Other: kept, Nats-Rollup: sub\]$/)

    s.advance(1999)
    expect(s.stored.length).toBe(2)
    s.advance(2)

    expect(s.stored).toEqual([
      '3 s.t body [Other: kept, Nats-Scheduler: s.one, Nats-Schedule-Next: purge, Nats-TTL: 60s, Nats-Rollup: sub]',
    ])
    s.advance(60_000)
    expect(s.stored).toEqual([])
  })

  test('takes content and headers from its source, its own when there is nothing', async () => {
    const s = await Schedules.start()
    s.publish('s.src', 'from source', 'Keep: me', 'Nats-Msg-Id: x')
    const target = (name: string) => [`Nats-Schedule: @at ${at(1000)}`, `Nats-Schedule-Target: ${name}`]
    s.publish('s.a', 'own', ...target('s.ta'), 'Nats-Schedule-Source: s.src')
    s.publish('s.b', 'own', ...target('s.tb'), 'Nats-Schedule-Source: s.none')

    s.advance(1500)

    expect(s.stored.slice(1)).toEqual([
      '4 s.ta from source [Keep: me, Nats-Scheduler: s.a, Nats-Schedule-Next: purge]',
      '5 s.tb own [Nats-Scheduler: s.b, Nats-Schedule-Next: purge]',
    ])
  })

  test('that repeats tells when it fires next, and does', async () => {
    const s = await Schedules.start()
    s.publish('s.rep', 'tick', 'Nats-Schedule: @every 10s', 'Nats-Schedule-Target: s.t')

    s.advance(35_000)

    expect(s.stored.slice(1)).toEqual([
      `2 s.t tick [Nats-Scheduler: s.rep, Nats-Schedule-Next: 2024-01-01T00:00:20Z]`,
      `3 s.t tick [Nats-Scheduler: s.rep, Nats-Schedule-Next: 2024-01-01T00:00:30Z]`,
      `4 s.t tick [Nats-Scheduler: s.rep, Nats-Schedule-Next: 2024-01-01T00:00:40Z]`,
    ])
  })

  test.each([
    ['0 30 9 * * *', 'Europe/Berlin', '2024-01-01T08:30:00.001Z'],
    ['@daily', 'America/New_York', '2024-01-01T05:00:00.001Z'],
  ])('%s follows the clocks of %s', async (pattern, zone, time) => {
    const s = await Schedules.start()
    s.publish('s.z', 'x', `Nats-Schedule: ${pattern}`, 'Nats-Schedule-Target: s.t', `Nats-Schedule-Time-Zone: ${zone}`)

    s.advance(Date.parse(time) - START - 2)
    expect(s.stored.length).toBe(1)
    s.advance(2)

    expect(s.stored.length).toBe(2)
  })

  test('that repeats within fractions of a second promises them', async () => {
    const s = await Schedules.start()
    s.publish('s.rep', 'x', 'Nats-Schedule: @every 1500ms', 'Nats-Schedule-Target: s.t')

    s.advance(1501)

    // Each firing counts from the one before, rounded to the second.
    expect(s.stored.slice(1)).toEqual(['2 s.t x [Nats-Scheduler: s.rep, Nats-Schedule-Next: 2024-01-01T00:00:03.5Z]'])
  })

  test('for a time in the past fires at once', async () => {
    const s = await Schedules.start()
    s.publish('s.p', 'late', 'Nats-Schedule: @at 2020-01-01T00:00:00Z', 'Nats-Schedule-Target: s.t')

    s.advance(250)

    expect(s.stored).toEqual(['2 s.t late [Nats-Scheduler: s.p, Nats-Schedule-Next: purge]'])
  })

  test.each<[string, (s: Schedules) => unknown]>([
    ['it is cancelled', (s) => s.publish('s.c', '', 'Nats-Schedule-Next: purge', 'Nats-Scheduler: s.one')],
    ['its message is purged', (s) => s.engine.done(s.stream.purge({ filter: 's.one' }))],
    ['its message is deleted', (s) => s.engine.done(s.stream.removeMessage(1, { erase: true }))],
    ['something else is published there', (s) => s.publish('s.one', 'other')],
    ['something else with headers is published there', (s) => s.publish('s.one', 'other', 'A: b')],
    ['the stream is deleted', (s) => s.engine.done(s.engine.jetStream.deleteStream('S'))],
  ])('does not fire when %s', async (_name, end) => {
    const s = await Schedules.start()
    const timersBefore = s.engine.clock.timerCount
    s.publish('s.one', 'x', `Nats-Schedule: @at ${at(1000)}`, 'Nats-Schedule-Target: s.t')

    await end(s)
    s.advance(3000)

    expect(s.stored.filter((line) => line.includes(' s.t '))).toEqual([])
    expect(s.engine.clock.timerCount).toBe(timersBefore)
  })

  test('is replaced by the next one of its subject', async () => {
    const s = await Schedules.start()
    s.publish('s.one', 'first', `Nats-Schedule: @at ${at(1000)}`, 'Nats-Schedule-Target: s.t')
    s.publish('s.one', 'second', `Nats-Schedule: @at ${at(5000)}`, 'Nats-Schedule-Target: s.t')

    s.advance(4000)
    expect(s.stored.length).toBe(1)
    s.advance(2000)

    expect(s.stored).toEqual(['3 s.t second [Nats-Scheduler: s.one, Nats-Schedule-Next: purge]'])
  })

  test('tries again when its message could not be stored', async () => {
    const s = await Schedules.start()
    s.publish('s.one', 'x', `Nats-Schedule: @at ${at(1000)}`, 'Nats-Schedule-Target: s.t')
    const { isServerFull } = s.stream
    s.stream.isServerFull = () => true
    s.advance(3000)
    expect(s.stored.length).toBe(1)

    s.stream.isServerFull = isServerFull
    s.advance(1500)

    expect(s.stored).toEqual(['2 s.t x [Nats-Scheduler: s.one, Nats-Schedule-Next: purge]'])
  })

  test('can be made on a stream that learns to keep schedules', async () => {
    const s = await Schedules.start({ allowMessageSchedules: false })
    const headers = [`Nats-Schedule: @at ${at(1000)}`, 'Nats-Schedule-Target: s.t']
    expect(s.publish('s.one', 'x', ...headers)).toBe('error 10188')
    const config = { name: 'S', subjects: ['s.>'], storage: 'memory', allowMessageSchedules: true, allowMessageTtl: true } as const
    await s.engine.done(s.engine.jetStream.updateStream(config, { pedantic: false }))

    s.publish('s.one', 'x', ...headers)
    s.advance(1500)

    expect(s.stored).toEqual(['2 s.t x [Nats-Scheduler: s.one, Nats-Schedule-Next: purge]'])
  })
})

describe('schedules that are found when a stream opens', () => {
  /** As if the server had been away: the schedules are forgotten, time passes, the store is read again. */
  function reopen(s: Schedules, awayMs: number): void {
    s.stream.schedules.close()
    s.engine.clock.advance(awayMs)
    new MessageSchedules(s.stream, s.engine.clock).recover()
  }

  test('fire when they are due, those that are late at once', async () => {
    const s = await Schedules.start()
    s.publish('s.late', 'late', `Nats-Schedule: @at ${at(1000)}`, 'Nats-Schedule-Target: s.t')
    s.publish('s.soon', 'soon', `Nats-Schedule: @at ${at(HOUR + 5000)}`, 'Nats-Schedule-Target: s.t')

    reopen(s, HOUR)
    s.advance(300)
    expect(s.stored.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual(['2 s.soon soon', '3 s.t late'])
    s.advance(5000)

    expect(s.stored.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual(['3 s.t late', '4 s.t soon'])
  })

  test('that repeat fire once for all they missed, then on time', async () => {
    const s = await Schedules.start()
    s.publish('s.rep', 'tick', 'Nats-Schedule: @every 10m', 'Nats-Schedule-Target: s.t')
    s.advance(601_000)
    expect(s.stored.length).toBe(2)

    reopen(s, HOUR)
    s.advance(300)
    expect(s.stored.slice(2)).toEqual(['3 s.t tick [Nats-Scheduler: s.rep, Nats-Schedule-Next: 2024-01-01T01:20:01Z]'])
    s.advance(600_000)

    expect(s.stored.slice(3)).toEqual(['4 s.t tick [Nats-Scheduler: s.rep, Nats-Schedule-Next: 2024-01-01T01:30:01Z]'])
  })

  test('that are not the last of their subject any more are over, unless another schedule fires there', async () => {
    const s = await Schedules.start({ allowRollup: true })
    const far = `Nats-Schedule: @at ${at(HOUR + 5000)}`
    s.publish('s.over', 'over', far, 'Nats-Schedule-Target: s.t')
    s.publish('s.kept', 'kept', far, 'Nats-Schedule-Target: s.t')
    s.publish('s.other', 'other', `Nats-Schedule: @at ${at(1000)}`, 'Nats-Schedule-Target: s.kept')
    s.advance(1300)
    s.publish('s.over', 'ends it')

    reopen(s, HOUR)
    s.advance(5000)

    expect(s.stored.filter((line) => line.includes(' s.t '))).toEqual([
      '6 s.t kept [Nats-Scheduler: s.kept, Nats-Schedule-Next: purge]',
    ])
  })

  test('that repeat and have left no trace skip what they missed', async () => {
    const s = await Schedules.start()
    s.publish('s.rep', 'tick', 'Nats-Schedule: @hourly', 'Nats-Schedule-Target: s.t')

    reopen(s, 5.5 * HOUR)
    s.advance(1000)
    expect(s.stored.length).toBe(1)
    s.advance(HOUR / 2)

    expect(s.stored.slice(1)).toEqual(['2 s.t tick [Nats-Scheduler: s.rep, Nats-Schedule-Next: 2024-01-01T07:00:00Z]'])
  })
})
