import { Account, internalPublisher, Subscription } from '@rivulet/accounts'
import { messageOf, type MessageView } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { accountHash, AckRouter } from '../../src/account/ack-router.js'
import type { Consumer } from '../../src/consumer/consumer.js'

function setUp(domain?: string) {
  const account = new Account('$G', () => 0)
  const acked: string[] = []
  const known = new Set(['S.c', 'S.d', 'S.none'])
  const looked: string[] = []
  const find = (stream: string, consumer: string): Consumer | undefined => {
    const name = `${stream}.${consumer}`
    looked.push(name)
    const acknowledge = () => void acked.push(name)
    return known.has(name) ? ({ takesAcks: name !== 'S.none', acknowledge } as unknown as Consumer) : undefined
  }
  const router = new AckRouter(account, find, domain)
  const ack = (subject: string, reply?: string) =>
    router.deliver(messageOf({ subject, ...(reply === undefined ? {} : { reply }) }), undefined, internalPublisher)
  return { account, router, acked, known, looked, ack }
}

describe('acks', () => {
  test('find their consumer, in both forms of the subject', () => {
    const { acked, ack } = setUp()

    ack('$JS.ACK.S.c.1.5.2.1700000000000000000.0')
    ack(`$JS.ACK._.${accountHash('$G')}.S.d.1.5.2.1700000000000000000.0`)
    ack(`$JS.ACK._.${accountHash('$G')}.S.d.1.5.2.1700000000000000000.0.extra`)

    expect(acked).toEqual(['S.c', 'S.d', 'S.d'])
  })

  test('look a consumer up once', () => {
    const { looked, ack } = setUp()

    ack('$JS.ACK.S.c.1.5.2.17.0')
    ack('$JS.ACK.S.c.1.6.3.17.0')

    expect(looked).toEqual(['S.c'])
  })

  test('look again after consumers came or went', () => {
    const { acked, known, router, ack } = setUp()
    ack('$JS.ACK.S.c.1.5.2.17.0')
    known.delete('S.c')

    router.invalidate()
    ack('$JS.ACK.S.c.1.6.3.17.0')

    expect(acked).toEqual(['S.c'])
  })

  test.each([
    ['of another account', '$JS.ACK._.XXXXXXXX.S.c.1.5.2.17.0'],
    ['of another domain', `$JS.ACK.far.${accountHash('$G')}.S.c.1.5.2.17.0`],
    ['of a missing consumer', '$JS.ACK.S.x.1.5.2.17.0'],
    ['of a consumer without acks', '$JS.ACK.S.none.1.5.2.17.0'],
    ['with too few tokens', '$JS.ACK.S.c.1'],
    ['with ten tokens', '$JS.ACK.S.c.1.5.2.17.0.9'],
  ])('%s have nobody to take them', (_title, subject) => {
    const { account, acked, ack } = setUp()
    const heard: string[] = []
    const sink = { deliver: (message: MessageView) => void heard.push(message.headers().latin1Slice()) }
    account.subscriptions.insert(new Subscription({ subject: 'r', sink }))

    ack(subject, 'r')

    expect(acked).toEqual([])
    expect(heard).toEqual([`NATS/1.0 503\r\nNats-Subject: ${subject}\r\n\r\n`])
  })

  test('are taken under the own domain too', () => {
    const { acked, ack } = setUp('hub')

    ack(`$JS.ACK.hub.${accountHash('$G')}.S.c.1.5.2.17.0`)

    expect(acked).toEqual(['S.c'])
  })
})

test('the account hash is the one clients see', () => {
  expect(accountHash('$G')).toBe('szMpdrwD')
})
