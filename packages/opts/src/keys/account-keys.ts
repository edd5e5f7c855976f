/** The keys of `accounts` and `mappings`: known, not served. */
import { isValidSubject } from '@rivulet/store-types'
import { type ConfigNode, textOfValue, typeNameOf } from '../language/config-node.js'
import { isPublicNkey } from '../values/nkey-text.js'
import { parseGoDuration } from '../values/go-duration.js'
import { quote } from '../values/quote.js'
import { userKeys } from './authorization-keys.js'
import { type Entry, type Field, known, readFields, type ReadValue, reportType } from './field.js'
import { permissions } from './permission-keys.js'
import { anything, block, blocks, flag, integer, text } from './readers.js'
import type { Report } from './report.js'

const RESERVED_ACCOUNTS = ['$G']

export const accounts: ReadValue<unknown> = ({ node }, target, report) => {
  if (node.kind !== 'map') return
  for (const [name, account] of node.value) {
    if (account.isUsedVariable) continue
    const wrong = (reason: string) => report.error(account.place, 'CONFIG_VALUE', reason)
    if (account.kind !== 'map') wrong('Expected map entries for accounts')
    else if (RESERVED_ACCOUNTS.includes(name)) wrong(`${quote(name)} is a Reserved Account`)
    else readFields(accountKeys, account.value, target, report)
  }
}

/** A size of an account's JetStream block; whole numbers alone. */
const size: ReadValue<unknown> = ({ key, node }, _, report) => {
  if (node.kind === 'integer') return
  const reason = `Expected a parseable size for ${quote(key)}, got ${textOfValue(node)}`
  report.error(node.place, 'CONFIG_TYPE', reason)
}

const jetStreamLimitKeys: readonly Field<unknown>[] = [
  known('A', 'max_memory max_mem mem memory', size),
  known('A', 'max_store max_file max_disk store disk', size),
  known('A', 'max_streams streams', size),
  known('A', 'max_consumers consumers', size),
  known('B', 'max_bytes_required max_stream_bytes max_bytes', ({ key, node }, _, report) => {
    if (node.kind === 'boolean') return
    const reason = `Expected a parseable bool for ${quote(key)}, got ${textOfValue(node)}`
    report.error(node.place, 'CONFIG_TYPE', reason)
  }),
  known('B', 'memory_max_stream_bytes mem_max_stream_bytes', size),
  known('B', 'store_max_stream_bytes disk_max_stream_bytes', size),
  known('B', 'max_ack_pending', size),
  known('C', 'cluster_traffic', text()),
]

function readAccountJetStream({ node }: Entry, target: unknown, report: Report): void {
  if (node.kind === 'boolean') return
  if (node.kind === 'map') return readFields(jetStreamLimitKeys, node.value, target, report)
  if (node.kind === 'string') {
    if (/^(enabled?|disabled?)$/i.test(node.value)) return
    const reason = `Expected 'enabled' or 'disabled' for string value, got '${node.value}'`
    return report.errorWithoutPlace(node.place, 'CONFIG_VALUE', reason)
  }
  const reason = `Expected map, bool or string to define JetStream, got ${typeNameOf(node)}`
  report.errorWithoutPlace(node.place, 'CONFIG_TYPE', reason)
}

const limitKeys: readonly Field<unknown>[] = [
  known('B', 'max_connections max_conn', integer()),
  known('B', 'max_subscriptions max_subs', integer()),
  known('B', 'max_payload max_pay', integer()),
  known('B', 'max_leafnodes max_leafs', integer()),
]

const sourceKeys: readonly Field<unknown>[] = [known('A', 'account', text()), known('A', 'subject', text())]

/** The stream or service of an import: an account and a subject. */
function source(noun: string): ReadValue<unknown> {
  return ({ node }, target, report) => {
    if (node.kind !== 'map') {
      return report.error(node.place, 'CONFIG_TYPE', `${noun} entry should be an account map, got ${typeNameOf(node)}`)
    }
    readFields(sourceKeys, node.value, target, report)
    const has = (name: string) => [...node.value.keys()].some((key) => key.toLowerCase() === name)
    if (!has('account') || !has('subject')) {
      report.error(node.place, 'CONFIG_VALUE', 'Expect an account name and a subject')
    }
  }
}

const importKeys: readonly Field<unknown>[] = [
  known('A', 'stream', source('Stream')),
  known('A', 'service', source('Service')),
  known('A', 'prefix', text()),
  known('A', 'to', text()),
  known('B', 'share', flag()),
  known('C', 'allow_trace', flag()),
]

type Export = { isStream: boolean }

/** What only services have. */
function ofService(noun: string, read: ReadValue<Export>): ReadValue<Export> {
  return (entry, target, report) => {
    read(entry, target, report)
    if (target.isStream) report.error(entry.node.place, 'CONFIG_CONFLICT', `Detected ${noun} directive on non-service`)
  }
}

function readResponseType({ node }: Entry, _: Export, report: Report): void {
  if (node.kind !== 'string') {
    return report.error(node.place, 'CONFIG_TYPE', `Expected response type to be string, got ${typeNameOf(node)}`)
  }
  if (/^(single|singleton|stream|chunk|chunked)$/i.test(node.value)) return
  report.error(node.place, 'CONFIG_VALUE', `Unknown response type: ${quote(node.value)}`)
}

function readThreshold({ node }: Entry, _: Export, report: Report): void {
  const wrong = (got: string) =>
    report.error(node.place, 'CONFIG_VALUE', `Expected response threshold to be a parseable time duration, got ${got}`)
  if (node.kind !== 'string') return wrong(typeNameOf(node))
  if ('reason' in parseGoDuration(node.value)) wrong(quote(node.value))
}

function readLatency({ node }: Entry, _: Export, report: Report): void {
  if (node.kind === 'string') return
  if (node.kind !== 'map') {
    const reason = `Expected latency entry to be a map/struct or string, got ${typeNameOf(node)}`
    return report.error(node.place, 'CONFIG_TYPE', reason)
  }
  const sampling = node.value.get('sampling')
  if (sampling !== undefined && !isSampling(sampling)) {
    report.error(sampling.place, 'CONFIG_VALUE', 'bad sampling percentage, should be 1-100')
  }
  if (!node.value.has('subject')) report.error(node.place, 'CONFIG_VALUE', 'Latency subject required, but missing')
}

function isSampling(node: ConfigNode): boolean {
  if (node.kind === 'string' && node.value.trim().toLowerCase() === 'headers') return true
  if (node.kind === 'string' && !/^\d+%?$/.test(node.value)) return false
  const percent = Number.parseInt(String(node.value), 10)
  return percent >= 1 && percent <= 100
}

const exportKeys: readonly Field<Export>[] = [
  known('A', 'stream', text((target) => (target.isStream = true))),
  known('A', 'service', text()),
  known('A', 'accounts', (entry, _, report) => {
    if (entry.node.kind !== 'list') reportType(entry, '[]interface {}', report)
  }),
  known('B', 'response_type response', ofService('response', readResponseType)),
  known('B', 'response_threshold threshold response_max_time response_time', ofService('response', readThreshold)),
  known('B', 'latency', ofService('latency', readLatency)),
  known('C', 'account_token_position', integer()),
  known('C', 'allow_trace', flag()),
]

function readAccountNkey({ node }: Entry, _: unknown, report: Report): void {
  if (node.kind === 'string' && isPublicNkey(node.value, 'A')) return
  report.error(node.place, 'CONFIG_VALUE', `Not a valid public nkey for an account: ${quote(textOfValue(node))}`)
}

function readAccountUsers({ node }: Entry, _: unknown, report: Report): void {
  if (node.kind !== 'list') {
    const reason = `Expected users field to be an array, got ${textOfValue(node)}`
    return report.errorWithoutPlace(node.place, 'CONFIG_TYPE', reason)
  }
  for (const element of node.value) {
    if (element.kind === 'map') {
      readFields(userKeys, element.value, { user: '', password: '', nkey: '' }, report)
      continue
    }
    const reason = `Expected user entry to be a map/struct, got ${textOfValue(element)}`
    report.error(element.place, 'CONFIG_TYPE', reason)
  }
}

/** An account's own subject mappings, or those of the whole server. */
export const mappings: ReadValue<unknown> = (entry, _, report) => {
  const { node } = entry
  if (node.kind !== 'map') return reportType(entry, 'map[string]interface {}', report)
  for (const [subject, target] of node.value) {
    if (!isValidSubject(subject)) {
      report.error(node.place, 'CONFIG_VALUE', `Subject ${quote(subject)} is not a valid subject`)
    } else if (target.kind === 'list') {
      for (const element of target.value) readDestination(element, report)
    } else if (target.kind !== 'string') readDestination(target, report)
  }
}

type Destination = { subject: string; hasWeight: boolean }

const destinationKeys: readonly Field<Destination>[] = [
  known('B', 'destination dest', text((target, value) => (target.subject = value))),
  known('B', 'weight', readWeight),
  known('C', 'cluster', text()),
]

function readDestination(node: ConfigNode, report: Report): void {
  if (node.kind !== 'map') {
    return report.error(node.place, 'CONFIG_TYPE', 'Expected an entry for the mapping destination')
  }
  const before = report.errors.length
  const target: Destination = { subject: '', hasWeight: false }
  readFields(destinationKeys, node.value, target, report, {
    unknown: (key) => `Unknown field ${quote(key)} for mapping destination`,
  })
  if (target.hasWeight || report.errors.length > before) return
  report.error(node.place, 'CONFIG_VALUE', `Missing weight for mapping destination ${quote(target.subject)}`)
}

function readWeight({ node }: Entry, target: Destination, report: Report): void {
  target.hasWeight = true
  const given = node.kind === 'string' ? node.value.replace(/%$/, '') : textOfValue(node)
  const isNumber = /^-?\d+$/.test(given) && (node.kind === 'string' || node.kind === 'integer')
  if (isNumber && Number(given) >= 0 && Number(given) <= 100) return
  report.error(node.place, 'CONFIG_VALUE', `Invalid weight ${isNumber ? given : quote(given)} for mapping destination`)
}

const itemsMistake = (noun: string) => (node: ConfigNode) => `${noun} should be an array, got ${typeNameOf(node)}`

export const accountKeys: readonly Field<unknown>[] = [
  known('A', 'users', readAccountUsers),
  known('A', 'exports', blocks(
    exportKeys,
    () => ({ isStream: false }),
    itemsMistake('Exports'),
    (node) => `Export Items should be a map with type entry, got ${typeNameOf(node)}`,
  )),
  known('A', 'imports', blocks(
    importKeys,
    () => undefined,
    itemsMistake('Imports'),
    (node) => `Import Items should be a map with type entry, got ${typeNameOf(node)}`,
  )),
  known('A', 'jetstream', readAccountJetStream),
  known('A', 'default_permissions', permissions),
  known('B', 'mappings maps', mappings),
  known('B', 'limits', block(limitKeys, {
    unknown: (key) => `Unknown field ${quote(key)} parsing account limits`,
    wrongType: (name) => `Expected account limits to be a map/struct, got ${name}`,
  })),
  known('B', 'nkey', readAccountNkey),
  known('C', 'msg_trace trace_dest', anything()),
]

