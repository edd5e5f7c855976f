/**
 * The accounts of one server. Two are always there: the global account, where everybody lives who was
 * not put elsewhere, and the system account.
 */
import { Account } from './account.js'

export const GLOBAL_ACCOUNT_NAME = '$G'
export const SYSTEM_ACCOUNT_NAME = '$SYS'

export class Accounts {
  readonly global: Account
  readonly system: Account
  readonly #byName = new Map<string, Account>()

  /** `random`: floats in [0, 1), for choosing queue members. */
  constructor(random: () => number) {
    this.global = new Account(GLOBAL_ACCOUNT_NAME, random)
    this.system = new Account(SYSTEM_ACCOUNT_NAME, random)
    this.#byName.set(GLOBAL_ACCOUNT_NAME, this.global)
    this.#byName.set(SYSTEM_ACCOUNT_NAME, this.system)
  }

  get(name: string): Account | undefined {
    return this.#byName.get(name)
  }

  [Symbol.iterator](): IterableIterator<Account> {
    return this.#byName.values()
  }
}
