import { describe, expect, it } from 'vitest'
import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import { openStore } from './support/open-store.js'

describe('a file store', () => {
  it('gives back what was appended, before and after it is written', async () => {
    const s = await openStore()
    s.append('a', 'one')
    s.append('b.c', 'two', 'NATS/1.0\r\nX: y\r\n\r\n')

    expect(s.contents()).toEqual(['1:a=one', '2:b.c=two'])
    await s.flush()
    s.append('a', 'three')
    expect(s.contents()).toEqual(['1:a=one', '2:b.c=two', '3:a=three'])
    const message = new StoredMessage()
    expect(s.store.load(2, message)).toBe(true)
    expect(message.headers().toString()).toBe('NATS/1.0\r\nX: y\r\n\r\n')
    await s.close()
  })

  it('commits a turn of appends with one sync, and tells the listener once', async () => {
    const s = await openStore()
    s.append('a')
    s.append('a')
    expect(s.store.committedSequence).toBe(0)

    await s.flush()

    expect(s.store.committedSequence).toBe(2)
    expect(s.store.uncommittedBytes).toBe(0)
    expect(s.events.committed).toEqual([2])
    await s.close()
  })

  it('keeps its messages over an orderly close and over a kill', async () => {
    const s = await openStore({ blockBytes: 200 })
    for (let i = 1; i <= 20; i++) s.append(`s.${i % 3}`, `payload ${i}`)
    const before = s.contents()
    const second = await s.reopen()

    expect(second.contents()).toEqual(before)
    expect(second.append('s.0', 'next')).toBe(21)
    await second.flush()
    const third = await second.kill()
    expect(third.contents()).toEqual([...before, '21:s.0=next'])
    expect(third.store.subjectTotals(SubjectFilter.all)).toEqual(new Map([['s.1', 7], ['s.2', 7], ['s.0', 7]]))
    await third.close()
  })
})
