/** The two ways out of a directory: lines of JSON, and a clean directory. */
import type { FileSystem } from '@rivulet/store-types'
import { dumpDirectory } from './dump.js'
import { importEvents, type ImportedStream, type ImportOptions, type PortableCompression } from './import.js'
import { fromNdjson, toNdjson } from './ndjson.js'
import type { DoctorOptions } from './verify.js'

/**
 * Streams as newline-delimited JSON (ndjson.ts), in pieces of whole lines; nothing is written to the
 * directory. Memory is bounded, however long the consumer of the pieces takes.
 * @throws StoreError before the first piece, when a stream can not be read at all
 */
export function exportNdjson(options: DoctorOptions): AsyncGenerator<string> {
  return toNdjson(dumpDirectory(options))
}

/** Makes the streams of such lines in a store directory. @throws as importEvents; StoreError with the line that is wrong */
export function importNdjson(options: ImportOptions, input: AsyncIterable<Uint8Array | string>): Promise<ImportedStream[]> {
  return importEvents(options, fromNdjson(input))
}

/**
 * Copies streams into the store directory `to`, written anew: plain, without damage, with every sequence
 * and time. nats-server opens it.
 * @throws StoreError as importEvents, and when a stream can not be read at all
 */
export function exportDirectory(
  options: DoctorOptions &
    Readonly<{ to: string; targetFileSystem?: FileSystem; compression?: PortableCompression | undefined }>,
): Promise<ImportedStream[]> {
  const fileSystem = options.targetFileSystem ?? options.fileSystem
  const { to: directory, kernel, compression } = options
  return importEvents({ fileSystem, directory, kernel, compression }, dumpDirectory(options))
}
