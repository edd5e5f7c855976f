import { matches, seededRandom } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { type MessageSink, type Route, Subscription, SubscriptionList } from '../../src/index.js'

const sink: MessageSink = { deliver() {} }

function subscribe(list: SubscriptionList, subject: string, queue?: string): Subscription {
  const subscription = new Subscription({ subject, queue, sink })
  list.insert(subscription)
  return subscription
}

/** Who is in a route, in an order that can be compared. */
function members(route: Route): string[] {
  const plain = route.plain.map((subscription) => subscription.subject)
  const groups = route.groups.map((group) => {
    const subjects = group.map((subscription) => subscription.subject)
    return `${group[0]?.queue}(${subjects.sort().join(' ')})`
  })
  return [...plain.sort(), ...groups.sort()]
}

describe('matching', () => {
  test('literal subjects, * and > find their subscriptions', () => {
    const list = new SubscriptionList(7)
    for (const subject of ['a', 'a.b', 'a.*', 'a.>', '*.b', '>', 'a.*.c', '*', 'x.y.z']) subscribe(list, subject)

    expect(members(list.routeOfText('a'))).toEqual(['*', '>', 'a'])
    expect(members(list.routeOfText('a.b'))).toEqual(['*.b', '>', 'a.*', 'a.>', 'a.b'])
    expect(members(list.routeOfText('a.b.c'))).toEqual(['>', 'a.*.c', 'a.>'])
    expect(members(list.routeOfText('x.y'))).toEqual(['>'])
    expect(members(list.routeOfText('x.y.z'))).toEqual(['>', 'x.y.z'])
  })

  test.each(['', '.', '..', '.a', 'a.', 'a..b', 'a.b.', '.a.b'])('the invalid subject %j matches nothing', (subject) => {
    const list = new SubscriptionList()
    for (const filter of ['>', '*', '*.*', 'a.>', 'a.*', 'a.*.b']) subscribe(list, filter)

    expect(list.hasInterest('a.c.b')).toBe(true)
    expect(list.hasInterest(subject)).toBe(false)
  })

  test('a published token that looks like a wildcard is a literal', () => {
    const list = new SubscriptionList()
    for (const filter of ['a.*', 'a.>', 'a.b']) subscribe(list, filter)

    expect(members(list.routeOfText('a.*'))).toEqual(['a.*', 'a.>'])
    expect(members(list.routeOfText('*.b'))).toEqual([])
  })

  test('queue members of one name are one group, also over several patterns', () => {
    const list = new SubscriptionList()
    subscribe(list, 'work', 'q')
    subscribe(list, 'work', 'q')
    subscribe(list, '*', 'q')
    subscribe(list, 'work', 'other')
    subscribe(list, 'work')

    expect(members(list.routeOfText('work'))).toEqual(['work', 'other(work)', 'q(* work work)'])
  })

  test('subjects are bytes', () => {
    const list = new SubscriptionList()
    const wire = Buffer.from('ä.ö').latin1Slice()
    subscribe(list, wire)

    expect(list.hasInterest(wire)).toBe(true)
    expect(list.hasInterest('ä.ö')).toBe(false)
  })

  test('a subscription that does not accept a subject is left out of its route alone', () => {
    const list = new SubscriptionList()
    let denied = 'a.2'
    list.insert(new Subscription({ subject: 'a.*', sink, accepts: (subject) => subject !== denied }))

    expect(list.hasInterest('a.1')).toBe(true)
    expect(list.hasInterest('a.2')).toBe(false)
    denied = 'a.1'
    list.invalidate()
    expect(list.hasInterest('a.1')).toBe(false)
    expect(list.hasInterest('a.2')).toBe(true)
  })
})

describe('routes that are kept', () => {
  test('a change elsewhere leaves a route the same object, in the new generation', () => {
    const list = new SubscriptionList()
    subscribe(list, 'a.b')
    subscribe(list, 'c.*')
    const literal = list.routeOfText('a.b')
    const shared = list.routeOfText('c.1')
    for (let i = 0; i < 1000; i++) subscribe(list, `x.${i}`)
    subscribe(list, 'y.*')

    expect(literal.generation).not.toBe(list.generation)
    expect(list.routeOfText('a.b')).toBe(literal)
    expect(list.routeOfText('c.1')).toBe(shared)
    expect(literal.generation).toBe(list.generation)
  })

  test('subjects under one wildcard share a route', () => {
    const list = new SubscriptionList()
    subscribe(list, '_INBOX.client.*')
    subscribe(list, 'orders.>')

    expect(list.routeOfText('_INBOX.client.1')).toBe(list.routeOfText('_INBOX.client.2'))
    expect(list.routeOfText('orders.1.new')).toBe(list.routeOfText('orders.eu.2.paid'))
  })

  test('a route that was kept for a subject is void once the subject gets a subscription of its own', () => {
    const list = new SubscriptionList()
    subscribe(list, 'a.*')
    subscribe(list, 'b.>')
    for (const [kept, neighbour] of [['a.1', 'a.2'], ['b.1.2', 'b.3.4'], ['c', 'd'], ['c.1', 'c.2']] as const) {
      const route = list.routeOfText(kept)
      subscribe(list, kept)
      list.routeOfText(neighbour)

      expect(route.generation === list.generation, kept).toBe(false)
      expect(members(list.routeOfText(kept))).toContain(kept)
    }
  })

  test('prefixes under a deep one do not renew each other', () => {
    const list = new SubscriptionList()
    subscribe(list, 'deep.>')
    let route = list.routeOfText('deep.a.1')
    for (let i = 0; i < 100; i++) {
      route = list.routeOfText('deep.a.1')
      list.routeOfText('deep.b.1')
      list.routeOfText('deep.c.d.1')
    }
    subscribe(list, 'deep.a.1')
    for (const neighbour of ['deep.b.1', 'deep.c.d.1', 'deep.a.2']) list.routeOfText(neighbour)

    expect(route.generation === list.generation).toBe(false)
    expect(members(list.routeOfText('deep.a.1'))).toEqual(['deep.>', 'deep.a.1'])
  })

  test('a route in use does not change when subscriptions come and go', () => {
    const list = new SubscriptionList()
    const first = subscribe(list, 'a')
    const route = list.routeOfText('a')
    subscribe(list, 'a')
    list.remove(first)

    expect(route.plain).toEqual([first])
    expect(list.routeOfText('a').plain).toHaveLength(1)
  })

  test('unique subjects do not add up', () => {
    const list = new SubscriptionList()
    subscribe(list, '*.x.*')
    subscribe(list, 'a.*.end')
    for (let i = 0; i < 50_000; i++) list.routeOfText(`a.${i}.end`)
    for (let i = 0; i < 50_000; i++) list.routeOfText(`${i}.x.end`)

    expect(members(list.routeOfText('a.x.end'))).toEqual(['*.x.*', 'a.*.end'])
    expect(members(list.routeOfText('b.x.end'))).toEqual(['*.x.*'])
  })
})

describe('changes', () => {
  test('removing what is not there says so', () => {
    const list = new SubscriptionList()
    const subscription = subscribe(list, 'a')

    expect(list.remove(subscription)).toBe(true)
    expect(list.remove(subscription)).toBe(false)
    expect(list.count).toBe(0)
    expect([...list]).toEqual([])
  })

  test('interest below $JS.ACK. is known', () => {
    const list = new SubscriptionList()
    subscribe(list, 'foo.>')
    expect(list.mayWantAcks).toBe(false)
    for (const subject of ['>', '$JS.>', '$JS.*.x.>', '*.ACK.>', '$JS.ACK.S.C.1.2']) {
      const subscription = subscribe(list, subject)
      expect(list.mayWantAcks, subject).toBe(true)
      list.remove(subscription)
      expect(list.mayWantAcks, subject).toBe(false)
    }
  })

  test('a watcher hears of its subject only', () => {
    const list = new SubscriptionList()
    let heard = 0
    const watcher = { interestChanged: () => void heard++ }
    list.watch('push.to', watcher)
    subscribe(list, 'push.*')
    const subscription = subscribe(list, 'push.to')
    list.remove(subscription)
    list.unwatch('push.to', watcher)
    subscribe(list, 'push.to')

    expect(heard).toBe(2)
  })

  test('a million subscriptions come, are found, and go', () => {
    const list = new SubscriptionList(3)
    const all: Subscription[] = []
    for (let i = 0; i < 1_000_000; i++) all.push(subscribe(list, i % 10 === 0 ? `w.${i}.*` : `s.${i}`))

    expect(list.count).toBe(1_000_000)
    expect(members(list.routeOfText('s.999999'))).toEqual(['s.999999'])
    expect(members(list.routeOfText('w.500000.x'))).toEqual(['w.500000.*'])
    expect(list.hasInterest('s.1000000')).toBe(false)
    for (const subscription of all) list.remove(subscription)
    expect(list.count).toBe(0)
    expect(list.hasInterest('s.999999')).toBe(false)
    expect(list.hasInterest('w.500000.x')).toBe(false)
  })

  test('many subscriptions to one subject go in any order', () => {
    const list = new SubscriptionList()
    const all = Array.from({ length: 20_000 }, () => subscribe(list, 'same'))
    for (const subscription of all) list.remove(subscription)

    expect(list.hasInterest('same')).toBe(false)
  })
})

describe('against a plain list', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i: every route is what comparing one by one gives', (seed) => {
    const random = seededRandom(seed)
    const list = new SubscriptionList(seed)
    const plain: Subscription[] = []
    const kept = new Map<string, Route>()
    for (let step = 0; step < 3_000; step++) {
      const chance = random()
      if (plain.length < 5 || chance < 0.2) plain.push(subscribe(list, randomFilter(random), chance < 0.04 ? 'q' : undefined))
      else if (chance < 0.35) {
        const [gone] = plain.splice(Math.floor(random() * plain.length), 1)
        list.remove(gone as Subscription)
      }
      const subject = randomSubject(random)
      const expected = plain.filter((subscription) => isValid(subject) && matches(subscription.subject, subject))
      const before = kept.get(subject)
      const route = before && before.generation === list.generation ? before : list.routeOfText(subject)
      kept.set(subject, route)

      const found = new Set([...route.plain, ...route.groups.flat()])
      // Compared by identity: comparing member by member would take most of the time of this test.
      const isSame = found.size === expected.length && expected.every((subscription) => found.has(subscription))
      expect(isSame, `seed ${seed}, step ${step}, ${subject}: ${members(route)}`).toBe(true)
    }
    const listed = new Set(list)
    expect(listed.size).toBe(plain.length)
    expect(plain.every((subscription) => listed.has(subscription))).toBe(true)
  })
})

const TOKENS = ['a', 'b', 'c', 'dd', 'e1']

function randomFilter(random: () => number): string {
  const size = 1 + Math.floor(random() * 4)
  const tokens = Array.from({ length: size }, () => (random() < 0.3 ? '*' : pick(TOKENS, random)))
  if (random() < 0.25) tokens[size - 1] = '>'
  return tokens.join('.')
}

function randomSubject(random: () => number): string {
  const size = 1 + Math.floor(random() * 4)
  return Array.from({ length: size }, () => (random() < 0.03 ? '' : pick(TOKENS, random))).join('.')
}

function isValid(subject: string): boolean {
  return !subject.split('.').includes('')
}

function pick(values: readonly string[], random: () => number): string {
  return values[Math.floor(random() * values.length)] as string
}
