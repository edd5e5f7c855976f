/** Messages that need the room of a removal reach the disk after it. */
import { describe, expect, it } from 'vitest'
import { openStore, type TestStore } from '../support/open-store.js'

/** What happens to the block's file, in order, until everything is committed. */
async function stepsOf(s: TestStore, change: () => void): Promise<string[]> {
  const steps: string[] = []
  s.disk.onChange = (operation, path) => {
    if (path.endsWith('.blk') && (operation === 'write' || operation === 'sync')) steps.push(operation)
  }
  change()
  await s.flush()
  s.disk.onChange = undefined
  return steps
}

async function full(config: object): Promise<TestStore> {
  const s = await openStore({ config })
  for (let i = 1; i <= 3; i++) s.append(`s.${i}`, `${i}`)
  await s.flush()
  return s
}

describe('a message that a removal made room for', () => {
  it.each([{ maxMessages: 3 }, { maxBytes: 105 }, { maxMessagesPerSubject: 1 }])(
    'is written after the removal is synced (%o)',
    async (config) => {
      const s = await full(config)

      const steps = await stepsOf(s, () => {
        s.store.remove(2)
        s.append('s.2', '4')
      })

      expect(steps).toEqual(['write', 'sync', 'write', 'sync'])
      expect(s.contents()).toEqual(['1:s.1=1', '3:s.3=3', '4:s.2=4'])
      await s.close()
    },
  )

  it('is written with it where the limit is not near, or there is none', async () => {
    for (const config of [{}, { maxMessages: 10 }, { maxBytes: 1000 }, { maxMessagesPerSubject: 3 }]) {
      const s = await full(config)

      const steps = await stepsOf(s, () => {
        s.store.remove(2)
        s.append('s.4', '4')
      })

      expect(steps).toEqual(['write', 'sync'])
      await s.close()
    }
  })

  it('waits once for all removals before it', async () => {
    const s = await full({ maxMessages: 3 })

    const steps = await stepsOf(s, () => {
      for (const sequence of [1, 2, 3]) s.store.remove(sequence)
      for (let i = 4; i <= 6; i++) s.append('s.4', `${i}`)
    })

    expect(steps).toEqual(['write', 'sync', 'write', 'sync'])
    await s.close()
  })
})
