/**
 * What a client says about itself in CONNECT (server.md section 2.3).
 *
 * Member names are taken in any case, `null` counts as absent, unknown members are passed over. A further
 * CONNECT changes the members it names and keeps the others.
 */
import { textOf } from '@rivulet/store-types'

const BOOLEANS = ['verbose', 'pedantic', 'echo', 'headers', 'no_responders', 'tls_required', 'new_account'] as const
const TEXTS = ['name', 'lang', 'version', 'user', 'pass', 'auth_token', 'nkey', 'sig', 'jwt', 'account'] as const

/** The protocol number must be written as an integer: 1e0 and 1.5 are not. */
const FRACTION = /"protocol"\s*:\s*-?\d+[.eE]/i

export class ConnectOptions {
  verbose = true
  pedantic = true
  echo = true
  headers = false
  no_responders = false
  tls_required = false
  new_account = false
  protocol = 0
  name = ''
  lang = ''
  version = ''
  user: string | undefined
  pass: string | undefined
  auth_token: string | undefined
  nkey: string | undefined
  sig: string | undefined
  jwt: string | undefined
  account = ''

  /** Takes over what the JSON text (wire text) names. False: not JSON, or a member of a wrong type. */
  merge(json: string): boolean {
    const text = textOf(json)
    let document: unknown
    try {
      document = JSON.parse(text)
    } catch {
      return false
    }
    if (document === null) return true
    if (typeof document !== 'object' || Array.isArray(document) || FRACTION.test(text)) return false
    return Object.entries(document).every(([name, value]) => value === null || this.#set(name.toLowerCase(), value))
  }

  #set(name: string, value: unknown): boolean {
    const boolean = BOOLEANS.find((known) => known === name)
    if (boolean) return typeof value === 'boolean' && this.#setBoolean(boolean, value)
    const member = TEXTS.find((known) => known === name)
    if (member) return typeof value === 'string' && this.#setText(member, value)
    if (name !== 'protocol') return true
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return false
    this.protocol = value
    return true
  }

  #setBoolean(name: (typeof BOOLEANS)[number], value: boolean): boolean {
    this[name] = value
    return true
  }

  #setText(name: (typeof TEXTS)[number], value: string): boolean {
    this[name] = value
    return true
  }
}
