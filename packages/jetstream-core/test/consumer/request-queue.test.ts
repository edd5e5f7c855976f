import { describe, expect, test } from 'vitest'
import { seededRandom } from '@rivulet/store-types'
import { SubscriptionList } from '@rivulet/accounts'
import { PullRequest, RequestQueue } from '../../src/consumer/request-queue.js'

const route = new SubscriptionList().routeOfText('r')

function request(reply: string, priority?: number): PullRequest {
  const wanted = priority === undefined ? undefined : { group: 'A', minPending: 0, minAckPending: 0, pinId: '', priority }
  const owner = { requestReleased: () => {} }
  const replyBytes = Buffer.from(reply)
  const limits = { batch: 1, maxBytes: 0, noWait: false, expiresMs: Infinity, heartbeatMs: 0, nowMs: 0 }
  return new PullRequest({ owner, reply, replyBytes, route, ...limits, priority: wanted })
}

function repliesOf(queue: RequestQueue): string[] {
  const replies: string[] = []
  for (let at = queue.head; at; at = at.next) replies.push(at.reply)
  return replies
}

describe('the queue of waiting requests', () => {
  test('stands in the order of priorities, equal ones as they came', () => {
    const queue = new RequestQueue(10, true)

    for (const [reply, priority] of [['a', 2], ['b', 1], ['c', 2], ['d', 0], ['e', 1]] as const) queue.add(request(reply, priority))

    expect(repliesOf(queue)).toEqual(['d', 'b', 'e', 'a', 'c'])
  })

  test('puts a request that had its turn behind those of its priority, and lets one go that is done', () => {
    const queue = new RequestQueue(10, true)
    const [first, second, late] = [request('first', 1), request('second', 1), request('late', 2)]
    for (const one of [late, first, second]) queue.add(one)

    queue.requeue(first)
    expect(repliesOf(queue)).toEqual(['second', 'first', 'late'])
    queue.remove(second)
    queue.requeue(first)

    expect(repliesOf(queue)).toEqual(['first', 'late'])
    expect(queue.count).toBe(2)
  })

  test('loses no request however often it fills and empties', () => {
    const random = seededRandom(11)
    const queue = new RequestQueue(8, false)
    let model: PullRequest[] = []
    for (let step = 0; step < 5000; step++) {
      const choice = Math.floor(random() * 4)
      if (choice === 0 && !queue.isFull) {
        const added = request(String(step))
        queue.add(added)
        model.push(added)
      } else if (choice === 1 && queue.head) {
        queue.remove(queue.head)
        model.shift()
      } else if (choice === 2 && queue.head) {
        queue.requeue(queue.head)
        model = [...model.slice(1), model[0] as PullRequest]
      } else if (choice === 3 && model.length > 0) {
        const gone = model[Math.floor(random() * model.length)] as PullRequest
        queue.remove(gone)
        model = model.filter((other) => other !== gone)
      }
      expect(queue.count).toBe(model.length)
      expect(queue.head).toBe(model[0])
    }
    expect(repliesOf(queue)).toEqual(model.map(({ reply }) => reply))
  })
})
