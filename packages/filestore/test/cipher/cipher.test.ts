import { createHmac, randomBytes } from 'node:crypto'
import { ctr, gcm } from '@noble/ciphers/aes.js'
import { xchacha20, xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { describe, expect, it } from 'vitest'
import { BlockCipher, NONCE_SIZE, openWith, sealWith } from '../../src/cipher/ciphers.js'
import { KeyRing, sealKey } from '../../src/cipher/key-ring.js'
import { seededRandom } from '../support/seeded-random.js'

const KINDS = ['chacha', 'aes'] as const
const RECORD_A = '2d000000010000000000000000002a36fe9c97170a006f72646572732e6e657768656c6c6f7d28f55830ba6f76'

/** Section 12 of the examples: key `s3cr3t!!`, account `$G`, seed 40..5f, nonce 00 01 02 ... */
const EXAMPLES = {
  aes: {
    keyFile:
      '000102030405060708090a0b0c0d0e0ff18b88d11e13f55108d5830ff7ac3a93b22ea6be8e54afe4ada9a42716ba7f5826554ddcc323bfddcbd3bde8591d457f',
    record: 'fd5d67e002c8a374a589ef3596f38b92a3429d7a2913d9c8f122b3774ea526c79e5c9953ad2cd0e466c378b43a',
  },
  chacha: {
    keyFile:
      '000102030405060708090a0b0c0d0e0f10111213141516174121a2f11e2b441b30e449e2943e49392c7e8fa68627680460ebca55aaed08f93660b7e1ebf5cf3a93438d39778063a9',
    record: '6dbaeb4fa2bd94090784ca755fb0858e1740e015670fd5bf148c06914a3c5250cff85574bafc235fbabf19f85f',
  },
} as const

const counting = (from: number, size: number) => Buffer.from(Array.from({ length: size }, (_, i) => from + i))

describe.each(KINDS)('the %s ciphers', (kind) => {
  const ring = new KeyRing({ key: 's3cr3t!!', cipher: kind }, '$G', randomBytes)

  it('give the worked example of the format page', () => {
    const derived = createHmac('sha256', 's3cr3t!!').update('$GORDERS:1').digest()
    const nonce = counting(0, NONCE_SIZE[kind])
    expect(sealKey(kind, derived, nonce, counting(0x40, 32)).toString('hex')).toBe(EXAMPLES[kind].keyFile)

    const key = ring.open('ORDERS:1', Buffer.from(EXAMPLES[kind].keyFile, 'hex'))
    const encrypted = key!.blockCipher().apply(Buffer.from(RECORD_A, 'hex'), 0)

    expect(encrypted.toString('hex')).toBe(EXAMPLES[kind].record)
  })

  it('agree with @noble/ciphers on every size', () => {
    for (const size of [0, 1, 15, 16, 17, 63, 64, 65, 1000]) {
      const [key, nonce, plain] = [randomBytes(32), randomBytes(NONCE_SIZE[kind]), randomBytes(size)]
      const reference = kind === 'aes' ? gcm(key, nonce) : xchacha20poly1305(key, nonce)
      const stream = kind === 'aes' ? ctr(key, nonce).encrypt(plain) : xchacha20(key, nonce, plain)

      const sealed = reference.encrypt(plain)

      expect(sealWith(kind, key, nonce, plain)).toEqual(Buffer.from(sealed))
      expect(openWith(kind, key, nonce, sealed)).toEqual(plain)
      expect(new BlockCipher(kind, key, nonce).apply(plain, 0)).toEqual(Buffer.from(stream))
    }
  })

  it('encrypt a block the same, in whatever pieces and order', () => {
    const random = seededRandom(3)
    const [key, nonce, plain] = [randomBytes(32), Buffer.alloc(NONCE_SIZE[kind], 0xff), randomBytes(5000)]
    const whole = new BlockCipher(kind, key, nonce).apply(plain, 0)
    const cipher = new BlockCipher(kind, key, nonce)
    for (let run = 0; run < 300; run++) {
      const from = Math.floor(random() * 5000)
      const to = from + Math.floor(random() * (5000 - from))
      expect(cipher.apply(plain.subarray(from, to), from).equals(whole.subarray(from, to))).toBe(true)
      if (to + 10 <= 5000) {
        expect(cipher.apply(whole.subarray(to, to + 10), to).equals(plain.subarray(to, to + 10))).toBe(true)
      }
    }
  })

  it('refuse what was changed anywhere', () => {
    const sealer = ring.make('ORDERS').key.sealer()
    const sealed = sealer.seal(Buffer.from('configuration'))

    expect(sealer.open(sealed)?.toString()).toBe('configuration')
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed[at]! ^= 1
      expect(sealer.open(changed)).toBeUndefined()
      expect(sealer.open(sealed.subarray(0, at))).toBeUndefined()
    }
  })

  it('seal the same text differently each time', () => {
    const sealer = ring.make('ORDERS').key.sealer()

    expect(sealer.seal(Buffer.from('x'))).not.toEqual(sealer.seal(Buffer.from('x')))
  })
})

describe('a key ring', () => {
  const ring = (key: string, cipher: 'chacha' | 'aes', previousKey?: string) =>
    new KeyRing({ key, cipher, ...(previousKey && { previousKey }) }, '$G', randomBytes)

  it('opens what it made, for the same thing of the same account only', () => {
    const { file } = ring('k', 'chacha').make('S')

    expect(ring('k', 'chacha').open('S', file)?.isCurrent).toBe(true)
    expect(ring('k', 'chacha').open('T', file)).toBeUndefined()
    expect(new KeyRing({ key: 'k' }, 'OTHER', randomBytes).open('S', file)).toBeUndefined()
    expect(ring('wrong', 'chacha').open('S', file)).toBeUndefined()
  })

  it('opens keys of the other cipher and of the previous key, and says so', () => {
    for (const cipher of KINDS) {
      const { file } = ring('old', cipher).make('S')

      expect(ring('old', cipher === 'aes' ? 'chacha' : 'aes').open('S', file)).toMatchObject({ kind: cipher, isCurrent: false })
      expect(ring('new', 'chacha', 'old').open('S', file)).toMatchObject({ kind: cipher, isCurrent: false })
    }
  })

  it('refuses a key file cut anywhere', () => {
    const { file } = ring('k', 'aes').make('S')
    for (let size = 0; size < file.length; size++) expect(ring('k', 'aes').open('S', file.subarray(0, size))).toBeUndefined()
  })
})
