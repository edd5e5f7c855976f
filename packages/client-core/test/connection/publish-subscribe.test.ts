import { describe, expect, test } from 'vitest'
import { TestHost } from '../support/test-host.js'

describe('publish and subscribe', () => {
  test('a message reaches its publisher and another client', () => {
    const host = new TestHost()
    const a = host.client()
    const b = host.client()
    a.send('CONNECT {"verbose":false,"pedantic":false}\r\nSUB foo 1\r\n')
    b.send('CONNECT {"verbose":false,"headers":true}\r\nSUB f*o 3\r\nSUB *  7\r\n')

    expect(a.ask('PUB foo reply.to 5\r\nhello\r\nPING\r\n')).toEqual(['MSG foo 1 reply.to 5', 'hello', 'PONG'])
    expect(b.take()).toEqual(['MSG foo 7 reply.to 5', 'hello'])
  })
})
