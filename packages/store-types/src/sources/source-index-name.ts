/**
 * The index name of a source: what tells the sources of a stream apart in positions and headers (store-format.md
 * section 12.3):
 *
 *     <stream>[:<hash of the external API prefix>][:C=<hash of the consumer's name>] <filter> <destination>
 *
 * Empty filters and destinations are `>`; those of several transforms are joined with form feeds.
 */
import { createHash } from 'node:crypto'
import type { StreamSource } from '../config/stream-config.js'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const HASH_SIZE = 8

export function sourceIndexName(source: StreamSource): string {
  const { filterSubject, subjectTransforms = [], consumer } = source
  const name = consumer === undefined ? sourceStreamName(source) : `${sourceStreamName(source)}:C=${hashOfName(consumer.name ?? '')}`
  if (subjectTransforms.length === 0) return `${name} ${filterSubject || '>'} >`
  const filters = subjectTransforms.map((transform) => transform.source || '>')
  const destinations = subjectTransforms.map((transform) => transform.destination || '>')
  return `${name} ${filters.join('\f')} ${destinations.join('\f')}`
}

/** The stream's name, with the hash of its API prefix when it is another domain's or account's. */
export function sourceStreamName({ name, external }: StreamSource): string {
  return external === undefined ? name : `${name}:${hashOfName(external.api)}`
}

/** Eight characters that stand for a name. */
function hashOfName(name: string): string {
  const hash = createHash('sha256').update(name).digest()
  return Array.from(hash.subarray(0, HASH_SIZE), (byte) => DIGITS[byte % DIGITS.length]).join('')
}
