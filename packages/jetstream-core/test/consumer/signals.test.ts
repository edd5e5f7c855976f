/** Streams with so many consumers that each message is told only to those who want it. */
import { expect, test } from 'vitest'
import { seededRandom } from '@rivulet/store-types'
import { Engine } from './support/engine.js'

const FILTERS = ['s.a', 's.b', 's.c', 's.*', 's.>', 's.a.b', 's.*.b', '>', 's.b.>', 's.zz', 's.c', 's.d', 's.e']
const SUBJECTS = ['s.a', 's.b', 's.c', 's.a.b', 's.b.b', 's.d', 's.e', 's.f']

const tokensMatch = (filter: string, subject: string) => {
  const wanted = filter.split('.')
  const tokens = subject.split('.')
  for (const [i, word] of wanted.entries()) {
    if (word === '>') return tokens.length > i
    if (tokens[i] === undefined || (word !== '*' && word !== tokens[i])) return false
  }
  return wanted.length === tokens.length
}

test.each([1, 2, 3, 4, 5, 6])('every consumer gets what matches, once and in order (seed %i)', async (seed) => {
  const random = seededRandom(seed)
  const pick = (count: number) => Math.floor(random() * count)
  const engine = await Engine.start()
  const stream = await engine.stream()
  const open = async (filter: string, i: number) => {
    const consumer = await engine.consumer(stream, { durableName: `c${i}`, filterSubject: filter })
    return { consumer, filter, inbox: engine.pull(consumer, { batch: 1_000_000 }), expected: [] as string[] }
  }
  const readers: Awaited<ReturnType<typeof open>>[] = []
  for (const [i, filter] of FILTERS.entries()) readers.push(await open(filter, i))
  /** by sequence - 1; '' when it was removed */
  const subjects: string[] = []
  const expectFrom = (reader: (typeof readers)[number], first: number) => {
    for (let at = first; at <= subjects.length; at++) {
      const subject = subjects[at - 1] as string
      if (subject !== '' && tokensMatch(reader.filter, subject)) reader.expected.push(String(at))
    }
  }

  for (let round = 0; round < 80; round++) {
    const first = subjects.length + 1
    const count = pick(10) === 0 ? 80 : 1 + pick(3)
    for (let i = 0; i < count; i++) subjects.push(SUBJECTS[pick(SUBJECTS.length)] as string)
    engine.publish(...subjects.slice(first - 1).map((subject, i) => `${subject} ${first + i}`))
    for (const reader of readers) expectFrom(reader, first)

    if (pick(5) === 0) {
      const sequence = 1 + pick(subjects.length)
      if (stream.store.has(sequence)) await engine.done(stream.removeMessage(sequence, { erase: false }))
      subjects[sequence - 1] = ''
    }
    if (pick(6) === 0) {
      const reader = readers[pick(readers.length)] as (typeof readers)[number]
      const from = 1 + pick(subjects.length)
      reader.consumer.reset(from)
      engine.turns.run()
      expectFrom(reader, from)
    }
    for (const { filter, inbox, consumer, expected } of readers) {
      const received = inbox.take().map((line) => line.split(' ').at(-1))
      expect(received, `seed ${seed}, round ${round}, ${filter}`).toEqual(expected.splice(0))
      expect(consumer.info().pendingCount, `seed ${seed}, round ${round}, ${filter}`).toBe(0)
    }
  }
})

test('a changed filter is searched from where the consumer is', async () => {
  const engine = await Engine.start()
  const stream = await engine.stream()
  for (let i = 0; i < 20; i++) await engine.consumer(stream, { durableName: `other${i}`, filterSubject: `s.o.${i}` })
  const config = { durableName: 'c', ackPolicy: 'explicit' as const }
  const consumer = await engine.consumer(stream, { ...config, filterSubject: 's.a' })
  const inbox = engine.pull(consumer, { batch: 100 })
  engine.publish('s.b 1')
  engine.publish('s.a 2')
  expect(inbox.take()).toEqual(['s.a 1.2.1.0 2'])
  engine.publish('s.b 3')

  await engine.consumer(stream, { ...config, filterSubject: 's.b' })
  engine.publish('s.a 4')
  engine.publish('s.b 5')

  expect(inbox.take()).toEqual(['s.b 1.3.2.0 3', 's.b 1.5.3.0 5'])
  expect(consumer.info().pendingCount).toBe(0)
})
