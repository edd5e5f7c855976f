/**
 * The engine of one server: its accounts, and what they use of it together.
 */
import type { StorageKind } from '@rivulet/store-types'
import type { Account } from '@rivulet/accounts'
import { JetStreamAccount } from '../account/jet-stream-account.js'
import { StorageMeter } from '../account/storage-meter.js'
import { API_LEVEL, UNLIMITED_ACCOUNT, type AccountLimits, type JetStreamOptions } from './options.js'

export type EngineUsage = Readonly<{
  memory: number
  storage: number
  reservedMemory: number
  reservedStorage: number
  accounts: number
  streams: number
  consumers: number
  messages: number
  bytes: number
  apiLevel: number
  apiTotal: number
  apiErrors: number
  apiInflight: number
}>

export class JetStream {
  readonly options: JetStreamOptions
  readonly accounts = new Map<string, JetStreamAccount>()
  /** Bytes in use of the whole server. */
  readonly meter = new StorageMeter()

  constructor(options: JetStreamOptions) {
    this.options = options
  }

  /** Recovers the account's streams and consumers and subscribes them. */
  async enableAccount(account: Account, limits: AccountLimits = UNLIMITED_ACCOUNT): Promise<JetStreamAccount> {
    const enabled = new JetStreamAccount(this, account, limits)
    this.accounts.set(account.name, enabled)
    await enabled.recover()
    return enabled
  }

  /** Is the server's storage of that kind used up? Asked per message. */
  isFull(kind: StorageKind, bytes = 0): boolean {
    const { maxMemory, maxStorage } = this.options.limits
    return this.meter.used(kind) + bytes > (kind === 'memory' ? maxMemory : maxStorage)
  }

  /** Can streams reserve `bytes` more? */
  hasRoom(kind: StorageKind, bytes: number): boolean {
    const { maxMemory, maxStorage } = this.options.limits
    let reserved = 0
    for (const account of this.accounts.values()) reserved += account.reserved(kind)
    return reserved + bytes <= (kind === 'memory' ? maxMemory : maxStorage)
  }

  usage(): EngineUsage {
    const total = { reservedMemory: 0, reservedStorage: 0, streams: 0, consumers: 0, messages: 0, bytes: 0 }
    const api = { apiTotal: 0, apiErrors: 0, apiInflight: 0 }
    for (const account of this.accounts.values()) {
      const usage = account.usage()
      total.reservedMemory += usage.reservedMemory
      total.reservedStorage += usage.reservedStorage
      total.streams += usage.streams
      total.consumers += usage.consumers
      for (const stream of account.streams.values()) {
        total.messages += stream.store.messageCount
        total.bytes += stream.store.byteCount
      }
      api.apiTotal += account.api.total
      api.apiErrors += account.api.errors
      api.apiInflight += account.api.inflight
    }
    const { memory, storage } = this.meter
    return { memory, storage, ...total, accounts: this.accounts.size, apiLevel: API_LEVEL, ...api }
  }

  /** Waiting pull requests learn that the server goes; consumers and stores write what they have and close. */
  async shutdown(): Promise<void> {
    await Promise.all([...this.accounts.values()].map((account) => account.shutdown()))
  }
}
