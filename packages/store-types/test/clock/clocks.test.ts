import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import {
  SystemClock,
  Timestamp,
  VIRTUAL_START_NANOS,
  VirtualClock,
  nanosOf,
  seededRandom,
  setFromHalves,
  setFromNanos,
  systemRandom,
  timeHigh,
  timeLow,
} from '@rivulet/store-types'

describe('VirtualClock', () => {
  it('moves only when it is told to', () => {
    const clock = new VirtualClock()
    clock.advance(1.5)

    expect(clock.wallNanos()).toBe(VIRTUAL_START_NANOS + 1_500_000n)
    expect(clock.wallTime(new Timestamp())).toMatchObject({ seconds: 1_704_067_200, nanoseconds: 1_500_000 })
    expect(clock.monotonicMs()).toBe(1.5)
  })

  it('fires timers in the order they are due, at the time they asked for', () => {
    const clock = new VirtualClock()
    const log: [string, number][] = []
    const note = (name: string) => () => void log.push([name, clock.monotonicMs()])
    clock.setTimer(20, note('b'))
    clock.setTimer(10, () => {
      note('a')()
      clock.setTimer(5, note('nested'))
    })
    clock.setTimer(20, note('c'))
    clock.setTimer(15, note('cancelled')).cancel()
    clock.setTimer(31, note('later'))

    clock.advance(30)

    expect(log).toEqual([
      ['a', 10],
      ['nested', 15],
      ['b', 20],
      ['c', 20],
    ])
    expect([clock.timerCount, clock.nextTimerMs]).toEqual([1, 1])
  })

  it('lets the wall clock be set without moving timers', () => {
    const clock = new VirtualClock()
    let fired = 0
    clock.setTimer(10, () => fired++)
    clock.setWall(0n)
    clock.advance(9)

    expect([clock.wallNanos(), fired]).toEqual([9_000_000n, 0])
  })
})

describe('SystemClock', () => {
  it('goes with the system and never back', () => {
    const clock = new SystemClock()
    const time = new Timestamp()
    const before = Date.now()
    let last = 0n
    for (let i = 0; i < 1000; i++) {
      const nanos = clock.wallTime(time).toNanos()
      expect(nanos).toBeGreaterThanOrEqual(last)
      last = nanos
    }

    expect(time.nanoseconds).toBeLessThan(1_000_000_000)
    expect(Number(last / 1_000_000n)).toBeGreaterThanOrEqual(before - 3)
    expect(Number(clock.wallNanos() / 1_000_000n)).toBeLessThanOrEqual(Date.now() + 3)
  })

  it('fires timers, and not those that were cancelled', async () => {
    const clock = new SystemClock()
    const log: string[] = []
    const start = clock.monotonicMs()
    const cancelled = clock.setTimer(0, () => log.push('cancelled'))
    cancelled.cancel()
    clock.setTimer(2 ** 33, () => log.push('far')).cancel()
    // The timer itself does not keep the process alive, the test waits on the event loop.
    const alive = setInterval(() => {}, 1000)
    await new Promise<void>((resolve) => clock.setTimer(3, resolve))
    clearInterval(alive)

    expect(log).toEqual([])
    expect(clock.monotonicMs() - start).toBeGreaterThanOrEqual(3)
  })
})

describe('timestamps', () => {
  it('survive every conversion', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (nanos) => {
        const time = setFromNanos(new Timestamp(), nanos)
        const low = timeLow(time.seconds, time.nanoseconds)
        const high = timeHigh(time.seconds, time.nanoseconds, low)

        expect(nanosOf(time.seconds, time.nanoseconds)).toBe(nanos)
        expect((BigInt(high) << 32n) | BigInt(low)).toBe(nanos)
        expect(setFromHalves(new Timestamp(), high, low)).toEqual(time)
      }),
      { seed: 4, numRuns: 2000, examples: [[0n], [-1n], [2n ** 63n - 1n], [-(2n ** 63n)]] },
    )
  })
})

describe('random numbers', () => {
  it('repeat for the same seed and lie in [0, 1)', () => {
    const a = seededRandom(5)
    const b = seededRandom(5)
    const numbers = Array.from({ length: 1000 }, a)

    expect(Array.from({ length: 1000 }, b)).toEqual(numbers)
    expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true)
    expect(new Set(numbers).size).toBe(1000)
    expect(seededRandom(6)()).not.toBe(numbers[0])
    expect(systemRandom()()).not.toBe(systemRandom()())
  })
})
