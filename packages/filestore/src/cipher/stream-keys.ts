/**
 * The keys of one encrypted stream: `meta.key` for its small files, `msgs/N.key` for its blocks,
 * `obs/<consumer>/meta.key` for its consumers. Rules: key-ring.ts.
 *
 * A block without a key file is a plain one, from before encryption was switched on. A key file that no
 * configured key opens makes its block unreadable; both stay where they are.
 */
import { join } from 'node:path'
import { RecordCorruptError, type FileSystem } from '@rivulet/store-types'
import { readFileIfPresent, replaceFiles } from '../atomic-file.js'
import type { Sealer } from '../meta/meta-files.js'
import type { BlockCipher } from './ciphers.js'
import type { AssetKey, KeyRing } from './key-ring.js'

export const META_KEY_FILE = 'meta.key'
/** Ours, while the files of a directory are sealed anew: the key before, or nothing where they were plain. */
export const OLDER_KEY_FILE = 'rivulet.key'

export class StreamKeys {
  readonly #fileSystem: FileSystem
  readonly #ring: KeyRing
  readonly #streamName: string
  /** Seals index.db. */
  readonly sealer: Sealer
  readonly #ciphers = new Map<number, BlockCipher>()

  constructor(parts: { fileSystem: FileSystem; ring: KeyRing; streamName: string; sealer: Sealer }) {
    this.#fileSystem = parts.fileSystem
    this.#ring = parts.ring
    this.#streamName = parts.streamName
    this.sealer = parts.sealer
  }

  /**
   * The cipher of block `index` in `directory`; undefined for a plain block.
   * @throws RecordCorruptError when its key file can not be opened
   */
  cipherOf(directory: string, index: number): BlockCipher | undefined {
    const known = this.#ciphers.get(index)
    if (known !== undefined) return known
    const path = join(directory, `${index}.key`)
    const file = readFileIfPresent(this.#fileSystem, path)
    if (file === undefined) return undefined
    const key = this.#ring.open(`${this.#streamName}:${index}`, file)
    if (key === undefined) throw new RecordCorruptError({ file: path, offset: 0 }, 'no configured key opens it')
    return this.#keep(index, key)
  }

  /** Makes the key of a new block; its bytes are on disk when this returns, its name with the directory. */
  makeCipher(directory: string, index: number): BlockCipher {
    const { key, file } = this.#ring.make(`${this.#streamName}:${index}`)
    const path = join(directory, `${index}.key`)
    const open = this.#fileSystem.open(`${path}.tmp`, 'replace')
    try {
      open.write(file, 0, file.length, 0)
      open.syncNow()
    } finally {
      open.close()
    }
    this.#fileSystem.rename(`${path}.tmp`, path)
    return this.#keep(index, key)
  }

  remove(directory: string, index: number): void {
    this.#ciphers.delete(index)
    this.#fileSystem.remove(join(directory, `${index}.key`))
  }

  /** The sealer of a consumer whose key is there and can be opened. */
  knownConsumerSealer(name: string, directory: string): Sealer | undefined {
    return readSealer(this.#fileSystem, this.#ring, this.#consumerContext(name), directory)
  }

  /** As `knownConsumerSealer`, with a new key when there is none that opens. */
  async consumerSealer(name: string, directory: string, isSynced: boolean): Promise<Sealer> {
    return (
      this.knownConsumerSealer(name, directory) ??
      (await makeKey(this.#fileSystem, this.#ring, { context: this.#consumerContext(name), directory, isSynced })).sealer()
    )
  }

  #consumerContext(name: string): string {
    return `${this.#streamName}.${name}`
  }

  #keep(index: number, key: AssetKey): BlockCipher {
    const cipher = key.blockCipher()
    this.#ciphers.set(index, cipher)
    return cipher
  }
}

/** Writes a new `meta.key`; one that is there and can not be opened is kept as `meta.key.broken`. */
export async function makeKey(
  fileSystem: FileSystem,
  ring: KeyRing,
  place: Readonly<{ context: string; directory: string; isSynced: boolean }>,
): Promise<AssetKey> {
  const { key, file } = ring.make(place.context)
  const old = readFileIfPresent(fileSystem, join(place.directory, META_KEY_FILE))
  const files = [{ name: META_KEY_FILE, bytes: file }]
  if (old !== undefined && ring.open(place.context, old) === undefined) {
    files.unshift({ name: `${META_KEY_FILE}.broken`, bytes: old })
  }
  await replaceFiles(fileSystem, place.directory, files, { isSynced: place.isSynced })
  return key
}

/**
 * Seals a stream's or a consumer's small files, and opens them; while they are sealed anew it opens what the
 * key before has sealed, too. Undefined when there is no key, or none that opens.
 */
export function readSealer(fileSystem: FileSystem, ring: KeyRing, context: string, directory: string): Sealer | undefined {
  const open = (name: string) => {
    const file = readFileIfPresent(fileSystem, join(directory, name))
    return file === undefined ? undefined : ring.open(context, file)
  }
  const sealer = open(META_KEY_FILE)?.sealer()
  const older = sealer && open(OLDER_KEY_FILE)?.sealer()
  if (sealer === undefined || older === undefined) return sealer
  return { seal: (plain) => sealer.seal(plain), open: (sealed) => sealer.open(sealed) ?? older.open(sealed) }
}
