/**
 * Keys of streams, blocks and consumers (store-format.md sections 4.2 and 4.5).
 *
 * Every encrypted thing has a random seed; its key file holds it sealed under a key that is derived from
 * the configured one:
 *
 *     file = nonce ‖ seal(HMAC-SHA256(configured key, account ‖ context), nonce, seed)
 *
 *     stream    context = name              meta.key        the seed seals meta.inf, index.db
 *     block     context = name ":" index    msgs/N.key      the seed and the file's nonce are the block's stream cipher
 *     consumer  context = name "." consumer obs/<c>/meta.key  the seed seals meta.inf, o.dat
 *
 * What was written under another cipher or the previous key is opened too, and says so: it is written
 * again with the current ones when its stream is opened (conversion/convert-stream.ts).
 */
import { createHmac } from 'node:crypto'
import { assert } from '@rivulet/store-types'
import type { Sealer } from '../meta/meta-files.js'
import { BlockCipher, NONCE_SIZE, TAG_SIZE, openWith, sealWith, type CipherKind } from './ciphers.js'

const SEED_SIZE = 32
const KEY_FILE_SIZE_MIN = 64

export type EncryptionOptions = Readonly<{
  /** Any text; its bytes are the key of the derivation. */
  key: string
  /** @default 'chacha' */
  cipher?: CipherKind
  /** What older files may still be sealed with. */
  previousKey?: string
}>

/** Cryptographically secure random bytes. */
export type RandomBytes = (size: number) => Buffer

/** A seed with the cipher it is used with. */
export class AssetKey {
  readonly kind: CipherKind
  /** Opened with the configured key and cipher. */
  readonly isCurrent: boolean
  readonly #seed: Buffer
  readonly #nonce: Buffer
  readonly #random: RandomBytes

  constructor(parts: { kind: CipherKind; seed: Buffer; nonce: Buffer; isCurrent: boolean; random: RandomBytes }) {
    this.kind = parts.kind
    this.isCurrent = parts.isCurrent
    this.#seed = parts.seed
    this.#nonce = parts.nonce
    this.#random = parts.random
  }

  /** For small files: `nonce ‖ ciphertext ‖ tag`, a new nonce each time. */
  sealer(): Sealer {
    const { kind } = this
    const size = NONCE_SIZE[kind]
    return {
      seal: (plain) => {
        const nonce = this.#random(size)
        return Buffer.concat([nonce, sealWith(kind, this.#seed, nonce, plain)])
      },
      open: (sealed) => {
        if (sealed.length < size + TAG_SIZE) return undefined
        return openWith(kind, this.#seed, sealed.subarray(0, size), sealed.subarray(size))
      },
    }
  }

  /** The bytes of its key file. */
  seal(key: Uint8Array, nonce: Uint8Array): Buffer {
    return sealKey(this.kind, key, nonce, this.#seed)
  }

  /** For the block whose key this is. */
  blockCipher(): BlockCipher {
    return new BlockCipher(this.kind, this.#seed, this.#nonce)
  }
}

export class KeyRing {
  readonly #options: EncryptionOptions
  readonly #account: string
  readonly #random: RandomBytes

  constructor(options: EncryptionOptions, account: string, random: RandomBytes) {
    this.#options = options
    this.#account = account
    this.#random = random
  }

  get cipher(): CipherKind {
    return this.#options.cipher ?? 'chacha'
  }

  /** A new key and the bytes of its file. */
  make(context: string): { key: AssetKey; file: Buffer } {
    const kind = this.cipher
    const seed = this.#random(SEED_SIZE)
    const nonce = this.#random(NONCE_SIZE[kind])
    const file = sealKey(kind, this.#derive(this.#options.key, context), nonce, seed)
    return { key: new AssetKey({ kind, seed, nonce, isCurrent: true, random: this.#random }), file }
  }

  /** A file that holds `asset` under the configured key, in its own cipher. */
  wrap(context: string, asset: AssetKey): Buffer {
    const nonce = this.#random(NONCE_SIZE[asset.kind])
    return asset.seal(this.#derive(this.#options.key, context), nonce)
  }

  /** Whether what the previous key has sealed may still be about. */
  get hasPreviousKey(): boolean {
    return this.#options.previousKey !== undefined && this.#options.previousKey !== ''
  }

  /** The key in `file`; undefined when no configured key opens it. */
  open(context: string, file: Uint8Array): AssetKey | undefined {
    if (file.length < KEY_FILE_SIZE_MIN) return undefined
    const { key, previousKey } = this.#options
    const other = this.cipher === 'chacha' ? 'aes' : 'chacha'
    for (const configured of this.hasPreviousKey ? [key, previousKey as string] : [key]) {
      for (const kind of [this.cipher, other] as const) {
        const nonce = Buffer.from(file.subarray(0, NONCE_SIZE[kind]))
        const seed = openWith(kind, this.#derive(configured, context), nonce, file.subarray(nonce.length))
        if (seed?.length !== SEED_SIZE) continue
        const isCurrent = configured === key && kind === this.cipher
        return new AssetKey({ kind, seed, nonce, isCurrent, random: this.#random })
      }
    }
    return undefined
  }

  #derive(configured: string, context: string): Buffer {
    return createHmac('sha256', configured).update(this.#account).update(context).digest()
  }
}

/** The bytes of a key file. */
export function sealKey(kind: CipherKind, key: Uint8Array, nonce: Uint8Array, seed: Uint8Array): Buffer {
  assert(seed.length === SEED_SIZE, 'a seed has 32 bytes')
  return Buffer.concat([nonce, sealWith(kind, key, nonce, seed)])
}
