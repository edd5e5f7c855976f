import { seededRandom, VirtualClock } from '@rivulet/store-types'
import { expect, test } from 'vitest'
import { DuplicateWindow } from '../../src/stream/duplicate-window.js'

/** A window with ids as text. */
class Ids {
  readonly clock = new VirtualClock()
  readonly window: DuplicateWindow

  constructor(windowMs: number) {
    this.window = new DuplicateWindow(this.clock, windowMs)
  }

  add(id: string, sequence: number): void {
    const bytes = Buffer.from(`##${id}#`)
    this.window.add(bytes, 2, bytes.length - 1, sequence)
  }

  find(id: string): number {
    const bytes = Buffer.from(`#${id}##`)
    return this.window.find(bytes, 1, bytes.length - 2)
  }
}

test('an id is known until its window is over', () => {
  const ids = new Ids(1000)
  ids.add('a', 7)

  ids.clock.advance(999)
  expect(ids.find('a')).toBe(7)
  expect(ids.find('b')).toBe(0)
  ids.clock.advance(1)
  expect(ids.find('a')).toBe(0)
})

test('an idle stream gives the memory of its ids back', () => {
  const ids = new Ids(1000)
  for (let i = 0; i < 1000; i++) ids.add(`id-${i}`, i + 1)

  ids.clock.advance(1100)

  expect(ids.window.count).toBe(0)
  expect(ids.clock.timerCount).toBe(0)
})

test('an id that is used again after its time is answered by the newer message', () => {
  const ids = new Ids(20)
  ids.add('a', 1)
  ids.add('other', 2)
  ids.clock.advance(30) // over, and not swept: the timer comes at 50 ms

  ids.add('a', 3)

  expect(ids.find('a')).toBe(3)
  ids.clock.advance(19)
  expect(ids.find('a')).toBe(3)
  ids.clock.advance(1)
  expect(ids.find('a')).toBe(0)
})

test('a window of zero remembers nothing', () => {
  const ids = new Ids(0)

  ids.add('a', 1)

  expect(ids.find('a')).toBe(0)
})

test('a shorter window forgets at once', () => {
  const ids = new Ids(10_000)
  ids.add('old', 1)
  ids.clock.advance(500)
  ids.add('new', 2)

  ids.window.setWindow(200)

  expect(ids.window.count).toBe(1)
  expect(ids.find('old')).toBe(0)
  expect(ids.find('new')).toBe(2)
})

test('a closed window leaves no timer', () => {
  const ids = new Ids(1000)
  ids.add('a', 1)

  ids.window.close()

  expect(ids.clock.timerCount).toBe(0)
})

test.each([1, 2, 3, 4])('ids of any size come and go as in a plain map (seed %d)', (seed) => {
  const random = seededRandom(seed)
  const windowMs = 200
  const ids = new Ids(windowMs)
  const model = new Map<string, { sequence: number; atMs: number }>()
  const idOf = () => `${'i'.repeat(Math.floor(random() * 30))}${Math.floor(random() * 400)}`

  for (let sequence = 1; sequence <= 4000; sequence++) {
    const id = idOf()
    const known = model.get(id)
    const isLive = known !== undefined && ids.clock.monotonicMs() - known.atMs < windowMs
    expect(ids.find(id)).toBe(isLive ? known.sequence : 0)
    if (!isLive) {
      ids.add(id, sequence)
      model.set(id, { sequence, atMs: ids.clock.monotonicMs() })
    }
    if (random() < 0.3) ids.clock.advance(Math.floor(random() * 20))
  }
})
