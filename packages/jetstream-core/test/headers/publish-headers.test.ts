import { describe, expect, test } from 'vitest'
import { headerIndex, PublishHeaders } from '../../src/headers/publish-headers.js'

const MSG_ID = headerIndex('Nats-Msg-Id')
const EXPECTED = headerIndex('Nats-Expected-Last-Sequence')

function scan(lines: string): PublishHeaders {
  const headers = new PublishHeaders()
  const bytes = Buffer.from(`####NATS/1.0\r\n${lines}\r\n`, 'latin1')
  headers.scan(bytes, 4, bytes.length - 4)
  return headers
}

describe('the headers of a publish', () => {
  test('are found in one pass, wherever the block lies', () => {
    const headers = scan('Other: 1\r\nNats-Msg-Id: a b\r\nNats-Expected-Last-Sequence: 17\r\n')

    expect(headers.count).toBe(2)
    expect(headers.text(MSG_ID)).toBe('a b')
    expect(headers.number(EXPECTED)).toBe(17)
  })

  test('count the first of a repeated name', () => {
    const headers = scan('Nats-Msg-Id: 1\r\nNats-Msg-Id: 2\r\n')

    expect(headers.text(MSG_ID)).toBe('1')
  })

  test('are matched exactly', () => {
    const headers = scan('nats-msg-id: 1\r\nNats-Msg-Id2: 1\r\nNats-Msg-I: 1\r\nNats-Msg-Id : 1\r\nX-Nats-Msg-Id: 1\r\n')

    expect(headers.count).toBe(0)
  })

  test('are absent when empty, but present', () => {
    const headers = scan('Nats-Msg-Id: \r\n')

    expect(headers.has(MSG_ID)).toBe(false)
    expect(headers.isPresent(MSG_ID)).toBe(true)
  })

  test.each([
    ['5', 5],
    ['007', 7],
    ['', -1],
    ['abc', -2],
    ['-1', -2],
    ['+7', -2],
    ['5.0', -2],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['18446744073709551616', -2],
  ])('read %j as the number %j', (text, number) => {
    expect(scan(`Nats-Expected-Last-Sequence: ${text}\r\n`).number(EXPECTED)).toBe(number)
  })

  test('are forgotten by the next scan', () => {
    const headers = scan('Nats-Msg-Id: 1\r\n')
    const bytes = Buffer.from('NATS/1.0\r\nA: 1\r\n\r\n', 'latin1')

    headers.scan(bytes, 0, bytes.length)

    expect(headers.count).toBe(0)
    expect(headers.has(MSG_ID)).toBe(false)
  })

  test('survive every cut of a block', () => {
    const bytes = Buffer.from('NATS/1.0\r\nNats-Msg-Id: abc\r\nNats-Expected-Last-Sequence: 5\r\n\r\n', 'latin1')
    const headers = new PublishHeaders()

    for (let size = 0; size <= bytes.length; size++) {
      headers.scan(bytes, 0, size)
      expect('abc\r'.startsWith(headers.text(MSG_ID))).toBe(true)
    }
  })
})
