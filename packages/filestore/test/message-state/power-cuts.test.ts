/**
 * What a power cut at any moment leaves of times to live, schedules and positions: random scripts, the disk forked
 * and cut after many of their steps, and the store that opens there compared with the messages it has.
 */
import { describe, expect, it } from 'vitest'
import {
  StoredMessage,
  SubjectFilter,
  VirtualClock,
  isScheduleInHeaders,
  messageOf,
  readSourceHeader,
  ttlInHeaders,
} from '@rivulet/store-types'
import { openStore, type TestStore, type TestStoreOptions } from '../support/open-store.js'
import { seededRandom } from '../support/seeded-random.js'
import { settle } from '../support/settle.js'

const STEPS = 60
const PERIOD_MS = 120_000
const TTL_SECONDS_MAX = 100_000
const SOURCES = ['A', 'B']
const options = {
  blockBytes: 400,
  config: { allowMessageTtl: true, allowMessageSchedules: true, sources: SOURCES.map((name) => ({ name })) },
} satisfies TestStoreOptions

type Live = { sequence: number; subject: string; ttlSeconds: number; isSchedule: boolean; source: string; sourceSequence: number }

function liveOf(s: TestStore): Live[] {
  const found: Live[] = []
  const message = new StoredMessage()
  for (let at = 1; s.store.loadNext(SubjectFilter.all, at, message) !== 0; at = message.sequence + 1) {
    const { bodyBytes, bodyOffset, headerSize, sequence } = message
    const header = readSourceHeader(bodyBytes, bodyOffset, headerSize)
    found.push({
      ...{ sequence, subject: message.subject() },
      ttlSeconds: ttlInHeaders(bodyBytes, bodyOffset, headerSize),
      isSchedule: isScheduleInHeaders(bodyBytes, bodyOffset, headerSize),
      ...{ source: header?.indexName ?? '', sourceSequence: header?.sequence ?? 0 },
    })
  }
  return found
}

class Script {
  readonly random: () => number
  s: TestStore
  readonly #taken = new Map(SOURCES.map((name) => [name, 0]))

  constructor(seed: number, store: TestStore) {
    this.random = seededRandom(seed)
    this.s = store
  }

  get #store(): TestStore['store'] {
    return this.s.store
  }

  pick(count: number): number {
    return Math.floor(this.random() * count)
  }

  append(subject: string, line: string, ttlSeconds = 0): number {
    const headers = line === '' ? '' : `NATS/1.0\r\n${line}\r\n\r\n`
    return this.#store.append(messageOf({ subject, headers, payload: 'x'.repeat(this.pick(60)) }), ttlSeconds)
  }

  async step(): Promise<void> {
    const { firstSequence, lastSequence } = this.#store
    const anywhere = firstSequence + this.pick(lastSequence - firstSequence + 1)
    const steps: [number, () => unknown][] = [
      [20, () => this.#takeFromSource()],
      [20, () => this.#schedule(`s.${this.pick(6)}`)],
      [15, () => this.#appendWithTtl()],
      [10, () => this.append('plain', '')],
      [10, () => lastSequence > 0 && anywhere >= firstSequence && anywhere <= lastSequence && this.#store.remove(anywhere)],
      [5, () => this.#store.skip(lastSequence + 1, 3)],
      [5, () => this.#store.purgeBelow(anywhere)],
      [2, () => this.#store.purge()],
      [3, () => this.#store.truncate(Math.max(0, lastSequence - this.pick(6)))],
      [10, () => this.s.flush()],
      [10, () => this.#passPeriod()],
      [4, () => this.#reopen()],
    ]
    let left = this.pick(steps.reduce((sum, [weight]) => sum + weight, 0))
    await steps.find(([weight]) => (left -= weight) < 0)?.[1]()
  }

  /** What the power leaves now, opened. */
  async cut(): Promise<TestStore> {
    const disk = this.s.disk.fork()
    disk.cutPower()
    disk.restorePower(this.random)
    return openStore({ ...options, disk, clock: new VirtualClock(this.s.clock.wallNanos()) })
  }

  taken(name: string): number {
    return this.#taken.get(name) as number
  }

  #takeFromSource(): void {
    const name = SOURCES[this.pick(SOURCES.length)] as string
    const sequence = this.taken(name) + 1
    this.#taken.set(name, sequence)
    this.append(`from.${name}`, `Nats-Stream-Source: ${name} ${sequence} > > from.${name} ID`)
  }

  #schedule(subject: string): void {
    this.#store.purgeMatching({ filter: SubjectFilter.of(subject), below: 0, keep: 0 })
    const sequence = this.append(subject, 'Nats-Schedule: @daily\r\nNats-Schedule-Target: t')
    this.#store.schedules.add(subject, sequence, dueOf(sequence))
  }

  #appendWithTtl(): void {
    const ttlSeconds = 50_000 + this.pick(TTL_SECONDS_MAX - 50_000)
    this.append('ttl', `Nats-TTL: ${ttlSeconds}`, ttlSeconds)
  }

  async #passPeriod(): Promise<void> {
    this.s.clock.advance(PERIOD_MS, () => this.s.turns.run())
    await settle(this.s.turns)
  }

  async #reopen(): Promise<void> {
    this.s = await this.s.reopen()
    for (const sequence of this.#store.recoverSchedules().sequences) this.#recovered(sequence)
  }

  #recovered(sequence: number): void {
    const message = new StoredMessage()
    if (this.#store.load(sequence, message)) this.#store.schedules.add(message.subject(), sequence, dueOf(sequence))
  }
}

/** Stands for the schedule of this message. */
function dueOf(sequence: number): bigint {
  return 1_900_000_000_000_000_000n + BigInt(sequence)
}

function compare(script: Script, s: TestStore): void {
  const live = liveOf(s)
  for (const name of SOURCES) {
    const position = s.store.sourcePositions.get(`${name} > >`)!.sequence
    const newest = live.findLast(({ source }) => source === `${name} > >`)?.sourceSequence ?? 0
    expect(position, name).toBeGreaterThanOrEqual(newest)
    expect(position, name).toBeLessThanOrEqual(script.taken(name))
  }

  const { sequences } = s.store.recoverSchedules()
  const listed = [...s.store.schedules.schedules].map(([subject, { sequence, at }]) => ({ subject, sequence, at }))
  const known = [...listed.map(({ sequence }) => sequence), ...sequences].sort((a, b) => a - b)
  expect(known).toEqual(live.filter(({ isSchedule }) => isSchedule).map(({ sequence }) => sequence))
  for (const { subject, sequence, at } of listed) {
    expect(live.find((message) => message.sequence === sequence)?.subject).toBe(subject)
    expect(at).toBe(dueOf(sequence))
  }

  s.store.ready()
  s.clock.advance(TTL_SECONDS_MAX * 1000, () => s.turns.run())
  expect(liveOf(s).map(({ sequence }) => sequence)).toEqual(
    live.filter(({ ttlSeconds }) => ttlSeconds === 0).map(({ sequence }) => sequence),
  )
}

describe('times to live, schedules and positions in sources', () => {
  it.each(Array.from({ length: 24 }, (_, i) => i + 1))('agree with the messages wherever the power is cut (seed %d)', async (seed) => {
    const script = new Script(seed, await openStore(options))
    let cuts = 0
    for (let step = 0; step < STEPS; step++) {
      await script.step()
      if (script.random() < 0.6) continue
      const left = await script.cut()
      compare(script, left)
      await left.close()
      cuts++
    }

    expect(cuts).toBeGreaterThan(0)
    await script.s.close()
  })
})
