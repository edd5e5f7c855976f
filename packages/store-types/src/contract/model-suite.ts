/** Random operations against the model (store-model.ts); a failure prints the seed and the shortest script. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StreamConfigInput } from '../config/stream-config-json.js'
import { nanosOf } from '../clock/timestamp.js'
import { StoredMessage } from '../store/stored-message.js'
import { SubjectFilter } from '../subject/subject-filter.js'
import { AFTER_CLOSE, StoreBench, codeOf, configOf, type HostFactory, type Opening, type StoreAbilities } from './store-bench.js'
import { StoreModel } from './store-model.js'

export type Operation =
  | Readonly<{ do: 'append'; subject: string; payloadSize: number; hasHeaders: boolean }>
  | Readonly<{ do: 'remove' | 'erase'; at: number }>
  | Readonly<{ do: 'purgeBelow' | 'truncate'; at: number }>
  | Readonly<{ do: 'purge' }>
  | Readonly<{ do: 'purgeMatching'; filter: string; at: number; keep: number; isGradual: boolean }>
  | Readonly<{ do: 'skip'; count: number }>
  | Readonly<{ do: 'advance'; ms: number }>
  | Readonly<{ do: 'flush' | 'checkpoint' }>
  | Readonly<{ do: 'reopen'; opening: Opening }>

const HEADERS = 'NATS/1.0\r\nK: v\r\n\r\n'
const SUBJECTS = ['a', 'b', 'a.x', 'a.y', 'b.x', 'a.x.z', 'c.c.c']
const FILTERS = ['a', 'a.*', 'a.>', '*.x', '*', '>', 'c.*.c', 'none']

const fraction = fc.double({ min: 0, max: 1.1, noNaN: true })

function operation(abilities: StoreAbilities): fc.Arbitrary<Operation> {
  const append = fc.record({
    do: fc.constant('append' as const),
    subject: fc.constantFrom(...SUBJECTS),
    payloadSize: fc.constantFrom(0, 1, 40, 150),
    hasHeaders: fc.boolean(),
  })
  return fc.oneof(
    { weight: 60, arbitrary: append },
    { weight: 15, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'erase' as const), at: fraction }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('purgeBelow' as const, 'truncate' as const), at: fraction }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('purge' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('purgeMatching' as const),
        filter: fc.constantFrom(...FILTERS),
        at: fc.option(fraction, { nil: 0 }),
        keep: fc.constantFrom(0, 0, 1, 2),
        isGradual: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('skip' as const), count: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 1000, 11_000) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
    ...(abilities.durable ? reopening(abilities) : []),
  )
}

function reopening(abilities: StoreAbilities): { weight: number; arbitrary: fc.Arbitrary<Operation> }[] {
  const opening = fc.constantFrom(...(abilities.openings ?? [AFTER_CLOSE]))
  return [
    { weight: 4, arbitrary: fc.record({ do: fc.constant('reopen' as const), opening }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('checkpoint' as const) }) },
  ]
}

const configs: fc.Arbitrary<StreamConfigInput> = fc.record(
  {
    maxMessages: fc.constantFrom(3, 10, 40),
    maxBytes: fc.constantFrom(200, 1000, 4000),
    maxMessagesPerSubject: fc.constantFrom(1, 2, 5),
    discard: fc.constantFrom('old' as const, 'new' as const),
    firstSequence: fc.constantFrom(0, 100),
  },
  { requiredKeys: [] },
)

export function describeModel(factory: HostFactory, abilities: StoreAbilities, numRuns: number): void {
  describe('any operations', () => {
    it('leave the store as the model says', { timeout: 120_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(configs, fc.array(operation(abilities), { maxLength: 80, size: 'max' }), async (config, operations) => {
          const bench = await StoreBench.open(factory, abilities, config)
          const model = new StoreModel(configOf(abilities, config))
          for (const each of operations) {
            await apply(each, bench, model, abilities)
            assertState(bench, model)
          }
          await bench.flush()
          assertAnswers(bench, model)
          await bench.dispose()
        }),
        { seed: 2024, numRuns },
      )
    })
  })
}

async function apply(operation: Operation, bench: StoreBench, model: StoreModel, abilities: StoreAbilities): Promise<void> {
  switch (operation.do) {
    case 'append':
      return append(operation, bench, model, abilities)
    case 'remove':
    case 'erase': {
      const sequence = Math.round(operation.at * model.lastSequence)
      const isLive = model.messages.some((message) => message.sequence === sequence)
      const code = codeOf(() => assertSame(bench.store[operation.do](sequence), isLive))
      assertSame(code, expectedRemoval(model, sequence))
      model.remove(sequence)
      return
    }
    case 'purgeBelow': {
      const sequence = Math.round(operation.at * model.lastSequence) + 1
      assertSame(bench.store.purgeBelow(sequence), model.purgeBelow(sequence))
      return
    }
    case 'truncate': {
      // Below its first sequence a stream has nothing to be cut.
      const start = Math.max(0, model.config.firstSequence - 1)
      const sequence = Math.max(start, Math.min(model.lastSequence, Math.round(operation.at * model.lastSequence)))
      bench.store.truncate(sequence)
      model.truncate(sequence)
      return
    }
    case 'purge':
      assertSame(bench.store.purge(), model.purge())
      return
    case 'purgeMatching': {
      const filter = SubjectFilter.of(operation.filter)
      const below = Math.round(operation.at * model.lastSequence)
      const request = { filter, below, keep: operation.keep }
      const { store } = bench
      const count = operation.isGradual ? await bench.settle(store.purgeGradually(request)) : store.purgeMatching(request)
      assertSame(count, model.purgeMatching(filter, below, operation.keep))
      return
    }
    case 'skip':
      bench.store.skip(model.lastSequence + 1, operation.count)
      model.skip(operation.count)
      return
    case 'advance':
      await bench.advance(operation.ms)
      return
    case 'flush':
      await bench.flush()
      return
    case 'checkpoint':
      await bench.checkpoint()
      return
    case 'reopen':
      await bench.reopen(operation.opening)
  }
}

function assertSame(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected)
}

function append(
  operation: Extract<Operation, { do: 'append' }>,
  bench: StoreBench,
  model: StoreModel,
  abilities: StoreAbilities,
): void {
  const { subject, payloadSize, hasHeaders } = operation
  const payload = `${model.lastSequence + 1}`.padEnd(payloadSize, '.').slice(0, payloadSize)
  const headers = hasHeaders ? HEADERS : ''
  const size = abilities.sizeOf(subject.length, headers.length, payload.length)
  const refusal = model.append({ subject, payload, headers, nanos: bench.clock.wallNanos(), size })
  expect(codeOf(() => bench.append(subject, { payload, headers }))).toBe(refusal ?? 'none')
}

function expectedRemoval(model: StoreModel, sequence: number): string {
  if (sequence > model.lastSequence) return 'STORE_END'
  return sequence === 0 || model.messages.length === 0 || sequence < model.firstSequence ? 'STORE_MESSAGE_NOT_FOUND' : 'none'
}

function assertState(bench: StoreBench, model: StoreModel): void {
  const { store } = bench
  expect({
    messageCount: store.messageCount,
    byteCount: store.byteCount,
    // A stream without sequences begins at 0 or 1, which is the same.
    firstSequence: store.lastSequence === 0 ? 0 : store.firstSequence,
    lastSequence: store.lastSequence,
    subjectCount: store.subjectCount,
  }).toEqual({
    messageCount: model.messages.length,
    byteCount: model.byteCount,
    firstSequence: model.lastSequence === 0 ? 0 : model.firstSequence,
    lastSequence: model.lastSequence,
    subjectCount: model.subjects.size,
  })
}

function assertAnswers(bench: StoreBench, model: StoreModel): void {
  const { store } = bench
  assertMessages(bench, model)
  expect(store.committedSequence).toBe(model.lastSequence)
  const state = store.state(true)
  expect(state).toMatchObject({ deletedCount: model.deleted.length, firstTime: model.messages[0]?.nanos ?? 0n })
  expect(state.deleted ?? []).toEqual(model.deleted)
  for (const message of model.messages) {
    expect(store.sequenceAtTime(Number(message.nanos / 1_000_000_000n), Number(message.nanos % 1_000_000_000n))).toBe(
      model.sequenceAtTime(message.nanos),
    )
  }
  for (const subject of SUBJECTS) expect(bench.lastSequenceOf(subject)).toBe(model.lastOf(subject))
  const overlapping = [SubjectFilter.of('a.x', 'b', '*.y'), SubjectFilter.of('a.>', 'a.x', '*.x', 'a.*', 'none')]
  for (const filter of [...FILTERS.map((each) => SubjectFilter.of(each)), ...overlapping]) {
    assertFilter(bench, model, filter)
  }
}

function assertMessages(bench: StoreBench, model: StoreModel): void {
  const message = new StoredMessage()
  for (let sequence = 0; sequence <= model.lastSequence + 1; sequence++) {
    const expected = model.messages.find((each) => each.sequence === sequence)
    expect([bench.store.has(sequence), bench.store.load(sequence, message)]).toEqual([expected !== undefined, expected !== undefined])
    if (expected === undefined) continue
    expect({
      sequence: message.sequence,
      subject: message.subject(),
      headers: message.headers().toString(),
      payload: message.payload().toString(),
      nanos: nanosOf(message.seconds, message.nanoseconds),
    }).toEqual({
      sequence,
      subject: expected.subject,
      headers: expected.headers,
      payload: expected.payload,
      nanos: expected.nanos,
    })
  }
}

function assertFilter(bench: StoreBench, model: StoreModel, filter: SubjectFilter): void {
  const { store } = bench
  const sequences = model.matching(filter, 1).map((message) => message.sequence)
  expect(bench.forward(filter)).toEqual(sequences)
  expect(bench.backward(filter, model.lastSequence + 1)).toEqual(sequences.toReversed())
  expect(store.loadLast(filter, new StoredMessage())).toBe(sequences.at(-1) ?? 0)
  const middle = Math.round((model.firstSequence + model.lastSequence) / 2)
  for (const from of [0, model.firstSequence, middle, model.lastSequence, model.lastSequence + 1]) {
    const matching = model.matching(filter, from)
    expect(store.loadNext(filter, from, new StoredMessage())).toBe(matching[0]?.sequence ?? 0)
    expect(store.loadPrevious(filter, from, new StoredMessage())).toBe(sequences.findLast((sequence) => sequence <= from) ?? 0)
    expect(store.countPending(filter, from, false)).toBe(matching.length)
    expect(store.countPending(filter, from, true)).toBe(model.countPending(filter, from, true))
    const state = store.filteredState(filter, from)
    expect(state.messageCount).toBe(matching.length)
    if (matching.length > 0) {
      const last = matching.at(-1)?.sequence
      expect(state.firstSequence).toBe(matching[0]?.sequence)
      // Of everything the last sequence may be given, also when that message is gone.
      if (!(filter.isAll && state.lastSequence === model.lastSequence)) expect(state.lastSequence).toBe(last)
    }
    expect(store.lastSequences(filter, from, 0)).toEqual(model.lastSequences(filter, from))
  }
  const totals = new Map<string, number>()
  for (const message of model.matching(filter, 1)) totals.set(message.subject, (totals.get(message.subject) ?? 0) + 1)
  expect(Object.fromEntries(store.subjectTotals(filter))).toEqual(Object.fromEntries(totals))
  const states = store.subjectStates(filter)
  expect([...states.keys()].sort()).toEqual([...totals.keys()].sort())
  for (const [subject, subjectState] of states) {
    const same = model.messages.filter((message) => message.subject === subject)
    expect(subjectState).toEqual({
      messageCount: same.length,
      firstSequence: same[0]?.sequence,
      lastSequence: same.at(-1)?.sequence,
    })
  }
}
