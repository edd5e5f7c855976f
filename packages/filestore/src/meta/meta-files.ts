/**
 * `meta.inf` and `meta.sum` of a stream or a consumer, and the copy that we keep beside them.
 *
 *     meta.inf        JSON, sealed when the directory has a key
 *     meta.sum        16 hex digits: hash of meta.inf's bytes under the owner's name
 *     rivulet.meta    the same 16 digits, then the same bytes: our copy; nats-server ignores it
 *
 * Written in the order copy, meta.inf, meta.sum, so a crash leaves a meta.inf that its copy confirms.
 * What a reader does, first match wins (each row a test in test/meta/meta-files.test.ts):
 *
 *     meta.inf               meta.sum        copy             result
 *     reads                  matches         any              meta.inf
 *     reads                  does not match  same bytes       meta.inf; the sum is rewritten
 *     any                    does not match  matches the sum  the copy; both are rewritten
 *     reads                  does not match  anything else    meta.inf; the sum is rewritten
 *     does not read          any             sound            the copy; both are rewritten
 *     does not read          any             missing, broken  nothing: the caller goes on without
 *
 * Where the first row holds, the copy is not read. An unknown field does not make a file unreadable: it is reported
 * and left out.
 */
import { join } from 'node:path'
import { JsonShapeError, parseJson, writeJson, type FileSystem, type JsonValue, type JsonWritable } from '@rivulet/store-types'
import { readFileIfPresent, replaceFiles, type FileContents } from '../atomic-file.js'
import { hashOf, type HashKernel } from '../hash/hash-kernel.js'

export const META_FILE = 'meta.inf'
export const META_SUM_FILE = 'meta.sum'
export const META_COPY_FILE = 'rivulet.meta'
const SUM_DIGITS = 16
const OPENING_BRACE = 0x7b

/** Seals small files of an encrypted directory (store-format.md section 4). */
export interface Sealer {
  seal(plain: Uint8Array): Buffer
  /** Undefined when the bytes were not sealed with this key, or were changed. */
  open(sealed: Uint8Array): Buffer | undefined
}

export type MetaPlace = Readonly<{
  fileSystem: FileSystem
  kernel: HashKernel
  directory: string
  /** What the sum is keyed with: the stream's name, or `<stream>/<consumer>`. */
  hashName: string
  sealer?: Sealer | undefined
}>

/** Turns the JSON into what it stands for. @throws JsonShapeError */
export type MetaParser<T> = (value: JsonValue, options: Readonly<{ strict: boolean }>) => T

export type MetaReading<T> = Readonly<{
  /** Undefined when nothing could be read. */
  meta: T | undefined
  /** What was wrong, as sentences; empty when nothing was. */
  problems: readonly string[]
  /** The files are not what they should be: write them again before the directory is used. */
  needsRewrite: boolean
}>

/** Never throws for what it finds in the files; errors of the disk pass through. */
export function readMetaFiles<T>(place: MetaPlace, parse: MetaParser<T>): MetaReading<T> {
  const problems: string[] = []
  const path = join(place.directory, META_FILE)
  const bytes = readFileIfPresent(place.fileSystem, path)
  const sum = readFileIfPresent(place.fileSystem, join(place.directory, META_SUM_FILE))?.toString('latin1')
  const isSummed = bytes !== undefined && sum === sumOf(place, bytes)
  if (isSummed) {
    const meta = parseMeta(place, { bytes, path }, parse, problems)
    if (meta !== undefined) return { meta, problems, needsRewrite: false }
  }
  const copy = readCopy(place)
  const isCopySummed = copy !== undefined && sum === sumOf(place, copy)
  if (!isSummed && bytes !== undefined) {
    problems.push(sumProblem(place, sum))
    const isConfirmed = copy !== undefined && bytes.equals(copy)
    const meta = isConfirmed || !isCopySummed ? parseMeta(place, { bytes, path }, parse, problems) : undefined
    if (meta !== undefined) return { meta, problems, needsRewrite: true }
  }
  if (bytes === undefined) problems.push(`${path} is missing`)
  if (copy === undefined) return { meta: undefined, problems, needsRewrite: false }

  problems.push(`the copy in ${join(place.directory, META_COPY_FILE)} is used instead`)
  const meta = parseMeta(place, { bytes: copy, path: join(place.directory, META_COPY_FILE) }, parse, problems)
  return { meta, problems, needsRewrite: meta !== undefined }
}

/**
 * Writes the copy, meta.inf and meta.sum. `keepsOld` keeps the meta.inf that is there as `meta.inf.broken`:
 * nothing is deleted because it could not be understood.
 */
export async function replaceMetaFiles(
  place: MetaPlace,
  json: JsonWritable,
  options: Readonly<{ isSynced: boolean; keepsOld?: boolean }>,
): Promise<void> {
  const { fileSystem, directory } = place
  const plain = Buffer.from(writeJson(json), 'utf8')
  const bytes = place.sealer === undefined ? plain : place.sealer.seal(plain)
  const sum = Buffer.from(sumOf(place, bytes), 'latin1')
  const files: FileContents[] = [
    { name: META_COPY_FILE, bytes: Buffer.concat([sum, bytes]) },
    { name: META_FILE, bytes },
    { name: META_SUM_FILE, bytes: sum },
  ]
  const old = options.keepsOld ? readFileIfPresent(fileSystem, join(directory, META_FILE)) : undefined
  if (old !== undefined && !old.equals(bytes)) files.unshift({ name: `${META_FILE}.broken`, bytes: old })
  await replaceFiles(fileSystem, directory, files, { isSynced: options.isSynced })
}

function parseMeta<T>(
  place: MetaPlace,
  file: Readonly<{ bytes: Buffer; path: string }>,
  parse: MetaParser<T>,
  problems: string[],
): T | undefined {
  const { bytes, path } = file
  if (bytes.length === 0) {
    problems.push(`${path} is empty`)
    return undefined
  }
  const opened = place.sealer === undefined ? bytes : place.sealer.open(bytes)
  if (opened === undefined && bytes[0] !== OPENING_BRACE) {
    problems.push(`${path} can not be decrypted with the configured key`)
    return undefined
  }
  try {
    // Written before encryption was switched on it is plain.
    const value = parseJson(opened ?? bytes)
    try {
      return parse(value, { strict: true })
    } catch (error) {
      if (!(error instanceof JsonShapeError)) throw error
      const meta = parse(value, { strict: false })
      problems.push(`${path}: ${error.message}`)
      return meta
    }
  } catch (error) {
    problems.push(`${path}: ${(error as Error).message}`)
    return undefined
  }
}

/** The bytes of the copy when its own sum confirms them. */
function readCopy(place: MetaPlace): Buffer | undefined {
  const file = readFileIfPresent(place.fileSystem, join(place.directory, META_COPY_FILE))
  if (file === undefined || file.length <= SUM_DIGITS) return undefined
  const bytes = file.subarray(SUM_DIGITS)
  return file.toString('latin1', 0, SUM_DIGITS) === sumOf(place, bytes) ? bytes : undefined
}

function sumOf(place: MetaPlace, bytes: Uint8Array): string {
  return hashOf(place.kernel, place.hashName, bytes).toString('hex')
}

function sumProblem(place: MetaPlace, sum: string | undefined): string {
  const path = join(place.directory, META_SUM_FILE)
  return sum === undefined ? `${path} is missing` : `${path} does not match ${META_FILE}`
}
