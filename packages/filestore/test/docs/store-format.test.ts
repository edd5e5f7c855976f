/** The worked example of docs/store-format.md, read from the page. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TimeWheel, decodeTimeWheel, encodeTimeWheel } from '@rivulet/store-types'
import { BlockFiles } from '../../src/block/block-files.js'
import { decodeConsumerState, encodeConsumerState } from '../../src/consumer/consumer-state-codec.js'
import { hashOf } from '../../src/hash/hash-kernel.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { checkpointOf, messagesIn } from '../../src/index-file/index-file.js'
import { decodeIndex, encodeIndex } from '../../src/index-file/index-file-codec.js'
import { readFloor } from '../../src/recovery/floor-file.js'
import { SimulatedDisk } from '../../src/simulation.js'

const kernel = createTypeScriptHashKernel()
const page = readFileSync(new URL('../../docs/store-format.md', import.meta.url), 'utf8')
const bytesOf = (name: string) =>
  Buffer.from(new RegExp(`\`\`\`hex ${name}\n([\\s\\S]*?)\`\`\``).exec(page)![1]!.replaceAll('\n', ''), 'hex')

/** The rows of the first table behind `index.db` in the example. */
function rows(): string[][] {
  const lines = page.slice(page.indexOf('| field | value |')).split('\n').slice(2)
  const table = lines.slice(0, lines.findIndex((line) => !line.startsWith('|')))
  return table.map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
}

describe('the worked example of the directory page', () => {
  it('has the index that its table lists', () => {
    const bytes = bytesOf('index.db')
    const body = bytes.subarray(0, -8)
    const index = decodeIndex(body)
    const [block] = index.blocks
    const { subjects } = index
    const names = [...subjects.offsets.subarray(0, subjects.count)].map((offset, i) => {
      const name = subjects.bytes.latin1Slice(offset, offset + (subjects.sizes[i] as number))
      return `${name} ${subjects.totals[i]}`
    })
    const deleted: number[] = []
    block!.deleted.forEach((sequence) => void deleted.push(sequence))

    expect(rows()).toEqual([
      ['messages', `${index.messageCount}`],
      ['bytes', `${index.byteCount}`],
      ['first sequence', `${index.firstSequence}`],
      ['first time', `${index.firstTime}`],
      ['last sequence', `${index.lastSequence}`],
      ['last time', `${index.lastTime}`],
      ['subjects', names.join(', ')],
      ['block 1: bytes', `${block!.byteCount}`],
      ['block 1: sequences', `${block!.firstSequence} to ${block!.lastSequence}`],
      ['block 1: deleted', deleted.join(', ')],
      ['block 1: TTLs, schedules', `${block!.ttlCount}, ${block!.scheduleCount}`],
      ['last block', `${index.lastBlockIndex}`],
      ['its last 8 bytes', index.lastChecksum.toString('hex')],
    ])
    expect(hashOf(kernel, 'ORDERS', body)).toEqual(bytes.subarray(-8))
    expect(encodeIndex(index).subarray(0, -8)).toEqual(body)
    expect([messagesIn(block!), checkpointOf(index).isRemoved(4), checkpointOf(index).isRemoved(3)]).toEqual([2, true, false])
  })

  it('has a wheel with one entry', () => {
    const wheel = new TimeWheel()
    const stamp = decodeTimeWheel(bytesOf('thw.db'), wheel)
    const due: number[] = []
    const visit = (seconds: number) => wheel.visitDue(seconds, 0, (sequence) => due.push(sequence) > 0)
    visit(1_700_000_060)
    const before = due.length
    const again = encodeTimeWheel(wheel, stamp)
    visit(1_700_000_061)

    expect([stamp, before, due]).toEqual([5, 0, [2]])
    expect(again).toEqual(bytesOf('thw.db'))
  })

  it('has a floor, a sum and a position', () => {
    const disk = new SimulatedDisk()
    disk.makeDirectory('/ORDERS/msgs')
    disk.plant('/ORDERS/rivulet.floor', bytesOf('rivulet.floor'))
    const files = new BlockFiles({ fileSystem: disk, directory: '/ORDERS', streamName: 'ORDERS', kernel, keys: undefined })
    const [, meta, sum] = /bytes `(\{.*?\})`: `(\w+)`/.exec(page)!
    const position = decodeConsumerState(bytesOf('o.dat'))!

    expect(readFloor(files)).toBe(1)
    expect([meta!.length, hashOf(kernel, 'ORDERS', Buffer.from(meta!)).toString('hex')]).toEqual([41, sum])
    expect(position).toEqual({
      ackFloor: { consumerSequence: 1, streamSequence: 1 },
      delivered: { consumerSequence: 3, streamSequence: 3 },
      pending: new Map([[3, { deliverySequence: 3, timestampMs: 1_700_000_005_000 }]]),
      redelivered: new Map([[3, 1]]),
    })
    expect(encodeConsumerState(position, 1_700_000_010_000)).toEqual(bytesOf('o.dat'))
  })
})
