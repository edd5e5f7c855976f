/** Purges of everything: the directory that was goes while the store goes on. */
import { describe, expect, it } from 'vitest'
import { DIRECTORY, openStore, type TestStore } from '../support/open-store.js'
import { settle } from '../support/settle.js'

/** Removals of directories wait for `letGo`. */
function holdRemovals(s: TestStore): { letGo: () => void } {
  let letGo = (): void => {}
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const removeTreeAside = s.disk.removeTreeAside.bind(s.disk)
  s.disk.removeTreeAside = (path) => gate.then(() => removeTreeAside(path))
  return { letGo }
}

const hasOld = (s: TestStore) => s.disk.list(DIRECTORY).includes('__msgs__')

describe('the directory of purged blocks', () => {
  it('may still be there when everything is purged again', async () => {
    const s = await openStore()
    const { letGo } = holdRemovals(s)
    for (let i = 0; i < 3; i++) {
      s.append('s', `old ${i}`)
      expect(s.store.purge()).toBe(1)
    }
    s.append('s', 'new')
    await s.flush()
    expect(hasOld(s)).toBe(true)
    letGo()
    await settle(s.turns)
    expect([hasOld(s), s.contents()]).toEqual([false, ['4:s=new']])
    const again = await s.reopen()

    expect(again.contents()).toEqual(['4:s=new'])
    await again.close()
  })

  it('is gone when the store is closed, and after a kill when it is opened', async () => {
    const s = await openStore()
    const { letGo } = holdRemovals(s)
    s.append('s', 'old')
    s.store.purge()
    await s.flush()
    const killed = s.disk.fork()
    killed.kill()
    const closed = s.close()
    await settle(s.turns)
    expect(hasOld(s)).toBe(true)
    letGo()
    await closed
    expect(hasOld(s)).toBe(false)
    const again = await openStore({ disk: killed })

    expect([hasOld(again), again.contents()]).toEqual([false, []])
    await again.close()
  })

  it('that can not be removed is named, and the store goes on', async () => {
    const s = await openStore()
    s.append('s', 'old')
    s.disk.addFault({ operation: 'remove', path: '__msgs__', code: 'EACCES', after: 1 })
    s.store.purge()
    s.append('s', 'new')
    await s.flush()
    await settle(s.turns)

    expect([s.contents(), s.events.warnings.length]).toEqual([['2:s=new'], 1])
    expect(s.events.warnings[0]).toContain('__msgs__ was not removed')
    await s.close()
  })
})
