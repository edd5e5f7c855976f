/**
 * The engine of one server: its accounts, and what they use of it together.
 */
import type { Account } from '@rivulet/accounts'
import { JetStreamAccount } from '../account/jet-stream-account.js'
import { UNLIMITED_ACCOUNT, type AccountLimits, type JetStreamOptions } from './options.js'

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

  constructor(options: JetStreamOptions) {
    this.options = options
  }

  /** Recovers the account's streams and consumers and subscribes them. */
  async enableAccount(account: Account, limits: AccountLimits = UNLIMITED_ACCOUNT): Promise<JetStreamAccount> {
    const entry = new JetStreamAccount(this, account, limits)
    this.accounts.set(account.name, entry)
    await entry.recover()
    return entry
  }
}
