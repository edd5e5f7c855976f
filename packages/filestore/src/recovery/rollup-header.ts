/** The `Nats-Rollup` header of a stored message: which older ones it replaced. */
import { headerValue } from '@rivulet/store-types'

const NAME = Buffer.from('nats-rollup:', 'latin1')

/** The header block is [offset, offset + size). Undefined: none, or a value that means nothing. */
export function rollupScopeOf(bytes: Buffer, offset: number, size: number): 'all' | 'subject' | undefined {
  const value = headerValue(bytes, offset, size, NAME)
  if (value === 'all') return 'all'
  return value === 'sub' ? 'subject' : undefined
}
