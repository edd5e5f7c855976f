import { expect, test } from 'vitest'
import { ManualTurns } from '../../src/clock/manual-turns.js'
import { Pace } from '../../src/clock/pace.js'
import { VirtualClock } from '../../src/clock/virtual-clock.js'

test('work waits for the next turn when this one had its share', async () => {
  const turns = new ManualTurns()
  const pace = new Pace(turns, 3)
  expect([pace.spend(2), pace.spend(1), pace.spend(1)]).toEqual([false, true, true])
  let isResumed = false
  const wait = pace.nextTurn().then(() => (isResumed = true))
  await Promise.resolve()
  expect([isResumed, turns.isIdle]).toEqual([false, false])

  turns.step()
  await wait

  expect([isResumed, turns.isIdle, pace.spend(2), pace.spend(1)]).toEqual([true, true, false, true])
})

test('with a clock, a turn that takes long has had its share as well', async () => {
  const turns = new ManualTurns()
  const clock = new VirtualClock()
  const pace = new Pace(turns, Infinity, clock)
  const spends = () => Array.from({ length: 200 }, () => pace.spend(1)).includes(true)
  expect(spends()).toBe(false)
  clock.advance(5)
  expect(spends()).toBe(true)
  const wait = pace.nextTurn()
  turns.step()
  await wait

  expect(spends()).toBe(false)
})
