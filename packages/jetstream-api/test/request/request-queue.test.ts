import { describe, expect, it } from 'vitest'
import { ManualTurns, messageOf } from '@rivulet/store-types'
import { internalPublisher } from '@rivulet/accounts'
import { ApiRequest } from '../../src/request/api-request.js'
import { RequestQueue, type RequestQueueOptions } from '../../src/request/request-queue.js'

const request = (name: string): ApiRequest => new ApiRequest(messageOf({ subject: name }), internalPublisher)

function setUp(options: Partial<RequestQueueOptions> = {}) {
  const turns = new ManualTurns()
  const handled: string[] = []
  const dropped: number[] = []
  const queue = new RequestQueue({
    turns,
    limit: 10,
    infoLimit: 10,
    handle: (entry) => {
      handled.push(entry.subject)
      return undefined
    },
    dropped: (count) => dropped.push(count),
    ...options,
  })
  return { turns, handled, dropped, queue }
}

describe('the queue of requests', () => {
  it('works requests off in a turn, in order, looking ones last', () => {
    const { turns, handled, queue } = setUp()

    queue.push(request('info'), true)
    queue.push(request('first'), false)
    queue.push(request('second'), false)
    expect(handled).toEqual([])
    turns.step()

    expect(handled).toEqual(['first', 'second', 'info'])
  })

  it('waits for a request before it starts the next', async () => {
    let finish: () => void = () => {}
    const handled: string[] = []
    const { turns, queue } = setUp({
      handle: (entry) => {
        handled.push(entry.subject)
        return entry.subject === 'slow' ? new Promise((resolve) => (finish = resolve)) : undefined
      },
    })

    queue.push(request('slow'), false)
    queue.push(request('next'), false)
    turns.step()
    turns.step()
    expect(handled).toEqual(['slow'])
    finish()
    await Promise.resolve()
    await Promise.resolve()
    turns.step()

    expect(handled).toEqual(['slow', 'next'])
  })

  it('drops all that wait when the bound is reached', () => {
    const { turns, handled, dropped, queue } = setUp({ limit: 3 })

    for (const name of ['a', 'b', 'c', 'd']) queue.push(request(name), false)
    turns.step()

    expect(dropped).toEqual([3])
    expect(handled).toEqual(['d'])
  })

  it('leaves the rest of a long line to later runs', () => {
    const { handled, queue } = setUp({ limit: 1000 })

    for (let i = 0; i < 100; i++) queue.push(request(`r${i}`), false)
    queue.runTurn()
    expect(handled).toHaveLength(64)
    queue.runTurn()

    expect(handled).toHaveLength(100)
  })

  it('a request is a copy: the bytes it came in may be overwritten', () => {
    const message = messageOf({ subject: 'a.b', reply: 'r', headers: 'NATS/1.0\r\nA: 1\r\n\r\n', payload: '{}' })

    const copy = new ApiRequest(message, internalPublisher)
    message.bodyBytes.fill(0)
    message.subjectBytes.fill(0)

    expect(copy).toMatchObject({ subject: 'a.b', reply: 'r' })
    expect(copy.headers.toString()).toBe('NATS/1.0\r\nA: 1\r\n\r\n')
    expect(copy.body.toString()).toBe('{}')
  })
})
