/** The keys of permissions, of users that have them, and of the authorization callout: known, not served. */
import { isValidSubject } from '@rivulet/store-types'
import { type ConfigNode, textOfValue, typeNameOf } from '../language/config-node.js'
import { parseGoDuration } from '../values/go-duration.js'
import { isPublicNkey } from '../values/nkey-text.js'
import { quote } from '../values/quote.js'
import { type Field, known, readFields, type ReadValue, reportType } from './field.js'
import { integer, text, texts } from './readers.js'
import type { Report } from './report.js'

const unknownPermission = (key: string) => `Unknown field ${quote(key)} parsing permissions`

const responseKeys: readonly Field<unknown>[] = [
  known('A', 'max max_msgs max_messages max_responses', integer()),
  known('A', 'expires expiration ttl', ({ node }, _, report) => {
    if (node.kind !== 'string') {
      return report.error(node.place, 'CONFIG_TYPE', 'error parsing expires, not a duration string')
    }
    const result = parseGoDuration(node.value)
    if ('reason' in result) report.error(node.place, 'CONFIG_VALUE', `error parsing expires: ${result.reason}`)
  }),
]

export const permissionKeys: readonly Field<unknown>[] = [
  known('A', 'publish pub import', (entry, _, report) => readPermission(entry.node, false, report)),
  known('A', 'subscribe sub export', (entry, _, report) => readPermission(entry.node, true, report)),
  known('A', 'allow_responses publish_allow_responses', ({ node }, target, report) => {
    if (node.kind === 'boolean') return
    if (node.kind === 'map') return readFields(responseKeys, node.value, target, report, { unknown: unknownPermission })
    const reason = 'error parsing response permissions, expected a boolean or a map'
    report.error(node.place, 'CONFIG_TYPE', reason)
  }),
]

export const permissions: ReadValue<unknown> = ({ node }, target, report) => {
  if (node.kind === 'map') return readFields(permissionKeys, node.value, target, report, { unknown: unknownPermission })
  const reason = `Expected permissions to be a map/struct, got ${textOfValue(node)}`
  report.error(node.place, 'CONFIG_TYPE', reason)
}

function readPermission(node: ConfigNode, hasQueues: boolean, report: Report): void {
  if (node.kind !== 'map') return readSubjects(node, hasQueues, false, report)
  for (const [key, inner] of node.value) {
    if (key.toLowerCase() === 'allow' || key.toLowerCase() === 'deny') readSubjects(inner, hasQueues, true, report)
    else if (!inner.isUsedVariable) {
      const allowed = "only 'allow' or 'deny' are permitted"
      const reason = `Unknown field name ${quote(key)} parsing subject permissions, ${allowed}`
      report.error(inner.place, 'CONFIG_UNKNOWN_KEY', reason)
    }
  }
}

/** A subject or a list of subjects. `isPlaceShown`: nats-server shows it only behind `allow` and `deny`. */
export function readSubjects(
  node: ConfigNode,
  hasQueues: boolean,
  isPlaceShown: boolean,
  report: Report,
): void {
  const wrong = (code: 'CONFIG_TYPE' | 'CONFIG_VALUE', reason: string) =>
    isPlaceShown ? report.error(node.place, code, reason) : report.errorWithoutPlace(node.place, code, reason)
  const elements = node.kind === 'list' ? node.value : [node]
  for (const element of elements) {
    if (element.kind !== 'string') {
      if (node.kind === 'list') {
        return report.error(element.place, 'CONFIG_TYPE', 'Subject in permissions array cannot be cast to string')
      }
      const reason = `Expected subject permissions to be a subject, or array of subjects, got ${typeNameOf(node)}`
      return wrong('CONFIG_TYPE', reason)
    }
    const mistake = subjectMistakeOf(element.value, hasQueues)
    if (mistake !== undefined) return wrong('CONFIG_VALUE', mistake)
  }
}

function subjectMistakeOf(value: string, hasQueues: boolean): string | undefined {
  if (isValidSubject(value)) return undefined
  const [subject, queue, ...rest] = hasQueues ? value.trim().split(/\s+/) : []
  if (subject === undefined || queue === undefined || rest.length > 0) {
    return `subject ${quote(value)} is not a valid subject`
  }
  if (!isValidSubject(subject)) return `subject ${quote(subject)} is not a valid subject`
  return isValidSubject(queue) ? undefined : `queue ${quote(queue)} is not a valid queue`
}

const CONNECTION_TYPES = ['STANDARD', 'WEBSOCKET', 'LEAFNODE', 'LEAFNODE_WS', 'MQTT', 'MQTT_WS', 'IN_PROCESS']

export const connectionTypes: ReadValue<unknown> = texts('allowed connection types', (_, values, entry, report) => {
  const wrong = values.map((value) => value.toUpperCase()).filter((value) => !CONNECTION_TYPES.includes(value))
  if (wrong.length === 0) return
  report.error(entry.node.place, 'CONFIG_VALUE', `invalid connection types [${wrong.map(quote).join(' ')}]`)
})

type Callout = { issuer: string; users: number }

const calloutKeys: readonly Field<Callout>[] = [
  known('B', 'issuer', text((callout, value) => (callout.issuer = value))),
  known('B', 'account acc', text()),
  known('B', 'auth_users users', (entry, callout, report) => {
    if (entry.node.kind === 'list') callout.users = entry.node.value.length
    else reportType(entry, '[]interface {}', report)
  }),
  known('B', 'xkey key', text()),
  known('B', 'allowed_accounts', texts('allowed accounts')),
]

export const authCallout: ReadValue<unknown> = ({ node }, _, report) => {
  if (node.kind !== 'map') {
    const reason = `Expected authorization callout to be a map/struct, got ${textOfValue(node)}`
    return report.error(node.place, 'CONFIG_TYPE', reason)
  }
  const callout: Callout = { issuer: '', users: 0 }
  readFields(calloutKeys, node.value, callout, report, {
    unknown: (key) => `Unknown field ${quote(key)} parsing authorization callout`,
  })
  const place = [...node.value.values()].at(-1)?.place ?? node.place
  const wrong = (reason: string) => report.error(place, 'CONFIG_VALUE', reason)
  if (callout.issuer === '') return wrong('Authorization callouts require an issuer to be specified')
  if (!isPublicNkey(callout.issuer, 'A')) {
    return wrong(`Expected callout user to be a valid public account nkey, got ${quote(callout.issuer)}`)
  }
  if (callout.users === 0) wrong('Authorization callouts require authorized users to be specified')
}
