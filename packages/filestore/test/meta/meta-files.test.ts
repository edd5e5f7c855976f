import { describe, expect, it, vi } from 'vitest'
import { completeStreamConfig } from '@rivulet/store-types'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import type { MetaPlace } from '../../src/meta/meta-files.js'
import { guessStreamMeta, readStreamMeta, unsupportedLevel, writeStreamMeta } from '../../src/meta/stream-meta.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { seededRandom } from '../support/seeded-random.js'

/** The worked example of the format page. */
const EXAMPLE =
  '{"Created":"2024-05-01T12:00:00Z","name":"ORDERS","subjects":["orders.\\u003e"],"retention":"limits","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msgs_per_subject":-1,"max_msg_size":-1,"discard":"old","storage":"file","num_replicas":1,"duplicate_window":120000000000,"compression":"none","allow_direct":false,"mirror_direct":false,"sealed":false,"deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":false,"consumer_limits":{},"allow_msg_ttl":false,"metadata":{"_nats.req.level":"0"}}'
const EXAMPLE_SUM = 'f7274ff42aac6f84'
const GARBAGE = Buffer.from('\x89garbage', 'latin1')

function setUp(disk = new SimulatedDisk()) {
  const place: MetaPlace = {
    fileSystem: disk,
    kernel: createTypeScriptHashKernel(),
    directory: '/ORDERS',
    hashName: 'ORDERS',
  }
  const put = (name: string, bytes: string | Buffer) => disk.plant(`/ORDERS/${name}`, Buffer.from(bytes))
  return { disk, place, put }
}

/** meta.inf with max_msgs, its sum and copy, as our writer leaves them. */
async function written(maxMessages: number) {
  const made = setUp()
  made.disk.makeDirectory('/ORDERS')
  made.disk.syncDirectoryNow('/')
  await writeStreamMeta(made.place, metaWith(maxMessages), { isSynced: true })
  return made
}

const metaWith = (maxMessages: number) => ({
  created: 5_000_000_000n,
  config: completeStreamConfig({ name: 'ORDERS', subjects: ['orders.>'], maxMessages }),
})

describe('meta.inf and meta.sum', () => {
  it('are the worked example of the format page', async () => {
    const { disk, place, put } = setUp()
    put('meta.inf', EXAMPLE)
    put('meta.sum', EXAMPLE_SUM)
    const reading = readStreamMeta(place)
    expect(reading).toMatchObject({ problems: [], needsRewrite: false, meta: { config: { name: 'ORDERS' } } })

    await writeStreamMeta(place, reading.meta!, { isSynced: true })

    expect(disk.readFile('/ORDERS/meta.inf').toString()).toBe(EXAMPLE)
    expect(disk.readFile('/ORDERS/meta.sum').toString()).toBe(EXAMPLE_SUM)
  })

  it('are all that is read while they match', async () => {
    const { disk, place } = await written(3)
    const read = vi.spyOn(disk, 'readFile')

    expect(readStreamMeta(place).meta?.config.maxMessages).toBe(3)

    expect(read.mock.calls.flat()).toEqual(['/ORDERS/meta.inf', '/ORDERS/meta.sum'])
  })

  it.each([
    ['sum missing', 'meta.sum', undefined, 'meta.sum is missing'],
    ['sum of something else', 'meta.sum', '0000000000000000', 'does not match'],
    ['meta.inf missing', 'meta.inf', undefined, 'meta.inf is missing'],
    ['meta.inf empty', 'meta.inf', '', 'copy'],
    ['meta.inf garbage', 'meta.inf', GARBAGE, 'copy'],
    ['a flipped digit that still reads', 'meta.inf', EXAMPLE, 'copy'],
  ])('are repaired: %s', async (_case, name, bytes, problem) => {
    const { disk, place, put } = await written(42)
    if (bytes === undefined) disk.loseEntry(`/ORDERS/${name}`)
    else put(name, bytes)

    const reading = readStreamMeta(place)

    expect(reading.meta?.config.maxMessages).toBe(42)
    expect(reading.problems.join('; ')).toContain(problem)
    expect(reading.needsRewrite).toBe(true)
    await writeStreamMeta(place, reading.meta!, { isSynced: true, keepsOld: true })
    expect(readStreamMeta(place)).toMatchObject({ problems: [], needsRewrite: false })
  })

  it('without a copy are used when meta.inf reads, whatever the sum says', () => {
    const { place, put } = setUp()
    put('meta.inf', EXAMPLE)
    put('meta.sum', '0000000000000000')

    expect(readStreamMeta(place)).toMatchObject({ meta: { config: { name: 'ORDERS' } }, needsRewrite: true })
  })

  it('without a copy give nothing when meta.inf does not read, and the caller guesses', () => {
    const { place, put } = setUp()
    put('meta.inf', GARBAGE)

    expect(readStreamMeta(place)).toMatchObject({ meta: undefined, needsRewrite: false })
    expect(guessStreamMeta('/x/ORDERS', 'lost').config).toMatchObject({
      name: 'ORDERS',
      subjects: [],
      maxMessages: -1,
      metadata: { 'rivulet.recovered': 'lost' },
    })
  })

  it('with an unknown field are served without it, and the field is named', () => {
    const { place, put } = setUp()
    put('meta.inf', EXAMPLE.replace('{', '{"from_the_future":1,'))

    const reading = readStreamMeta(place)

    expect(reading.meta?.config.subjects).toEqual(['orders.>'])
    expect(reading.problems.join()).toContain('from_the_future')
  })

  it('cut or flipped anywhere give the configuration, an older one, or nothing, and never throw', () => {
    const random = seededRandom(1)
    for (let run = 0; run < 600; run++) {
      const { place, put } = setUp()
      const bytes = Buffer.from(EXAMPLE)
      if (run < bytes.length) put('meta.inf', bytes.subarray(0, run))
      else {
        bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8)
        put('meta.inf', bytes)
      }
      expect(() => readStreamMeta(place)).not.toThrow()
    }
  })

  it('are the old or the new ones after a power cut during a write', async () => {
    const { disk, place } = await written(1)
    const images: SimulatedDisk[] = []
    disk.onChange = () => void images.push(disk.fork())
    await writeStreamMeta(place, metaWith(2), { isSynced: true })
    images.push(disk)
    for (const [index, image] of images.entries()) {
      for (let seed = 0; seed < 30; seed++) {
        const fork = image.fork()
        fork.restorePower(seededRandom(index * 1000 + seed))
        const { maxMessages } = readStreamMeta(setUp(fork).place).meta!.config
        if (image === disk) expect(maxMessages).toBe(2)
        else expect([1, 2]).toContain(maxMessages)
      }
    }
  })
})

it('a stream that needs a newer API level is named as the reference names it', () => {
  expect(unsupportedLevel({ '_nats.req.level': '6' })).toBe(
    'unsupported - required API level: 6, current API level: 5',
  )
  expect(unsupportedLevel({ '_nats.req.level': '5' })).toBeUndefined()
  expect(unsupportedLevel(undefined)).toBeUndefined()
})
