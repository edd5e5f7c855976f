/** The keys of operators, resolvers and proxies: known, not served. */
import { typeNameOf } from '../language/config-node.js'
import { isPublicNkey } from '../values/nkey-text.js'
import { quote } from '../values/quote.js'
import { type Entry, type Field, known, readFields, type ReadValue } from './field.js'
import { blocks, flag, integer, text, textDuration } from './readers.js'
import type { Report } from './report.js'

const RESOLVER_MISTAKE =
  'error parsing account resolver, should be MEM or ' +
  ' URL("url") or a map containing dir and type state=[FULL|CACHE])'

export const operator: ReadValue<unknown> = ({ node }, _, report) => {
  if (node.kind === 'string' || node.kind === 'list') return
  report.error(node.place, 'CONFIG_TYPE', `error parsing operators: unsupported type ${typeNameOf(node)}`)
}

export const trustedKeys: ReadValue<unknown> = ({ node }, _, report) => {
  const wrong = (what: string) =>
    report.error(node.place, 'CONFIG_TYPE', `error parsing trusted: unsupported type ${what}`)
  if (node.kind !== 'string' && node.kind !== 'list') return wrong(typeNameOf(node))
  for (const element of node.kind === 'list' ? node.value : [node]) {
    if (element.kind !== 'string') wrong(`in array ${typeNameOf(element)}`)
    else if (!isPublicNkey(element.value, 'O')) {
      const reason = `trust key ${quote(element.value)} required to be a valid public operator nkey`
      report.error(element.place, 'CONFIG_VALUE', reason)
    }
  }
}

const resolverKeys: readonly Field<unknown>[] = [
  known('B', 'type', text()),
  known('B', 'dir', text()),
  known('B', 'allow_delete', flag()),
  known('B', 'hard_delete', flag()),
  known('B', 'limit', integer()),
  known('B', 'ttl', textDuration()),
  known('B', 'interval', textDuration()),
  known('B', 'timeout', textDuration()),
]

export const resolver: ReadValue<unknown> = ({ node }, target, report) => {
  if (node.kind === 'map') {
    const type = node.value.get('type')
    if (type?.kind === 'string' && /^(full|cache|mem|memory)$/i.test(type.value)) {
      return readFields(resolverKeys, node.value, target, report)
    }
    return report.error(node.place, 'CONFIG_VALUE', RESOLVER_MISTAKE)
  }
  if (node.kind !== 'string') {
    const reason = `error parsing operator resolver, wrong type ${typeNameOf(node)}`
    return report.error(node.place, 'CONFIG_TYPE', reason)
  }
  if (!/mem|url/i.test(node.value)) report.error(node.place, 'CONFIG_VALUE', RESOLVER_MISTAKE)
}

export const resolverPreload: ReadValue<unknown> = ({ node }, _, report) => {
  if (node.kind !== 'map') {
    return report.error(node.place, 'CONFIG_TYPE', 'preload should be a map of account_public_key:account_jwt')
  }
  for (const value of node.value.values()) {
    if (value.kind !== 'string') report.error(value.place, 'CONFIG_TYPE', 'preload map value should be a string JWT')
    else if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(value.value)) {
      report.error(value.place, 'CONFIG_VALUE', 'invalid account JWT')
    }
  }
}

export const systemAccount: ReadValue<unknown> = ({ node }, _, report) => {
  if (node.kind !== 'string') report.error(node.place, 'CONFIG_TYPE', 'system account name must be a string')
}

const trustedProxyKeys: readonly Field<unknown>[] = [
  known('C', 'key public_key', text((_, value, { node }, report) => {
    if (isPublicNkey(value, 'AUOXNC')) return
    report.error(node.place, 'CONFIG_VALUE', `invalid proxy key ${quote(value)}`)
  })),
]

const proxyKeys: readonly Field<unknown>[] = [
  known('C', 'trusted', blocks(
    trustedProxyKeys,
    () => undefined,
    (node) => `expected proxies' trusted field to be an array, got ${typeNameOf(node)}`,
    (node) => `expected proxies' trusted entry to be a map/struct, got ${typeNameOf(node)}`,
  )),
]

export const proxies: ReadValue<unknown> = ({ node }, target, report) => {
  if (node.kind === 'map') return readFields(proxyKeys, node.value, target, report)
  report.error(node.place, 'CONFIG_TYPE', `expected proxies to be a map/struct, got ${typeNameOf(node)}`)
}

/** A boolean or a block. */
export function booleanOrBlock(noun: string): ReadValue<unknown> {
  return ({ node }, _, report) => {
    if (node.kind === 'boolean' || node.kind === 'map') return
    report.error(node.place, 'CONFIG_TYPE', `error parsing ${noun}: unsupported type ${typeNameOf(node)}`)
  }
}

export function readFeatureFlags({ node }: Entry, _: unknown, report: Report): void {
  if (node.kind !== 'map') {
    return report.error(node.place, 'CONFIG_TYPE', `error parsing feature flags: unsupported type ${typeNameOf(node)}`)
  }
  for (const [key, value] of node.value) {
    if (value.kind === 'boolean') continue
    const reason = `error parsing feature flag ${quote(key)}: expected bool, got ${typeNameOf(value)}`
    report.error(value.place, 'CONFIG_TYPE', reason)
  }
}
