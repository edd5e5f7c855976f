/** When index.db is written. */
import { expect, it } from 'vitest'
import { DIRECTORY, openStore } from '../support/open-store.js'
import { runUntil } from '../support/settle.js'

const INDEX = `${DIRECTORY}/msgs/index.db`
const PERIOD_MS = 120_000

it.each([
  [20_000, true],
  [20_001, false],
])('a stream of %d subjects has its index written while it is open: %s; and when it is closed', async (count, isWritten) => {
  const s = await openStore()
  for (let i = 0; i < count; i++) s.append(`records.${i}`)
  await s.flush()
  s.clock.advance(PERIOD_MS, () => s.turns.run())
  await runUntil(s.turns, new Promise((resolve) => setImmediate(resolve)))
  await s.flush()
  expect(s.disk.stat(INDEX) !== undefined).toBe(isWritten)

  await s.close()
  expect(s.disk.stat(INDEX)).toBeDefined()
})
