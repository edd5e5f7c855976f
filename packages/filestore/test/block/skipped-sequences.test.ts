/** Block files of a stream that gives out sequences without messages. */
import { expect, it } from 'vitest'
import { DIRECTORY, openStore, type TestStore } from '../support/open-store.js'

const sizes = (s: TestStore): number[] =>
  [...s.disk.files()].filter(([path]) => path.startsWith(`${DIRECTORY}/msgs/`) && path.endsWith('.blk')).map(([, bytes]) => bytes.length)

it('a skip of many sequences starts a block of its own, and both are on disk when it is committed', async () => {
  const s = await openStore()
  s.append('foo')
  s.store.skip(2, 100_000)
  await s.flush()
  expect(sizes(s)).toEqual([33, 30])

  const again = await s.kill()
  expect(again.store.state(false)).toMatchObject({ messageCount: 1, firstSequence: 1, lastSequence: 100_001, deletedCount: 100_000 })
  expect(again.append('foo')).toBe(100_002)
  await again.close()
})
