/** The keys of `tls` blocks: known, not served. */
import { textOfValue, typeNameOf } from '../language/config-node.js'
import { parseGoDuration } from '../values/go-duration.js'
import { quote } from '../values/quote.js'
import { type Entry, type Field, known, type ReadValue } from './field.js'
import { anything, block, secondsOrText } from './readers.js'
import type { Report } from './report.js'

const PREFIX = 'error parsing tls config'

function file(name: string): ReadValue<unknown> {
  return ({ node }, _, report) => {
    if (node.kind === 'string') return
    report.error(node.place, 'CONFIG_TYPE', `${PREFIX}, expected '${name}' to be filename`)
  }
}

function yesOrNo(name: string): ReadValue<unknown> {
  return ({ node }, _, report) => {
    if (node.kind === 'boolean') return
    report.error(node.place, 'CONFIG_TYPE', `${PREFIX}, expected '${name}' to be a boolean`)
  }
}

function list(
  name: string,
  mistakeOf: (value: string) => string | undefined,
  isEmptyWrong: boolean,
): ReadValue<unknown> {
  return ({ node }, _, report) => {
    if (node.kind !== 'list') {
      return report.error(node.place, 'CONFIG_TYPE', `${PREFIX}, expected '${name}' to be a list`)
    }
    if (node.value.length === 0 && isEmptyWrong) {
      return report.error(node.place, 'CONFIG_VALUE', `${PREFIX}, '${name}' cannot be empty`)
    }
    for (const element of node.value) {
      const mistake = element.kind === 'string' ? mistakeOf(element.value) : `unsupported type ${typeNameOf(element)}`
      if (mistake !== undefined) return report.error(element.place, 'CONFIG_VALUE', mistake)
    }
  }
}

function mistakenCipher(name: string): string | undefined {
  return /^TLS_[A-Z\d_]+$/.test(name) ? undefined : `unrecognized cipher ${name}`
}

const CURVES = new Set([
  'CurveP256',
  'CurveP384',
  'CurveP521',
  'X25519',
  'X25519MLKEM768',
  'SecP256r1MLKEM768',
  'SecP384r1MLKEM1024',
])

function mistakenCurve(name: string): string | undefined {
  return CURVES.has(name) ? undefined : `unrecognized curve preference ${name}`
}

function mistakenPin(pin: string): string | undefined {
  if (/^[\da-f]{64}$/i.test(pin)) return undefined
  const expected = 'hex-encoded sha256 of DER encoded SubjectPublicKeyInfo'
  return `${PREFIX}, 'pinned_certs' key ${pin.toLowerCase()} does not look like ${expected}`
}

function readMinVersion({ node }: Entry, _: unknown, report: Report): void {
  const wrong = (reason: string) => report.error(node.place, 'CONFIG_VALUE', `${PREFIX}: ${reason}`)
  if (node.kind !== 'string') return wrong(`'min_version' wrong type: ${textOfValue(node)}`)
  if (node.value === '1.0' || node.value === '1.1') return wrong(`unsupported TLS version: TLS ${node.value}`)
  if (node.value !== '1.2' && node.value !== '1.3') wrong(`unknown version: ${node.value}`)
}

function readHandshakeFirst({ key, node }: Entry, _: unknown, report: Report): void {
  if (node.kind === 'boolean') return
  if (node.kind !== 'string') {
    const reason = `field ${quote(key)} should be a boolean or a string, got ${typeNameOf(node)}`
    return report.error(node.place, 'CONFIG_TYPE', reason)
  }
  if (/^(true|on|false|off|auto|auto_fallback)$/i.test(node.value) || 'ms' in parseGoDuration(node.value)) return
  report.error(node.place, 'CONFIG_VALUE', `field ${quote(key)}'s value ${quote(node.value)} is invalid`)
}

export const tlsKeys: readonly Field<unknown>[] = [
  known('A', 'cert_file', file('cert_file')),
  known('A', 'key_file', file('key_file')),
  known('A', 'ca_file', file('ca_file')),
  known('A', 'verify', yesOrNo('verify')),
  known('B', 'verify_and_map', yesOrNo('verify_and_map')),
  known('C', 'verify_cert_and_check_known_urls', yesOrNo('verify_cert_and_check_known_urls')),
  known('B', 'insecure', yesOrNo('insecure')),
  known('A', 'timeout', secondsOrText(`${PREFIX}, 'timeout'`)),
  known('B', 'handshake_first first immediate', readHandshakeFirst),
  known('B', 'cipher_suites', list('cipher_suites', mistakenCipher, true)),
  known('C', 'allow_insecure_cipher_suites', yesOrNo('allow_insecure_cipher_suites')),
  known('B', 'curve_preferences', list('curve_preferences', mistakenCurve, true)),
  known('B', 'min_version', readMinVersion),
  known('B', 'pinned_certs', list('pinned_certs', mistakenPin, false)),
  known('C', 'connection_rate_limit', ({ node }, _, report) => {
    if (node.kind === 'integer') return
    report.error(node.place, 'CONFIG_TYPE', `${PREFIX}, 'connection_rate_limit' wrong type`)
  }),
  known('B', 'certs certificates', anything()),
  known('C', 'cert_store', anything()),
  known('C', 'cert_match_by', anything()),
  known('C', 'cert_match', anything()),
  known('C', 'ca_certs_match', anything()),
  known('C', 'cert_match_skip_invalid', anything()),
  known('C', 'ocsp_peer', anything()),
]

export const tls: ReadValue<unknown> = block(tlsKeys, { unknown: (key) => `${PREFIX}, unknown field ${quote(key)}` })
