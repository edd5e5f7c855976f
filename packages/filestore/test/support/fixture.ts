/**
 * Directories written by nats-server 2.15.2 (test/fixtures/reference-2.15.2, README there) and what that
 * server said about them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { SimulatedDisk } from '../../src/simulation.js'
import { readArchive } from './archive.js'

const FOLDER = new URL('../fixtures/reference-2.15.2/', import.meta.url)

export type ExpectedMessage = Readonly<{
  seq: number
  subject: string
  time: string
  hdrs?: string
  size: number
  data?: string
  sha256?: string
}>

export type ExpectedState = Readonly<{
  messages: number
  bytes: number
  first_seq: number
  first_ts: string
  last_seq: number
  last_ts: string
  num_subjects?: number
  num_deleted?: number
  deleted?: readonly number[]
  subjects?: Readonly<Record<string, number>>
}>

export type ExpectedConsumer = Readonly<{
  created: string
  config: Readonly<Record<string, unknown>>
  delivered: Readonly<{ consumer_seq: number; stream_seq: number }>
  ack_floor: Readonly<{ consumer_seq: number; stream_seq: number }>
  num_ack_pending: number
  num_redelivered: number
}>

export type ExpectedStream = Readonly<{
  created: string
  config: Readonly<Record<string, unknown>>
  state: ExpectedState
  messages?: readonly ExpectedMessage[]
  sequences?: readonly number[]
  consumers: Readonly<Record<string, ExpectedConsumer>>
  error?: unknown
}>

export type Expected = Readonly<{
  fixture: string
  stopped: string
  damage?: string
  jetstream: Readonly<{ key?: string; cipher?: string; sync_interval?: string }>
  accounts: Readonly<Record<string, Readonly<Record<string, ExpectedStream>>>>
  acknowledged_before_kill?: unknown
  /** By `<account>/<stream>`. */
  recoverable?: Readonly<
    Record<string, Readonly<{ last_seq: number; messages: readonly ExpectedMessage[]; undecidable?: readonly number[] }>>
  >
}>

export function fixtureNames(): string[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.tar.gz'))
  return names.map((name) => name.slice(0, -'.tar.gz'.length)).sort()
}

export function readExpected(name: string): Expected {
  return JSON.parse(gunzipSync(readFileSync(new URL(`expected/${name}.json.gz`, FOLDER))).toString('utf8')) as Expected
}

/** A disk with the archive's `jetstream` directory at its root. */
export function fixtureDisk(name: string): SimulatedDisk {
  const disk = new SimulatedDisk()
  for (const entry of readArchive(new URL(`${name}.tar.gz`, FOLDER))) {
    if (entry.name.endsWith('/')) {
      disk.makeDirectory(`/${entry.name}`)
      continue
    }
    disk.plant(`/${entry.name}`, entry.bytes)
  }
  return disk
}
