import { describe, expect, test } from 'vitest'
import { seededRandom } from '@rivulet/store-types'
import {
  ackPrefix,
  AckSubject,
  AckSubjectWriter,
  parseAckSubject,
  parseShortAckSubject,
} from '../../src/consumer/ack-subject.js'
import { writeNanos, writeNumber } from '../../src/consumer/decimal.js'
import { FlowWindow } from '../../src/consumer/flow-window.js'
import { PendingAcks } from '../../src/consumer/pending-acks.js'
import { parsePullRequest } from '../../src/consumer/pull-request.js'
import { RateLimiter } from '../../src/consumer/rate-limiter.js'
import { RedeliveryQueue } from '../../src/consumer/redelivery-queue.js'

const SEEDS = [1, 2, 3, 4, 5]

function entriesOf(pending: PendingAcks): [number, number, number][] {
  const entries: [number, number, number][] = []
  for (let at = pending.first; at >= 0; at = pending.next(at)) {
    entries.push([pending.streamSequence(at), pending.deliverySequence(at), pending.time(at)])
  }
  return entries
}

describe('pending acknowledgements', () => {
  test.each(SEEDS)('behave as a sorted map (seed %i)', (seed) => {
    const random = seededRandom(seed)
    const pick = (count: number) => Math.floor(random() * count)
    const pending = new PendingAcks()
    const model = new Map<number, [number, number, number]>()
    let sequence = 0
    for (let step = 0; step < 3000; step++) {
      const known = [...model.keys()]
      const choice = pick(10)
      if (choice < 5 || known.length === 0) {
        sequence += 1 + (pick(4) === 0 ? pick(50) : 0)
        pending.add(sequence, step, step)
        model.set(sequence, [sequence, step, step])
      } else if (choice < 9) {
        // mostly in order, as clients acknowledge
        const gone = known[pick(3) === 0 ? pick(known.length) : 0] as number
        pending.remove(pending.find(gone))
        model.delete(gone)
      } else {
        const touched = known[pick(known.length)] as number
        pending.setTime(pending.find(touched), -step)
        ;(model.get(touched) as [number, number, number])[2] = -step
      }
      const probe = pick(sequence + 10)
      expect(pending.has(probe), `seed ${seed}, step ${step}`).toBe(model.has(probe))
      expect(pending.count).toBe(model.size)
      if (step % 100 === 0) expect(entriesOf(pending)).toEqual([...model.values()])
    }
    pending.clear()
    expect(entriesOf(pending)).toEqual([])
  })

  test('take lower sequences again once the higher ones are gone', () => {
    const pending = new PendingAcks()
    for (const sequence of [1, 5, 8]) pending.add(sequence, sequence, 0)

    pending.remove(pending.find(5))
    pending.remove(pending.find(8))
    pending.add(6, 6, 0)

    expect(entriesOf(pending)).toEqual([[1, 1, 0], [6, 6, 0]])
  })

  test('take no more room when the oldest stays and the rest comes and goes', () => {
    const pending = new PendingAcks()
    pending.add(1, 1, 0)

    for (let sequence = 2; sequence < 100_000; sequence++) {
      pending.add(sequence, sequence, 0)
      pending.remove(pending.find(sequence))
    }

    expect(entriesOf(pending)).toEqual([[1, 1, 0]])
  })
})

describe('the redelivery queue', () => {
  test.each(SEEDS)('is first in, first out without repetition (seed %i)', (seed) => {
    const random = seededRandom(seed)
    const queue = new RedeliveryQueue()
    let model: number[] = []
    for (let step = 0; step < 3000; step++) {
      const sequence = 1 + Math.floor(random() * 40)
      const choice = Math.floor(random() * 10)
      if (choice < 5) {
        queue.add(sequence)
        if (!model.includes(sequence)) model.push(sequence)
      } else if (choice < 7) {
        expect(queue.remove(sequence)).toBe(model.includes(sequence))
        model = model.filter((other) => other !== sequence)
      } else if (choice < 9) {
        const first = queue.first
        expect(first, `seed ${seed}, step ${step}`).toBe(model[0] ?? 0)
        queue.remove(first)
        model.shift()
      } else if (random() < 0.1) {
        queue.removeBelow(sequence)
        model = model.filter((other) => other >= sequence)
      }
      expect(queue.size).toBe(model.length)
      expect(queue.has(sequence)).toBe(model.includes(sequence))
    }
  })
})

describe('decimal digits', () => {
  test('are those of the number', () => {
    const bytes = Buffer.alloc(64)
    const random = seededRandom(9)
    const numbers = [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999_999, 100_000_000, 999_999_999, 1e9, 2 ** 32]
    numbers.push(Number.MAX_SAFE_INTEGER)
    for (let i = 0; i < 500; i++) numbers.push(Math.floor(random() * 10 ** (1 + Math.floor(random() * 15))))

    for (const number of numbers) {
      const end = writeNumber(bytes, 3, number)
      expect(bytes.latin1Slice(3, end)).toBe(String(number))
    }
  })

  test.each<[number, number, string]>([
    [1_704_067_200, 5, '1704067200000000005'],
    [1_704_067_200, 999_999_999, '1704067200999999999'],
    [0, 123, '123'],
    [0, 0, '0'],
    [-2, 500_000_000, '-1500000000'],
  ])('of the time %i s %i ns are its nanoseconds', (seconds, nanoseconds, text) => {
    const bytes = Buffer.alloc(64)

    expect(bytes.latin1Slice(0, writeNanos(bytes, 0, seconds, nanoseconds))).toBe(text)
  })
})

describe('ack subjects', () => {
  const parse = (subject: string) => {
    const target = new AckSubject()
    const bytes = Buffer.from(`..${subject}`, 'latin1')
    if (!parseAckSubject(bytes, 2, subject.length, target)) return undefined
    return [target.deliveries, target.streamSequence, target.deliverySequence]
  }

  test('are written and read in the short form', () => {
    const writer = new AckSubjectWriter(ackPrefix('ORDERS', 'c'))

    writer.write(3, 1_000_000, 12_345, 1_704_067_200, 5, 42)

    const subject = writer.bytes.latin1Slice(0, writer.size)
    expect(subject).toBe('$JS.ACK.ORDERS.c.3.1000000.12345.1704067200000000005.42')
    expect(parse(subject)).toEqual([3, 1_000_000, 12_345])
  })

  test('are read in the long form, with more tokens at the end', () => {
    expect(parse('$JS.ACK._.szMpdrwD.S.c.1.17.21.1700000000000000000.0')).toEqual([1, 17, 21])
    expect(parse('$JS.ACK.hub.szMpdrwD.S.c.2.18.22.1700000000000000000.0.x.y')).toEqual([2, 18, 22])
  })

  const others = ['$JS.ACK.S.c.x', '$JS.ACK.S.c.1.2.3.4', '$JS.ACK.S.c.1.2.3.4.5.6', '$JS.NAK.S.c.1.2.3.4.5']
  test.each(others)('%s is none', (subject) => {
    expect(parse(subject)).toBeUndefined()
  })

  test('with what is no number are beyond everything', () => {
    const beyond = Number.MAX_SAFE_INTEGER

    expect(parse('$JS.ACK.S.c.1.x.-1.4.5')).toEqual([1, beyond, beyond])
    expect(parse('$JS.ACK.S.c..99999999999999999999.3.4.5')).toEqual([beyond, beyond, 3])
  })

  test('are told by the prefix of their consumer', () => {
    const target = new AckSubject()
    const read = (subject: string) => {
      const bytes = Buffer.from(subject, 'latin1')
      return parseShortAckSubject(ackPrefix('S', 'c'), bytes, 0, bytes.length, target)
    }

    expect(read('$JS.ACK.S.c.1.17.21.1700000000000000000.0')).toBe(true)
    expect([target.deliveries, target.streamSequence, target.deliverySequence]).toEqual([1, 17, 21])
    expect(read('$JS.ACK.S.cc.1.17.21.1700000000000000000.0')).toBe(false)
    expect(read('$JS.ACK.S.c.')).toBe(false)
  })
})

describe('a pull request body', () => {
  const parse = (text: string) => parsePullRequest(Buffer.from(text))

  test('keeps 64-bit numbers exactly, and member names without case', () => {
    expect(parse('{"Batch":5,"EXPIRES":9223372036854775807,"zzz":1}')).toMatchObject({
      batch: 5,
      expires: 9_223_372_036_854_775_807n,
    })
  })

  test.each([
    ['', 1],
    ['  7\n', 7],
    ['+3', 3],
    ['-5', -5],
    ['1e3', 1],
    ['99999999999999999999', 1],
  ])('%j asks for %i', (text, batch) => {
    expect(parse(text).batch).toBe(batch)
  })

  test('cut anywhere is refused or served, and nothing else', () => {
    const text = '{"batch":10,"expires":5000000000,"no_wait":true,"idle_heartbeat":1000000000,"group":"A","priority":3}'

    for (let size = 1; size < text.length; size++) {
      expect(() => parse(text.slice(0, size))).toThrow(expect.objectContaining({ name: 'PullRequestError' }))
    }
  })
})

test('the flow window doubles with each answer, up to its limit', () => {
  const MiB = 1024 * 1024
  const window = new FlowWindow()
  const sizes: number[] = []
  for (let round = 0; round < 6; round++) {
    let sent = 0
    while (!window.isFull) {
      if (window.sent(MiB / 4, false)) window.asked(`r${round}`)
      sent += MiB / 4
    }
    sizes.push(Math.round(sent / MiB))
    window.sent(0, false)
    expect(window.answered('other')).toBe(false)
    expect(window.answered(`r${round}`)).toBe(true)
  }

  expect(sizes).toEqual([2, 3, 6, 12, 24, 16])
})

test('a rate limiter lets a burst go and then keeps the rate', () => {
  const limiter = new RateLimiter(80_000, 1000, 0) // 10 bytes a millisecond

  expect(limiter.reserve(1000, 0)).toBe(0)
  expect(limiter.reserve(500, 0)).toBe(50)
  expect(limiter.reserve(500, 50)).toBe(50)
  expect(limiter.reserve(500, 10_000)).toBe(0)
})
