/**
 * What may change in the configuration of a consumer that exists (jetstream-api.md section 16.5), and whether two
 * configurations are the same.
 */
import type { ConsumerConfig } from '@rivulet/store-types'
import { apiError } from '../errors/api-error.js'

/**
 * `isBound`: somebody listens on the old deliver subject.
 * @throws ApiError: the first change that is refused
 */
export function checkConsumerUpdate(before: ConsumerConfig, after: ConsumerConfig, isBound: boolean): void {
  const refuse = (what: string) => apiError('JSConsumerCreateErrF', { err: `${what} can not be updated` })
  if (before.deliverPolicy !== after.deliverPolicy) throw refuse('deliver policy')
  if (before.memoryStorage !== after.memoryStorage) throw refuse('storage type')
  if (before.direct !== after.direct) throw refuse('direct')
  if (before.sourcing !== after.sourcing) throw refuse('sourcing')
  if ((before.startSequence ?? 0) !== (after.startSequence ?? 0)) throw refuse('start sequence')
  if (before.startTime !== after.startTime) throw refuse('start time')
  if (before.ackPolicy !== after.ackPolicy) throw refuse('ack policy')
  if (before.replayPolicy !== after.replayPolicy) throw refuse('replay policy')
  if ((before.idleHeartbeat ?? 0n) !== (after.idleHeartbeat ?? 0n)) throw refuse('heart beats')
  if (before.flowControl !== after.flowControl) throw refuse('flow control')
  if (before.deliverSubject !== after.deliverSubject) {
    if (before.deliverSubject === undefined) {
      throw apiError('JSConsumerCreateErrF', { err: 'can not update pull consumer to push based' })
    }
    if (after.deliverSubject === undefined) {
      throw apiError('JSConsumerCreateErrF', { err: 'can not update push consumer to pull based' })
    }
    if (isBound) throw apiError('JSConsumerNameExistErr')
  }
  if (before.maxWaiting !== after.maxWaiting) throw refuse('max waiting')
}

/** Same values in every field, absent and zero alike. */
export function sameConsumerConfig(a: ConsumerConfig, b: ConsumerConfig): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  for (const name of names) {
    const key = name as keyof ConsumerConfig
    if (!sameValue(a[key], b[key])) return false
  }
  return true
}

function sameValue(a: unknown, b: unknown): boolean {
  if (isAbsent(a) && isAbsent(b)) return true
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  const left = Object.entries(a ?? {})
  const right = new Map(Object.entries(b ?? {}))
  return left.length === right.size && left.every(([name, value]) => right.has(name) && right.get(name) === value)
}

function isAbsent(value: unknown): boolean {
  if (value === undefined || value === 0 || value === 0n || value === '' || value === false) return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
