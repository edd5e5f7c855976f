import { describe, expect, it } from 'vitest'
import { VirtualClock } from '@rivulet/store-types'
import { HandlePool } from '../../src/block/handle-pool.js'

function owner(isBusy = false) {
  const self = { closed: 0, isBusy, closeIdleHandle: () => (self.isBusy ? false : ((self.closed += 1), true)) }
  return self
}

describe('the pool of open handles', () => {
  it('closes the one that was used longest ago when there are too many', () => {
    const pool = new HandlePool(new VirtualClock(), 2)
    const [a, b, c] = [owner(), owner(), owner()]
    pool.used(a)
    pool.used(b)
    pool.used(a)
    pool.used(c)

    expect([a.closed, b.closed, c.closed, pool.size]).toEqual([0, 1, 0, 2])
  })

  it('passes over one that is busy', () => {
    const pool = new HandlePool(new VirtualClock(), 1)
    const [a, b, c] = [owner(true), owner(), owner()]
    pool.used(a)
    pool.used(b)
    expect([a.closed, b.closed, pool.size]).toEqual([0, 1, 1])
    pool.used(c)

    expect([a.closed, c.closed]).toEqual([0, 1])
  })

  it('closes what was idle for a while, and stops its timer when nothing is open', () => {
    const clock = new VirtualClock()
    const pool = new HandlePool(clock, 10)
    const [a, b] = [owner(), owner()]
    pool.used(a)
    clock.advance(31_000)
    pool.used(b)
    clock.advance(30_000)
    expect([a.closed, b.closed]).toEqual([1, 0])
    clock.advance(60_000)

    expect([a.closed, b.closed, pool.size]).toEqual([1, 1, 0])
  })
})
