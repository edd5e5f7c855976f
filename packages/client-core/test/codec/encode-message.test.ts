import { type MessageView, messageOf } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { decimal, writeDecimal } from '../../src/codec/decimal.js'
import { encodedSizeMax, encodeMessage, WireMemory, WireMessage } from '../../src/index.js'

function encode(message: MessageView, sid = '7', withHeaders = true): string {
  const arena = new WireMemory({ inputBytes: 64, arenaBytes: 64, arenaCount: 1 }).acquire(encodedSizeMax(message, sid.length))
  const end = encodeMessage(arena, arena.tail, message, sid, withHeaders)
  expect(end - arena.start).toBeLessThanOrEqual(encodedSizeMax(message, sid.length))
  return arena.buffer.latin1Slice(arena.start, end)
}

describe('deliveries', () => {
  test('MSG with and without reply', () => {
    expect(encode(messageOf({ subject: 'a.b', payload: 'hello' }))).toBe('MSG a.b 7 5\r\nhello\r\n')
    expect(encode(messageOf({ subject: 'a', reply: 'r.1', payload: '' }), 'sid-9')).toBe('MSG a sid-9 r.1 0\r\n\r\n')
  })

  test('HMSG to who takes headers, the payload alone to others', () => {
    const message = messageOf({ subject: 'h', headers: 'NATS/1.0\r\nA: b\r\n\r\n', payload: 'hi' })

    expect(encode(message)).toBe('HMSG h 7 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n')
    expect(encode(message, '7', false)).toBe('MSG h 7 2\r\nhi\r\n')
  })

  test.each([0, 1, 3, 4, 19, 20, 21, 47, 48, 49, 63, 64, 65, 1000, 70_000])('a payload of %i bytes', (size) => {
    const payload = Buffer.from(Array.from({ length: size }, (_, i) => i & 0xff))
    const subject = 'subject.of.some.length'

    expect(encode(messageOf({ subject, payload }))).toBe(`MSG ${subject} 7 ${size}\r\n${payload.latin1Slice()}\r\n`)
  })

  test('bytes that lie in the arena itself', () => {
    const memory = new WireMemory({ inputBytes: 4096, arenaBytes: 4096, arenaCount: 1 })
    for (const size of [0, 5, 48, 49, 1000]) {
      const frame = `some.subject 00${size}\r\n${'x'.repeat(size)}\r\n`
      memory.slab.latin1Write(frame, 100)
      const message = new WireMessage()
      message.setSubject(memory.slab, 100, 12).setBody(memory.slab, 100 + frame.length - 2 - size, 0, size)
      message.tailOffset = 113
      const arena = memory.acquire(4096)

      const end = encodeMessage(arena, arena.tail, message, '1', true)
      expect(memory.slab.latin1Slice(arena.start, end)).toBe(`MSG some.subject 1 00${size}\r\n${'x'.repeat(size)}\r\n`)
      memory.release(arena)
    }
  })
})

describe('decimal numbers', () => {
  test.each([0, 1, 9, 10, 99, 100, 1023, 65_536, 999_999_999])('%i is written and read', (value) => {
    const bytes = Buffer.alloc(12)
    const end = writeDecimal(bytes, 1, value)

    expect(bytes.latin1Slice(1, end)).toBe(String(value))
    expect(decimal(bytes, 1, end)).toBe(value)
  })

  test.each(['', '-1', '+1', '1x', '1234567890', ' 1'])('%j is no size', (text) => {
    expect(decimal(Buffer.from(text), 0, text.length)).toBe(-1)
  })
})
