import { expect, test } from 'vitest'
import { seededRandom } from '@rivulet/store-types'
import { ArchiveError } from '../../src/archive/archive-entry.js'
import { TarReader } from '../../src/archive/tar-reader.js'

const LONG = `obs/${'consumer'.repeat(30)}/meta.inf`
const members: [name: string, type: string, content: string][] = [
  ['meta.inf', '0', '{}'],
  ['pax', 'x', record('path', LONG) + record('comment', 'of no interest')],
  ['obs/short', '0', 'y'.repeat(512)],
  ['global', 'g', record('comment', 'for all')],
  ['msgs/1.blk', '\0', 'z'.repeat(1300)],
  ['empty', '0', ''],
]
const files = [
  ['meta.inf', '{}'],
  [LONG, 'y'.repeat(512)],
  ['msgs/1.blk', 'z'.repeat(1300)],
  ['empty', ''],
]
const tar = Buffer.concat([...members.map((member) => memberOf(...member)), Buffer.alloc(1024), Buffer.from('what follows')])

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  return `${rest.length + String(rest.length + 2).length}${rest}`
}

function memberOf(name: string, type: string, content: string): Buffer {
  const block = Buffer.alloc(512)
  block.write(name)
  block.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  block.write('        ', 148)
  block.write(type, 156)
  block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8)}\0`, 148)
  return Buffer.concat([block, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)])
}

/** Reads `bytes` in pieces of `size`. */
function read(bytes: Buffer, size: number): { found: string[][]; isEnded: boolean } {
  const reader = new TarReader()
  const found: string[][] = []
  for (let at = 0; at < bytes.length; at += size) {
    for (const event of reader.push(bytes.subarray(at, at + size))) {
      if (event.kind === 'file') found.push([event.name, ''])
      else (found.at(-1) as string[])[1] += event.bytes.toString('latin1')
    }
  }
  return { found, isEnded: reader.isEnded }
}

test.each([1, 3, 511, 512, 513, 100_000])('in pieces of %d bytes the files are the same', (size) => {
  expect(read(tar, size)).toEqual({ found: files, isEnded: true })
})

test('an archive that is cut anywhere has no end', () => {
  const end = tar.length - 'what follows'.length
  for (let size = 0; size < end; size += 7) expect(read(tar.subarray(0, size), 512).isEnded, `${size}`).toBe(false)
})

test('changed bytes are refused, or give other files, and never another error', () => {
  const random = seededRandom(1)
  let refused = 0
  for (let i = 0; i < 3000; i++) {
    const changed = Buffer.from(tar)
    changed[Math.floor(random() * changed.length)] = Math.floor(random() * 256)
    try {
      read(changed, 512)
    } catch (error) {
      expect(error).toBeInstanceOf(ArchiveError)
      refused++
    }
  }
  expect(refused).toBeGreaterThan(500)
})

test.each(['../up', 'msgs/../../up', '/etc/x', 'a//b', '.', 'a/./b', 'a\\b', ''])('a name %j is refused', (name) => {
  expect(() => read(memberOf(name, '0', ''), 512)).toThrow('unexpected content')
})

test.each(['1', '2', '3', '5', '6', 'L', 'S'])('a member of type %s is refused', (type) => {
  expect(() => read(memberOf('x', type, ''), 512)).toThrow('unexpected content')
})

test.each(['path=x', '8 path=x\n', '0 =\n', '99999999 path=x\n', '-1 path=x\n'])('an extended header %j is refused', (text) => {
  expect(() => read(memberOf('x', 'x', text), 512)).toThrow('invalid tar header')
})
