/** Directories of the reference are opened with other keys: nothing is lost, and afterwards the new key is enough. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { StoredMessage, SubjectFilter } from '@rivulet/store-types'
import { KeyRing, type EncryptionOptions } from '../../src/cipher/key-ring.js'
import type { SimulatedDisk } from '../../src/simulation.js'
import { fixtureDisk } from '../support/fixture.js'
import { encryptionOf, openFixture, type OpenedStream } from '../support/open-fixture.js'
import { seededRandom } from '../support/seeded-random.js'

const NEW_KEY = 'another key'
const FIXTURES = ['plain-blocks', 's2-blocks', 'chacha', 'chacha-s2', 'aes', 'aes-s2', 'accounts-chacha', 'consumers']

/** Everything that a store says about its stream, as text. */
async function pictureOf({ store, created, recovered }: OpenedStream): Promise<string> {
  const messages: unknown[] = []
  const message = new StoredMessage()
  for (let from = 1; store.loadNext(SubjectFilter.all, from, message) !== 0; from = message.sequence + 1) {
    const { sequence, seconds, nanoseconds } = message
    messages.push([sequence, seconds, nanoseconds, message.subject(), message.headers(), message.payload()])
  }
  const consumers: unknown[] = []
  for (const { name, created: made, config } of store.recoveredConsumers()) {
    const state = (await store.openConsumer(name, made, config)).state()
    consumers.push([name, made, config, { ...state, pending: [...state.pending], redelivered: [...state.redelivered] }])
  }
  const facts = [recovered.config, created, store.state(true), messages, consumers]
  return JSON.stringify(facts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}

async function picturesOf(name: string, disk: SimulatedDisk, encryption: EncryptionOptions | undefined): Promise<Map<string, string>> {
  const opened = await openFixture(name, disk, encryption)
  const pictures = new Map<string, string>()
  for (const [key, stream] of opened.streams) pictures.set(key, await pictureOf(stream))
  await opened.close()
  return pictures
}

/** Every key file, with whether `encryption` alone opens it, and as its own. */
function keyFilesOf(disk: SimulatedDisk, encryption: EncryptionOptions): [path: string, isCurrent: boolean][] {
  const found: [string, boolean][] = []
  for (const [path, bytes] of disk.files()) {
    const match = /^\/jetstream\/([^/]+)\/streams\/([^/]+)\/(?:msgs\/(\d+)\.key|obs\/([^/]+)\/meta\.key|meta\.key)$/.exec(path)
    if (match === null) continue
    const [, account, stream, block, consumer] = match as unknown as [string, string, string, string | undefined, string | undefined]
    const context = block !== undefined ? `${stream}:${block}` : consumer !== undefined ? `${stream}.${consumer}` : stream
    found.push([path, new KeyRing(encryption, account, randomBytes).open(context, bytes)?.isCurrent === true])
  }
  return found
}

const cases = FIXTURES.flatMap((name) =>
  (['chacha', 'aes'] as const).flatMap((cipher) => {
    const old = encryptionOf(name)?.key
    const another: EncryptionOptions = { key: NEW_KEY, cipher, ...(old !== undefined && { previousKey: old }) }
    return old === undefined ? [[name, another] as const] : [[name, another] as const, [name, { key: old, cipher }] as const]
  }),
)

describe.each(cases)('%s opened with %j', (name, encryption) => {
  it('holds the same as before, and the new key and cipher alone open all of it', async () => {
    const disk = fixtureDisk(name)
    const before = await picturesOf(name, disk.fork(), encryptionOf(name))

    const converted = await picturesOf(name, disk, encryption)
    const { previousKey: _, ...alone } = encryption
    const names = [...disk.files().keys()]
    const keys = keyFilesOf(disk, alone)
    const after = await picturesOf(name, disk, alone)

    expect(converted).toEqual(before)
    expect(after).toEqual(before)
    expect(keys.filter(([, isCurrent]) => !isCurrent)).toEqual([])
    const blocks = names.filter((path) => path.endsWith('.blk'))
    expect(blocks.filter((path) => !names.includes(path.replace('.blk', '.key')))).toEqual([])
    expect(names.filter((path) => /rivulet\.(\d|key)|\.broken$/.test(path))).toEqual([])
  })
})

describe.each([
  ['plain-blocks', { key: NEW_KEY, cipher: 'chacha' }],
  ['chacha-s2', { key: NEW_KEY, cipher: 'aes', previousKey: encryptionOf('chacha')!.key }],
  ['aes-s2', { key: encryptionOf('aes')!.key, cipher: 'chacha' }],
] as const)('%s on the way to %j', (name, encryption) => {
  it('survives a power cut inside a change', { timeout: 60_000 }, async () => {
    const base = fixtureDisk(name)
    const before = await picturesOf(name, base.fork(), encryptionOf(name))
    const { previousKey: _, ...alone } = encryption as EncryptionOptions
    const whole = base.fork()
    await picturesOf(name, whole, encryption)
    const random = seededRandom(7)

    // Every third: a conversion has some 300, and those of a block are alike.
    for (let change = 1; change <= whole.changeCount - base.changeCount; change += 3) {
      const disk = base.fork()
      disk.cutAt(disk.changeCount + change)
      const opening = openFixture(name, disk, encryption).then(undefined, () => undefined)
      await Promise.race([opening, untilOff(disk)])
      disk.restorePower(random)

      expect(await picturesOf(name, disk, encryption), `cut in change ${change}`).toEqual(before)
      if (change % 4 !== 1) continue
      expect(await picturesOf(name, disk, alone), `cut in change ${change}, without the previous key`).toEqual(before)
    }
  })
})

it('a full disk interrupts a conversion, and the next opening goes on', async () => {
  const disk = fixtureDisk('plain-blocks')
  const before = await picturesOf('plain-blocks', disk.fork(), undefined)
  disk.addFault({ operation: 'write', path: 'rivulet.', after: 3, times: 1, code: 'ENOSPC' })

  await expect(openFixture('plain-blocks', disk, { key: NEW_KEY })).rejects.toThrow('ENOSPC')
  disk.kill()

  expect(await picturesOf('plain-blocks', disk, { key: NEW_KEY })).toEqual(before)
})

it('a block whose key is lost stays as it is', async () => {
  const name = 'damaged-chacha-no-block-key'
  const disk = fixtureDisk(name)
  const path = '/jetstream/$G/streams/DMG/msgs/2.blk'
  const before = disk.readFile(path)

  await picturesOf(name, disk, { key: NEW_KEY, previousKey: encryptionOf(name)!.key })

  expect(disk.readFile(path)).toEqual(before)
})

/** Nothing that waits for a disk without power ever ends. */
async function untilOff(disk: SimulatedDisk): Promise<void> {
  while (!disk.isOff) await new Promise((resolve) => setImmediate(resolve))
}
