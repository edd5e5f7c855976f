/** The worked example of docs/block-format.md, read from the page. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { StoredMessage, Timestamp } from '@rivulet/store-types'
import {
  ByteArea,
  SKIP_BIT,
  TOMBSTONE_BIT,
  readRecordSize,
  readSequence,
  readSequenceFlags,
  readTime,
  viewMessage,
} from '../../src/block/record.js'
import { RecordScan, scanRecords } from '../../src/block/record-scan.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { hashKey } from '../../src/hash/hash-kernel.js'

const page = readFileSync(new URL('../../docs/block-format.md', import.meta.url), 'utf8')

function rowsAfter(header: string): string[][] {
  const lines = page.slice(page.indexOf(header)).split('\n').slice(2)
  return lines.slice(0, lines.findIndex((line) => !line.startsWith('|'))).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
}

describe('the worked example of the format page', () => {
  const bytes = Buffer.from(/```hex\n([\s\S]*?)```/.exec(page)![1]!.replaceAll('\n', ''), 'hex')
  const rows = rowsAfter('| offset | size | kind | sequence |')

  it('holds the records that its table lists', () => {
    const area = new ByteArea(bytes)
    const scan = new RecordScan()
    scanRecords(area, bytes.length, createTypeScriptHashKernel().hasher(hashKey('ORDERS-1')), scan)

    const found = [...scan.offsets.subarray(0, scan.count)].map((offset) => {
      const flags = readSequenceFlags(area.view, offset)
      const isTombstone = (flags & TOMBSTONE_BIT) !== 0
      const kind = isTombstone ? 'tombstone' : (flags & SKIP_BIT) !== 0 ? 'skip' : 'message'
      const message = new StoredMessage()
      viewMessage(area, offset, message)
      const time = readTime(area.view, offset, new Timestamp()).toNanos()
      const parts = kind === 'message' ? [message.subject(), `${message.headerSize}`, message.payload().toString()] : ['', '', '']
      return [`${offset}`, `${readRecordSize(area.view, offset)}`, kind, `${readSequence(area.view, offset)}`, `${time}`, ...parts]
    })
    expect(scan.damage).toEqual([])
    expect(found).toEqual(rows)
  })

  it('is taken apart byte by byte', () => {
    const fields = rowsAfter('| bytes | field |').map(([cell]) => cell!.replaceAll('`', ''))
    expect(fields.join('')).toBe(bytes.subarray(0, 45).toString('hex'))
  })
})
