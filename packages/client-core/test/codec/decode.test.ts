import { seededRandom } from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { Descriptors, DecodeRules, ROW_WORDS } from '../../src/codec/descriptors.js'
import { decode } from '../../src/codec/decode.js'
import { lineFrame } from '../../src/codec/line-parser.js'
import { FrameLog } from '../support/frame-log.js'

const FRAMES = [
  'PUB a 0\r\n\r\n',
  'PUB foo.bar 5\r\nhello\r\n',
  'PUB foo.bar 5\r\nworld\r\n',
  'PUB foo.baz 5\r\nworld\r\n',
  'PUB foo reply.to 2\r\n\r\n\r\n',
  'PUB foo 12 00003\r\nabc\r\n',
  'pUb\tfoo \t 3\t\nabc\r\n',
  'PUB  foo  3 \r\nabc\r\n',
  'HPUB h 12 14\r\nNATS/1.0\r\n\r\nhi\r\n',
  'HPUB h r 12 12\r\nNATS/1.0\r\n\r\n\r\n',
  'HPUB h r 0 2\r\nhi\r\n',
  'HPUB h  12   14\r\nNATS/1.0\r\n\r\nhi\r\n',
  'SUB foo.* 1\r\n',
  'sub foo q 2\n',
  'SUB foo 1\r\r\n',
  'UNSUB 1\r\n',
  'UNSUB 1 20\r\n',
  'UNSUB x y\r\n',
  'PING\r\n',
  'pingpong and more\r\n',
  'PONG\n',
  'CONNECT {"verbose":false}\r\n',
  'connect\t{}\r\n',
  'INFO {}\r\n',
  '+OK x\r\n',
  '-ERR x\r\n',
  `PUB long 600\r\n${'0123456789'.repeat(60)}\r\n`,
]

const FAULTS = [
  'PUB\r\n',
  'PUB \r\n',
  'PUB foo\r\n',
  'PUB foo bar\r\n',
  'PUB a b c 1\r\n',
  'PUB foo 1000000000\r\n',
  'PUB foo 100001\r\nx',
  'PUB foo -1\r\n',
  'PUB foo 5\r\nhelloX\r\n',
  'PUB foo 5\r\nhello\rX',
  'PUB foo 5\r\r\nhello\r\n',
  'PUB f\roo 5\r\nhello\r\n',
  'HPUB h 15 14\r\nNATS/1.0\r\n\r\nhi\r\n',
  'HPUB h 1\r\n',
  'SUB\r\n',
  'SUB a\r\n',
  'SUB a b c d\r\n',
  'UNSUB\r\n',
  'UNSUB \r\n',
  'UNSUB 1 2 3\r\n',
  'P\r\n',
  'PUX\r\n',
  '\r\n',
  ' PING\r\n',
  '-ERR\r\n',
  '+NO\r\n',
  'MSG a 1 1\r\n',
  '\x00\x01',
  `PUB ${'a'.repeat(600)} 1\r\nx\r\n`,
  `SUB ${'a'.repeat(600)}`,
  `CONNECT ${' '.repeat(600)}{}\r\n`,
  `UNSUB ${'1'.repeat(513)}\r\n`,
]

describe('frames', () => {
  test('each is found with its parts', () => {
    const log = new FrameLog().read(Buffer.from(FRAMES.slice(0, 12).join('')))

    expect(log.lines).toEqual([
      'pub "a" - 0 "" "0\\r\\n\\r\\n" "a 0"',
      'pub "foo.bar" - 0 "hello" "5\\r\\nhello\\r\\n" "foo.bar 5"',
      'pub "foo.bar" - 0 "world" "5\\r\\nworld\\r\\n" "foo.bar 5"',
      'pub "foo.baz" - 0 "world" "5\\r\\nworld\\r\\n" "foo.baz 5"',
      'pub "foo" "reply.to" 0 "\\r\\n" "2\\r\\n\\r\\n\\r\\n" "foo reply.to 2"',
      'pub "foo" "12" 0 "abc" "00003\\r\\nabc\\r\\n" "foo 12 00003"',
      'pub "foo" - 0 "abc" - "foo \\t 3\\t"',
      'pub "foo" - 0 "abc" - "foo  3 "',
      'hpub "h" - 12 "NATS/1.0\\r\\n\\r\\nhi" "12 14\\r\\nNATS/1.0\\r\\n\\r\\nhi\\r\\n" "h 12 14"',
      'hpub "h" "r" 12 "NATS/1.0\\r\\n\\r\\n" "12 12\\r\\nNATS/1.0\\r\\n\\r\\n\\r\\n" "h r 12 12"',
      'hpub "h" "r" 0 "hi" - "h r 0 2"',
      'hpub "h" - 12 "NATS/1.0\\r\\n\\r\\nhi" - "h  12   14"',
    ])
  })

  test('a limit of 512 bytes counts the arguments alone', () => {
    const whole = `SUB ${'a'.repeat(510)} 1\r\n`

    expect(new FrameLog().read(Buffer.from(whole)).lines).toHaveLength(1)
    expect(new FrameLog().read(Buffer.from(`SUB ${'a'.repeat(511)} 1\r\n`)).lines).toEqual(['fault: line too long'])
    expect(new FrameLog().read(Buffer.from(`PING${' '.repeat(5000)}\r\n`)).lines).toEqual(['operation 5'])
  })

  test('what follows PING on its line is not kept while it arrives', () => {
    const log = new FrameLog()
    for (let i = 0; i < 1000; i++) log.read(Buffer.from(i === 0 ? 'PING' : 'x'.repeat(1000)))
    log.read(Buffer.from('\r\nPONG\r\n'))

    expect(log.lines).toEqual(['operation 5', 'operation 6'])
  })

  test('only CONNECT is taken where it must come first', () => {
    for (const bytes of ['PING\r\n', 'F', '\r', 'PUB a 1\r\nx\r\n']) {
      const log = new FrameLog()
      log.reader.rules.mustConnect = true
      expect(log.read(Buffer.from(bytes)).lines).toEqual(['fault: not authenticated'])
    }
    const log = new FrameLog()
    log.reader.rules.mustConnect = true
    expect(log.read(Buffer.from('cOnnect {}\r\n')).lines).toEqual(['connect "{}"'])
  })
})

describe('cuts', () => {
  test('every frame split at every byte gives the same descriptors', () => {
    const bytes = Buffer.from(FRAMES.join(''))
    const whole = new FrameLog().read(bytes).lines
    expect(whole).toHaveLength(FRAMES.length)

    for (let cut = 1; cut < bytes.length; cut++) {
      const log = new FrameLog().read(bytes.subarray(0, cut), bytes.subarray(cut))
      expect(log.lines, `cut at ${cut}`).toEqual(whole)
    }
    expect(new FrameLog().read(...Array.from(bytes, (byte) => Buffer.from([byte]))).lines).toEqual(whole)
  })

  test.each(FAULTS)('%j is refused in the same way wherever it is cut', (fault) => {
    const bytes = Buffer.from(`PING\r\n${fault}\r\nPING\r\n`, 'latin1')
    const whole = new FrameLog().read(bytes).lines
    expect(whole).toHaveLength(2)
    expect(whole[1]).toMatch(/^fault: /)

    for (let cut = 1; cut < bytes.length; cut++) {
      const log = new FrameLog().read(bytes.subarray(0, cut), bytes.subarray(cut))
      expect(log.lines, `cut at ${cut}`).toEqual(whole)
    }
  })
})

describe('the two parsers', () => {
  test('the tight loop and the line parser give the same rows', () => {
    const text = FRAMES.filter((frame) => !/^connect/i.test(frame)).join('')
    const bytes = Buffer.from(text)
    const rules = Object.assign(new DecodeRules(), { maxPayload: 1000, maxControlLine: 512, headers: true })
    const target = new Descriptors()
    decode(bytes, 0, bytes.length, target, rules)
    const slow = new Descriptors()
    for (let at = 0; at < bytes.length; slow.count++) at = lineFrame(bytes, at, bytes.length, slow, rules)

    expect(target.count).toBe(slow.count)
    expect(withoutRepeats(target)).toEqual(withoutRepeats(slow))
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('seed %i: damaged streams give one answer for every cut', (seed) => {
    const random = seededRandom(seed)
    for (let round = 0; round < 60; round++) {
      const bytes = damaged(random)
      const whole = new FrameLog().read(bytes).lines
      const pieces: Buffer[] = []
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + Math.floor(random() * 40)
        pieces.push(bytes.subarray(at, at + size))
        at += size
      }
      expect(new FrameLog().read(...pieces).lines, JSON.stringify(bytes.latin1Slice())).toEqual(whole)
    }
  })
})

function withoutRepeats(target: Descriptors): number[] {
  return [...target.rows.subarray(0, target.count * ROW_WORDS)].map((word, i) => (i % ROW_WORDS === 9 ? 0 : word))
}

/** A run of frames with some bytes changed, left out, or put in. */
function damaged(random: () => number): Buffer {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const frames = Array.from({ length: 8 }, () => pick(FRAMES))
  const bytes = [...Buffer.from(frames.join(''))]
  for (let i = 0; i < 1 + random() * 3; i++) {
    const at = Math.floor(random() * bytes.length)
    const value = random() < 0.5 ? Math.floor(random() * 256) : pick([...Buffer.from(' \t\r\n0159PUBHS+-')])
    if (random() < 0.4) bytes[at] = value
    else if (random() < 0.5) bytes.splice(at, 1)
    else bytes.splice(at, 0, value)
  }
  return Buffer.from(bytes)
}
