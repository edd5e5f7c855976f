/** The Nats-Stream-Source header. */
import { describe, expect, it } from 'vitest'
import { readSourceHeader, type SourceHeader } from '../../src/index.js'

function read(...lines: string[]): SourceHeader | undefined {
  const block = Buffer.from(`xxNATS/1.0\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\nNats-Stream-Source: PAYLOAD 1`)
  return readSourceHeader(block, 2, block.indexOf('\r\n\r\n') + 4 - 2)
}

describe('a message says where it comes from', () => {
  it.each<[string, SourceHeader]>([
    ['S 7 > > orders.1 ID', { stream: 'S', indexName: 'S > >', sequence: 7, identity: 'ID' }],
    ['S:abcd1234 7 a.> b.> orders.1', { stream: 'S:abcd1234', indexName: 'S:abcd1234 a.> b.>', sequence: 7, identity: '' }],
    ['S 7 a.*\fc b.*\fd', { stream: 'S', indexName: 'S a.*\fc b.*\fd', sequence: 7, identity: '' }],
    ['Größe 7 > > x ID', { stream: 'Größe', indexName: 'Größe > >', sequence: 7, identity: 'ID' }],
    ['S 7', { stream: 'S', indexName: '', sequence: 7, identity: '' }],
    ['$JS.ACK.S.C.1.7.1.1700000000000000000.0', { stream: 'S', indexName: '', sequence: 7, identity: '' }],
    ['$JS.ACK.D.hash.S.C.1.7.1.1700000000000000000.0.token', { stream: 'S', indexName: '', sequence: 7, identity: '' }],
  ])('by %j', (value, expected) => {
    expect(read('A: b', `Nats-Stream-Source: ${value}`)).toEqual(expected)
  })

  it.each(['', 'S', 'S 7 >', 'S x > > orders.1 ID', 'S -1', 'S 99999999999999999999', '$JS.ACK.S.C.1.7'])('not by %j', (value) => {
    expect(read(`Nats-Stream-Source: ${value}`)).toBeUndefined()
  })

  it('not in its payload', () => {
    expect(read('A: b')).toBeUndefined()
  })
})
