/** Streams on their way out of a directory and back: nothing is lost, added or renumbered. */
import { describe, expect, it } from 'vitest'
import type { FileSystem } from '@rivulet/store-types'
import { exportDirectory, exportNdjson, importNdjson } from '../../src/doctor/export.js'
import { createHashKernel } from '../../src/hash/create-hash-kernel.js'
import { verifyDirectory } from '../../src/doctor/verify.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { fixtureDisk, fixtureNames, readExpected } from '../support/fixture.js'

const kernel = createHashKernel({ memoryBytes: 16 << 20 })

describe.each(fixtureNames())('%s', (name) => {
  it('is the same after an export to lines and an import', async () => {
    const { key } = readExpected(name).jetstream
    const source = fixtureDisk(name)
    const lines = await linesOf(source, '/', key)

    const target = new SimulatedDisk()
    await importNdjson({ fileSystem: target, directory: '/new', kernel }, inPieces(lines, 777))

    expect(comparable(await linesOf(target, '/new', undefined))).toBe(comparable(lines))
    await expectSameTotals(source, target, key)
  })

})

describe.each(['plain-blocks', 'aes-s2', 'retention', 'ttl', 'damaged-chacha-flip-noindex'])('%s', (name) => {
  it('is the same after an export to a clean directory', async () => {
    const { key } = readExpected(name).jetstream
    const disk = fixtureDisk(name)
    const lines = await linesOf(disk, '/', key)

    await exportDirectory({ fileSystem: disk, directory: '/jetstream', key, to: '/new', kernel })

    expect(comparable(await linesOf(disk, '/new', undefined))).toBe(comparable(lines))
  })
})

describe('an import', () => {
  it('keeps every message of the reference at its sequence and time', async () => {
    const target = new SimulatedDisk()
    await importNdjson({ fileSystem: target, directory: '/new', kernel }, exportNdjson({ fileSystem: fixtureDisk('plain-blocks'), directory: '/' }))

    const expected = readExpected('plain-blocks').accounts['$G']?.['BLK']?.messages ?? []
    const found = (await linesOf(target, '/new/jetstream/$G/streams/BLK', undefined)).split('\n').filter((line) => line.startsWith('{"seq"'))
    expect(found.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(expected.map((message) => message.seq))
    expect(found.map((line) => (JSON.parse(line) as { subject: string }).subject)).toEqual(expected.map((message) => message.subject))
  })

  it('does not touch a stream that is there', async () => {
    const disk = fixtureDisk('kv')
    const before = disk.files()
    const lines = await linesOf(disk, '/', undefined)

    await expect(importNdjson({ fileSystem: disk, directory: '/' }, inPieces(lines, 4096))).rejects.toThrow('is there already')

    expect(disk.files()).toEqual(before)
  })

  it('takes away a stream whose lines end early', async () => {
    const lines = await linesOf(fixtureDisk('plain-single'), '/', undefined)
    const cut = lines.slice(0, lines.lastIndexOf('{"end"'))
    const target = new SimulatedDisk()

    await expect(importNdjson({ fileSystem: target, directory: '/new', kernel }, inPieces(cut, 512))).rejects.toThrow(
      "the input ends inside stream 'ORDERS'",
    )

    expect(target.list('/new/jetstream/$G/streams')).toEqual(['EMPTY'])
  })

  it.each([
    ['{"seq":1,"subject":"a"}', 'line 1: time is not a string'],
    ['not json', "line 1: invalid character 'o' in literal null (expecting 'u')"],
    ['[]', 'line 1: not a JSON object'],
    ['{"what":1}', 'line 1: neither seq, stream, consumer nor end is there'],
    ['\n{"seq":1,"time":"2026-01-01T00:00:00Z","subject":"a"}', 'a message comes before its stream'],
    ['{"stream":"S","format":2}', 'line 1: format 2 is not known, only 1 is'],
    [stream('..'), "'..' is not a name that a directory can have"],
    [stream('a/b'), "'a/b' is not a name that a directory can have"],
    [`${stream('S')}\n${stream('T')}`, "stream 'S' has no end"],
    [`${stream('S')}\n{"end":"S","messages":1}`, "stream 'S' ends after 0 messages, not 1"],
    [stream('S', '"storage":"memory"'), "stream 'S' can not be made here: its storage is memory"],
    [stream('S', '"unheard":1'), 'line 1: json: unknown field "unheard"'],
  ])('refuses %s', async (lines, reason) => {
    const target = new SimulatedDisk()

    await expect(importNdjson({ fileSystem: target, directory: '/new', kernel }, inPieces(lines, 9))).rejects.toThrow(reason)

    expect([...target.files().keys()].filter((path) => path.includes('/streams/'))).toEqual([])
  })

  it('keeps headers, subjects that are not UTF-8 and large gaps', async () => {
    const lines = [
      stream('S', undefined, 9_000_000_000),
      `{"seq":5,"time":"2026-01-02T03:04:05.000000006Z","subject_base64":"${Buffer.from('a.\xff', 'latin1').toString('base64')}"}`,
      `{"seq":8000000000,"time":"2026-01-02T03:04:06Z","subject":"ü.<b>","headers":"${Buffer.from('NATS/1.0\r\nA: 1\r\n\r\n').toString('base64')}","data":"AAH/"}`,
      '{"end":"S","messages":2}',
      '',
    ].join('\n')
    const target = new SimulatedDisk()

    await importNdjson({ fileSystem: target, directory: '/new', kernel }, inPieces(lines, 100))

    const found = (await linesOf(target, '/new', undefined)).split('\n').slice(1)
    expect(found.map((line) => line.replaceAll('\\u003c', '<').replaceAll('\\u003e', '>'))).toEqual(lines.split('\n').slice(1))
    const { streams } = await verifyDirectory({ fileSystem: target, directory: '/new', kernel })
    expect(streams[0]?.totals).toMatchObject({ messageCount: 2, firstSequence: 5, lastSequence: 9_000_000_000 })
    expect(streams[0]?.verdict).toBe('sound')
  })
})

describe('an export', () => {
  it('refuses an encrypted stream without its key before anything is written', async () => {
    const pieces = exportNdjson({ fileSystem: fixtureDisk('chacha'), directory: '/' })

    await expect(pieces.next()).rejects.toThrow('can not be exported: the stream is encrypted and no key was given')
  })
})

function stream(name: string, member = '"max_age":0', lastSequence = 0): string {
  const time = '"2026-01-01T00:00:00Z"'
  return `{"stream":"${name}","format":1,"account":"$G","created":${time},"config":{"name":"${name}","subjects":[">"],${member}},"last_seq":${lastSequence},"last_ts":${time}}`
}

async function linesOf(fileSystem: FileSystem, directory: string, key: string | undefined): Promise<string> {
  let lines = ''
  for await (const piece of exportNdjson({ fileSystem, directory, key, kernel })) lines += piece
  return lines
}

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

/**
 * What damage cost is not lost any more in a clean directory. A configuration without subjects, as one
 * that was lost has, reads back with the stream's name as its subject.
 */
function comparable(lines: string): string {
  return lines.replace(/,"lost":\{[^}]*\}/g, '').replace(/"config":\{"name":"DMG","retention"/, '"config":{"name":"DMG","subjects":["DMG"],"retention"')
}

async function expectSameTotals(source: FileSystem, target: FileSystem, key: string | undefined): Promise<void> {
  const [before, after] = [
    await verifyDirectory({ fileSystem: source, directory: '/', key, kernel }),
    await verifyDirectory({ fileSystem: target, directory: '/new', kernel }),
  ]
  expect(after.verdict).toBe('sound')
  const totals = (report: typeof before) => report.streams.map(({ name, totals: all }) => ({ name, ...all, lost: undefined }))
  expect(totals(after)).toEqual(totals(before))
}
