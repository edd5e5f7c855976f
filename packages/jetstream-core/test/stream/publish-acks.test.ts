import { Account, Subscription, type MessageSink } from '@rivulet/accounts'
import { messageOf, type MessageView } from '@rivulet/store-types'
import { expect, test } from 'vitest'
import { PublishAcks } from '../../src/stream/publish-acks.js'

type Heard = Readonly<{ subject: string; payload: string }>

function listen(account: Account, subject: string, onMessage?: (message: MessageView) => void): Heard[] {
  const heard: Heard[] = []
  const sink: MessageSink = {
    deliver(message) {
      heard.push({ subject: message.subject(), payload: message.payload().utf8Slice() })
      onMessage?.(message)
    },
  }
  account.subscriptions.insert(new Subscription({ subject, sink }))
  return heard
}

function setUp(domain?: string): { account: Account; acks: PublishAcks; heard: Heard[] } {
  const account = new Account('A', () => 0)
  return { account, acks: new PublishAcks(account, 'S', domain), heard: listen(account, 'r.>') }
}

const from = (reply: string): MessageView => messageOf({ subject: 's', reply })

test('an answer leaves when its sequence is committed, and not before', () => {
  const { acks, heard } = setUp()
  acks.add(from('r.1'), 1)
  acks.add(from('r.2'), 2)

  acks.release(0)
  expect(heard).toEqual([])
  acks.release(1)
  expect(heard).toEqual([{ subject: 'r.1', payload: '{"stream":"S","seq":1}' }])
  acks.release(2)
  expect(heard[1]).toEqual({ subject: 'r.2', payload: '{"stream":"S","seq":2}' })
})

test.each([0, 9, 10, 99, 2_147_483_647, 2_147_483_648, 12_345_678_901, Number.MAX_SAFE_INTEGER])(
  'the sequence %d is written in full',
  (sequence) => {
    const { acks, heard } = setUp()

    acks.add(from('r.1'), sequence)
    acks.release(sequence)

    expect(heard[0]?.payload).toBe(`{"stream":"S","seq":${sequence}}`)
  },
)

test('a domain stands before the sequence', () => {
  const { acks, heard } = setUp('hub')

  acks.add(from('r.1'), 5)
  acks.release(5)

  expect(JSON.parse(heard[0]?.payload ?? '')).toEqual({ stream: 'S', domain: 'hub', seq: 5 })
})

test('a duplicate waits for the commit of the message it repeats', () => {
  const { acks, heard } = setUp()
  acks.add(from('r.1'), 1)
  acks.addDuplicate(from('r.2'), 1)

  acks.release(1)

  expect(heard.map((answer) => JSON.parse(answer.payload) as unknown)).toEqual([
    { stream: 'S', seq: 1 },
    { stream: 'S', seq: 1, duplicate: true },
  ])
})

test('an error leaves at once when nobody waits, else behind those before it', () => {
  const { acks, heard } = setUp()
  acks.addBody(from('r.1'), Buffer.from('error 1'))
  expect(heard.map((answer) => answer.payload)).toEqual(['error 1'])

  acks.add(from('r.2'), 1)
  acks.addBody(from('r.3'), Buffer.from('error 3'))
  expect(heard.length).toBe(1)
  acks.release(1)

  expect(heard.map((answer) => answer.subject)).toEqual(['r.1', 'r.2', 'r.3'])
})

test('an answer with further members carries them', () => {
  const { acks, heard } = setUp()

  acks.addWithTail(from('r.1'), 3, Buffer.from(`,"batch":"${'b'.repeat(500)}","count":2}`))
  acks.release(3)

  expect(JSON.parse(heard[0]?.payload ?? '')).toEqual({ stream: 'S', seq: 3, batch: 'b'.repeat(500), count: 2 })
})

test('queue and arena grow with what waits and keep its order', () => {
  const { acks, heard } = setUp()
  const count = 3000

  for (let i = 1; i <= count; i++) {
    acks.add(from(`r.${'x'.repeat(1 + (i % 90))}.${i}`), i)
    if (i % 7 === 0) acks.release(i - 5)
  }
  acks.release(count)

  expect(heard.length).toBe(count)
  heard.forEach((answer, index) => {
    expect(answer.subject.endsWith(`.${index + 1}`)).toBe(true)
    expect(answer.payload).toBe(`{"stream":"S","seq":${index + 1}}`)
  })
})

test('a stream that captures its own answers may add to the queue while it is released', () => {
  const account = new Account('A', () => 0)
  const acks = new PublishAcks(account, 'S', undefined)
  let next = 100
  const heard = listen(account, 'r.>', () => {
    if (next < 103) acks.add(from(`r.${'y'.repeat(3000)}`), ++next)
  })

  acks.add(from('r.1'), 1)
  acks.release(1000)

  expect(heard.map((answer) => (JSON.parse(answer.payload) as { seq: number }).seq)).toEqual([1, 101, 102, 103])
})

test('after a failure whoever waits gets the error, and errors stay what they were', () => {
  const { acks, heard } = setUp()
  acks.add(from('r.1'), 1)
  acks.addBody(from('r.2'), Buffer.from('refused'))
  acks.add(from('r.3'), 2)

  acks.fail(Buffer.from('store failed'))

  expect(heard.map((answer) => answer.payload)).toEqual(['store failed', 'refused', 'store failed'])
  expect(acks.count).toBe(0)
})
