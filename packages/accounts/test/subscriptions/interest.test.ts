import { messageOf } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { Account, internalPublisher, type MessageSink, Subscription, SubscriptionList } from '../../src/index.js'
import { SubjectKey } from '../../src/subscriptions/subject-key.js'
import { SubjectTable } from '../../src/subscriptions/subject-table.js'
import { WildcardTrie } from '../../src/subscriptions/wildcard-trie.js'

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

describe('what was removed leaves nothing behind', () => {
  test('of wildcards: no level of the tree', () => {
    const trie = new WildcardTrie()
    const all = ['a.*.c.d', 'a.*.c', 'a.b.>', '*.x.y', '>'].map((subject) => new Subscription({ subject, sink }))
    for (const subscription of all) trie.insert(subscription)
    expect(trie.matchPrefix([]).deepTokenCount).toBe(-1)

    for (const subscription of all) {
      subscription.place?.subscriptions.splice(subscription.placeIndex, 1)
      trie.removed(subscription)
    }

    expect(trie.matchPrefix([])).toEqual({ leaves: [], isUniform: true, deepTokenCount: 0 })
  })

  test('of literals: no entry of the table', () => {
    const table = new SubjectTable()
    const key = new SubjectKey(1)
    const entries = Array.from({ length: 500 }, (_, i) => table.findOrAdd(key.setText(`a.${i}.b`)))
    expect(table.size).toBe(500)

    for (const entry of entries) table.remove(entry)

    expect(table.size).toBe(0)
    expect([...table.values()]).toEqual([])
  })
})
