/**
 * Random lives of a consumer, held against what a client can work out by itself. After every step:
 *
 *  - deliveries are numbered without gaps, and the count of each message grows by one;
 *  - the pending count of a message and of the consumer is the number of live matches behind the last new message;
 *  - what the consumer takes for pending, its store does too.
 *
 * At the end everything is acknowledged, and nothing is left. A failure names the seed and the step.
 */
import { expect, test } from 'vitest'
import { seededRandom, StoredMessage, SubjectFilter, type ConsumerConfigInput } from '@rivulet/store-types'
import { Engine } from './support/engine.js'

const STEPS = 250
const SUBJECTS = ['s.a', 's.b', 's.c.d']
const WORDS = ['+ACK', '', '-NAK', '-NAK {"delay":700000000}', '+WPI', '+TERM', 'junk']

const configs: ConsumerConfigInput[] = [
  { ackPolicy: 'explicit', ackWait: 1_000_000_000n, maxAckPending: 20 },
  { ackPolicy: 'explicit', ackWait: 1_000_000_000n, filterSubjects: ['s.a', 's.c.>'], maxAckPending: -1 },
  { ackPolicy: 'explicit', ackWait: 500_000_000n, maxDeliver: 3, filterSubject: 's.*' },
  { ackPolicy: 'explicit', backoff: [300_000_000n, 900_000_000n] },
  { ackPolicy: 'all', ackWait: 800_000_000n, filterSubject: 's.a' },
  { ackPolicy: 'none', filterSubject: 's.b' },
]

class Life {
  readonly engine: Engine
  readonly random: () => number
  readonly inbox: ReturnType<Engine['listen']>
  readonly counts = new Map<number, number>()
  /** replies of what was delivered, by stream sequence: the last one */
  readonly replies = new Map<number, string>()
  deliveries = 0
  highest = 0

  constructor(engine: Engine, random: () => number) {
    this.engine = engine
    this.random = random
    this.inbox = engine.listen('_INBOX.model')
  }

  pick(count: number): number {
    return Math.floor(this.random() * count)
  }

  /** Checks what arrived. `live`: sequences of live matches. */
  read(live: readonly number[], where: string): void {
    const replies = this.inbox.replies.splice(0)
    this.inbox.take()
    for (const reply of replies) {
      const [, , , , deliveries, sequence, delivery, , pending] = reply.split('.').map(Number) as number[]
      const at = sequence as number
      expect(delivery, where).toBe(++this.deliveries)
      expect(deliveries, where).toBe((this.counts.get(at) ?? 0) + 1)
      this.counts.set(at, deliveries as number)
      this.replies.set(at, reply)
      if (deliveries === 1) this.highest = at
      const behind = live.filter((other) => other > this.highest).length
      expect(pending, `${where}, message ${at}`).toBe(behind)
    }
  }
}

test.each(configs.flatMap((config, i) => [1, 2, 3].map((seed) => [i, seed, config] as const)))(
  'configuration %i, seed %i',
  async (number, seed, config) => {
    const engine = await Engine.start()
    const stream = await engine.stream({ maxMessages: 150 })
    const consumer = await engine.consumer(stream, { durableName: 'c', ...config })
    const life = new Life(engine, seededRandom(seed * 100 + number))
    const filter = SubjectFilter.of(...(config.filterSubjects ?? (config.filterSubject ? [config.filterSubject] : [])))
    const store = await stream.store.openConsumer('c', 0n, consumer.config)

    const live = () => {
      const message = new StoredMessage()
      const sequences: number[] = []
      const next = (from: number) => stream.store.loadNext(filter, from, message)
      for (let at = next(1); at > 0; at = next(at + 1)) sequences.push(at)
      return sequences
    }
    const check = (where: string) => {
      const info = consumer.info()
      const behind = live().filter((sequence) => sequence > life.highest).length
      expect(info.pendingCount, where).toBe(behind)
      expect(store.state().pending.size, where).toBe(info.ackPendingCount)
      expect(info.ackFloor.streamSequence, where).toBeLessThanOrEqual(info.delivered.streamSequence)
    }

    for (let step = 0; step < STEPS; step++) {
      const where = `configuration ${number}, seed ${seed}, step ${step}`
      const choice = life.pick(20)
      if (choice < 6) {
        engine.publish(...Array.from({ length: 1 + life.pick(4) }, () => `${SUBJECTS[life.pick(3)]} x`))
      } else if (choice < 11) {
        const request = { batch: 1 + life.pick(5), no_wait: life.pick(2) === 0, expires: 400_000_000 }
        engine.pull(consumer, request, life.inbox)
      } else if (choice < 16) {
        const known = [...life.replies.values()]
        const reply = known[known.length - 1 - life.pick(Math.min(8, known.length))]
        if (reply) engine.send(reply, WORDS[life.pick(WORDS.length)])
      } else if (choice < 18) engine.advance(life.pick(900))
      else if (choice === 18) {
        const sequence = 1 + life.pick(Math.max(1, stream.store.lastSequence))
        if (stream.store.has(sequence)) await engine.done(stream.removeMessage(sequence, { erase: false }))
      } else if (life.pick(8) === 0) {
        const below = 1 + life.pick(stream.store.lastSequence + 1)
        await engine.done(stream.purge({ sequence: below }))
      }
      life.read(live(), where)
      check(where)
    }

    for (let round = 0; round < 60; round++) {
      engine.advance(1000)
      engine.pull(consumer, { batch: 500, no_wait: true }, life.inbox)
      life.read(live(), 'the end')
      for (const reply of life.replies.values()) engine.send(reply, '+ACK')
    }
    expect(consumer.info()).toMatchObject({ ackPendingCount: 0, pendingCount: 0 })
    check('the end')
  },
)
