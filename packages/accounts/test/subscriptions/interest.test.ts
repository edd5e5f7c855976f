import { messageOf } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { Account, internalPublisher, type MessageSink, Subscription, SubscriptionList } from '../../src/index.js'

const sink: MessageSink = { deliver() {} }

function subscribe(list: SubscriptionList, subject: string, queue?: string): Subscription {
  const subscription = new Subscription({ subject, queue, sink })
  list.insert(subscription)
  return subscription
}

describe('wildcard characters inside a token', () => {
  test('are literals, found and removed apart from real wildcards', () => {
    const list = new SubscriptionList()
    const odd = ['a*', 'a.b>', 'a.*x', '>.b'].map((subject) => subscribe(list, subject))
    const real = subscribe(list, 'a.*')

    for (const subscription of odd) expect(list.routeOfText(subscription.subject).plain, subscription.subject).toContain(subscription)
    expect(list.routeOfText('ab').plain).toEqual([])
    expect(list.routeOfText('a.x').plain).toEqual([real])
    expect(list.routeOfText('c.b').plain).toEqual([])
    list.remove(real)
    expect(list.hasInterest('a.x')).toBe(false)
    expect(list.hasInterest('a.*x')).toBe(true)
    for (const subscription of odd) list.remove(subscription)

    expect(list.count).toBe(0)
    for (const { subject } of odd) expect(list.hasInterest(subject)).toBe(false)
  })
})

describe('interest', () => {
  test('is that of plain and queue subscriptions, literal and with wildcards, as long as one is left', () => {
    const list = new SubscriptionList()
    const all = [subscribe(list, 'a.b'), subscribe(list, 'a.*', 'q'), subscribe(list, 'a.>'), subscribe(list, 'a.b', 'q')]
    expect([list.hasInterest('a.b'), list.hasInterest('a.c'), list.hasInterest('a.b.c'), list.hasInterest('a')]).toEqual([true, true, true, false])

    for (const subscription of all) {
      expect(list.hasInterest('a.b')).toBe(true)
      list.remove(subscription)
    }

    expect(list.hasInterest('a.b')).toBe(false)
  })
})

test('messages stay in their account', () => {
  const [one, two] = [new Account('ONE', () => 0), new Account('TWO', () => 0)]
  const heard: string[] = []
  for (const account of [one, two]) {
    const log: MessageSink = { deliver: (message) => void heard.push(`${account.name} ${message.subject()}`) }
    account.subscriptions.insert(new Subscription({ subject: '>', sink: log }))
    account.subscriptions.insert(new Subscription({ subject: 'a.*', queue: 'q', sink: log }))
  }

  one.publish(messageOf({ subject: 'a.b' }), internalPublisher)

  expect(heard).toEqual(['ONE a.b', 'ONE a.b'])
})
