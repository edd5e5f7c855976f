import { VIRTUAL_START_NANOS, VirtualClock } from '@rivulet/store-types'
import { expect, test } from 'vitest'
import { DuplicateWindow } from '../../src/stream/duplicate-window.js'

const START_MS = Number(VIRTUAL_START_NANOS) / 1e6

function windowOf(windowMs: number): { clock: VirtualClock; ids: DuplicateWindow; now: () => number } {
  const clock = new VirtualClock()
  const now = () => START_MS + clock.monotonicMs()
  return { clock, ids: new DuplicateWindow(clock, windowMs), now }
}

test('an id is known until its window is over', () => {
  const { clock, ids, now } = windowOf(1000)
  ids.add('a', 7, now())

  clock.advance(999)
  expect(ids.find('a', now())).toBe(7)
  clock.advance(1)
  expect(ids.find('a', now())).toBe(0)
})

test('an idle stream gives the memory of its ids back', () => {
  const { clock, ids, now } = windowOf(1000)
  for (let i = 0; i < 1000; i++) ids.add(`id-${i}`, i + 1, now())

  clock.advance(1100)

  expect(ids.count).toBe(0)
  expect(clock.timerCount).toBe(0)
})

test('many ids keep their sequences while the ring grows and wraps', () => {
  const { clock, ids, now } = windowOf(100)
  for (let i = 1; i <= 500; i++) {
    ids.add(`id-${i}`, i, now())
    clock.advance(1)
  }

  expect(ids.find('id-500', now())).toBe(500)
  expect(ids.find('id-402', now())).toBe(402)
  expect(ids.find('id-300', now())).toBe(0)
})

test('a window of zero remembers nothing', () => {
  const { ids, now } = windowOf(0)

  ids.add('a', 1, now())

  expect(ids.find('a', now())).toBe(0)
})

test('a shorter window forgets at once', () => {
  const { clock, ids, now } = windowOf(10_000)
  ids.add('old', 1, now())
  clock.advance(500)
  ids.add('new', 2, now())

  ids.setWindow(200, now())

  expect(ids.find('old', now())).toBe(0)
  expect(ids.find('new', now())).toBe(2)
})

test('a closed window leaves no timer', () => {
  const { clock, ids, now } = windowOf(1000)
  ids.add('a', 1, now())

  ids.close()

  expect(clock.timerCount).toBe(0)
})
