import { seededRandom } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { TestHost } from '../support/test-host.js'

const LINES = [
  'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n',
  'CONNECT {"verbose":true,"echo":false}\r\n',
  'CONNECT {"name":"\\u0000","protocol":1}\r\n',
  'SUB a.* 1\r\n',
  'SUB > q 2\r\n',
  'SUB _INBOX.> 3\r\n',
  'UNSUB 1 2\r\n',
  'UNSUB 2\r\n',
  'PUB a.b 3\r\nabc\r\n',
  'PUB none _INBOX.1 0\r\n\r\n',
  'HPUB a.b r 12 15\r\nNATS/1.0\r\n\r\nabc\r\n',
  'PUB $JS.ACK.S.C.1.2.3.4.5 0\r\n\r\n',
  'PUB $NRG.x 1\r\nx\r\n',
  'PING\r\n',
  'PONG\r\n',
  'INFO {}\r\n',
]

describe('damaged input', () => {
  test.each([1, 2, 3, 4, 5, 6])('seed %i: ends at most its own connection', (seed) => {
    const random = seededRandom(seed)
    const host = new TestHost()
    host.isTracing = seed % 2 === 0
    const witness = host.client().send('CONNECT {"verbose":false,"pedantic":false}\r\nSUB witness 1\r\n')
    for (let round = 0; round < 150; round++) {
      const client = host.client()
      const bytes = damaged(random)
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + Math.floor(random() * 60)
        client.send(bytes.subarray(at, at + size))
        at += size
      }
      client.connection.transportEnded()
      expect(client.connection.pendingBytes).toBe(0)
    }

    expect(witness.ask('PUB witness 2\r\nok\r\nPING\r\n').slice(-3)).toEqual(['MSG witness 1 2', 'ok', 'PONG'])
    expect(host.accounts.global.subscriptions.count).toBe(1)
    expect(host.clock.timerCount).toBe(1)
  })
})

function damaged(random: () => number): Buffer {
  const lines = Array.from({ length: 1 + Math.floor(random() * 10) }, () => LINES[Math.floor(random() * LINES.length)])
  const bytes = [...Buffer.from(lines.join(''))]
  const changes = Math.floor(random() * 4)
  for (let i = 0; i < changes; i++) {
    const at = Math.floor(random() * bytes.length)
    if (random() < 0.5) bytes[at] = Math.floor(random() * 256)
    else bytes.splice(at, Math.floor(random() * 5))
  }
  return Buffer.from(bytes)
}
