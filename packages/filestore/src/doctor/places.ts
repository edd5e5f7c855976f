/**
 * Finds the streams in what a user names: a store directory, its `jetstream`, an account or one stream.
 *
 *     <store>/jetstream/<account>/streams/<name>/{meta.inf, msgs/, obs/}
 *
 * The account is part of the keys of encrypted streams, so a stream is only known in this layout.
 */
import { basename, dirname, join, resolve } from 'node:path'
import { StoreError, type FileSystem } from '@rivulet/store-types'
import { listIfPresent } from '../atomic-file.js'
import { META_FILE } from '../meta/meta-files.js'
import { BLOCKS_DIRECTORY, listStreamDirectories } from '../stream-directory.js'

const STREAMS_DIRECTORY = 'streams'
const JETSTREAM_DIRECTORY = 'jetstream'

export type AccountPlace = Readonly<{
  account: string
  directory: string
  /** Names of the streams that were asked for, sorted. */
  streams: readonly string[]
}>

export type Selection = Readonly<{
  fileSystem: FileSystem
  directory: string
  /** @default all */
  account?: string | undefined
  /** @default all */
  stream?: string | undefined
}>

/** @throws StoreError STORE_INVALID_OPTION when `directory` is none of the four, or holds nothing of that name */
export function findAccounts(selection: Selection): AccountPlace[] {
  const { fileSystem, account, stream } = selection
  const directory = resolve(selection.directory)
  if (fileSystem.stat(directory)?.isDirectory !== true) throw notFound(`${directory} is not a directory`)
  const found = accountDirectories(fileSystem, directory)
  const only = isStream(fileSystem, directory) ? basename(directory) : undefined
  const places: AccountPlace[] = []
  for (const path of found) {
    if (account !== undefined && basename(path) !== account) continue
    const names = listStreamDirectories(fileSystem, join(path, STREAMS_DIRECTORY))
    const streams = names.filter((name) => (only ?? name) === name && (stream ?? name) === name)
    if (streams.length > 0) places.push({ account: basename(path), directory: path, streams })
  }
  if (places.length === 0 && account !== undefined) throw notFound(`${directory} holds no account '${account}' with streams`)
  if (places.length === 0 && stream !== undefined) throw notFound(`${directory} holds no stream '${stream}'`)
  return places
}

/** The store directory that an account's directory belongs to: the parent of `jetstream`, else of the account. */
export function storeDirectoryOf(accountDirectory: string): string {
  const parent = dirname(accountDirectory)
  return basename(parent) === JETSTREAM_DIRECTORY ? dirname(parent) : parent
}

export function accountDirectoryIn(storeDirectory: string, account: string): string {
  return join(storeDirectory, JETSTREAM_DIRECTORY, account)
}

export function streamDirectoryIn(accountDirectory: string, name: string): string {
  return join(accountDirectory, STREAMS_DIRECTORY, name)
}

function accountDirectories(fileSystem: FileSystem, directory: string): string[] {
  if (isStream(fileSystem, directory)) {
    const streams = dirname(directory)
    if (basename(streams) === STREAMS_DIRECTORY) return [dirname(streams)]
    throw notFound(`${directory} is a stream outside of <account>/streams: its account is not known`)
  }
  if (isDirectory(fileSystem, join(directory, STREAMS_DIRECTORY))) return [directory]
  const inner = join(directory, JETSTREAM_DIRECTORY)
  const jetstream = isDirectory(fileSystem, inner) ? inner : directory
  const accounts = listIfPresent(fileSystem, jetstream)
    .map((name) => join(jetstream, name))
    .filter((path) => isDirectory(fileSystem, join(path, STREAMS_DIRECTORY)))
  const isKnown = jetstream === inner || basename(jetstream) === JETSTREAM_DIRECTORY || accounts.length > 0
  if (!isKnown) throw notFound(`${directory} is no store directory, account or stream`)
  return accounts
}

function isStream(fileSystem: FileSystem, directory: string): boolean {
  if (isDirectory(fileSystem, join(directory, STREAMS_DIRECTORY))) return false
  return isDirectory(fileSystem, join(directory, BLOCKS_DIRECTORY)) || fileSystem.stat(join(directory, META_FILE)) !== undefined
}

function isDirectory(fileSystem: FileSystem, path: string): boolean {
  return fileSystem.stat(path)?.isDirectory === true
}

function notFound(text: string): StoreError {
  return new StoreError('STORE_INVALID_OPTION', text)
}
