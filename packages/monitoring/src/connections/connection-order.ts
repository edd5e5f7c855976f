/** The orders of /connz. Each begins with the largest, but for numbers, starts, uptimes and reasons. */
import type { ConnectionFacts } from './connection-facts.js'

type Compare = (left: ConnectionFacts, right: ConnectionFacts) => number

const byId: Compare = (left, right) => left.id - right.id
const largest =
  (value: (facts: ConnectionFacts) => number): Compare =>
  (left, right) =>
    value(right) - value(left)
const compareTimes = (left: bigint, right: bigint): number => (left < right ? -1 : left > right ? 1 : 0)

/** `now`: wall time in nanoseconds. */
const ORDERS: Readonly<Record<string, (now: bigint) => Compare>> = {
  cid: () => byId,
  start: () => byId,
  subs: () => largest((facts) => facts.subscriptionCount),
  pending: () => largest((facts) => facts.pendingBytes),
  msgs_to: () => largest((facts) => facts.outMessages),
  msgs_from: () => largest((facts) => facts.inMessages),
  bytes_to: () => largest((facts) => facts.outBytes),
  bytes_from: () => largest((facts) => facts.inBytes),
  last: () => (left, right) => compareTimes(right.lastActivity, left.lastActivity),
  idle: () => (left, right) => compareTimes(left.lastActivity, right.lastActivity),
  uptime: (now) => (left, right) => compareTimes(uptimeOf(left, now), uptimeOf(right, now)),
  stop: () => (left, right) => compareTimes(right.end?.time ?? 0n, left.end?.time ?? 0n),
  reason: () => (left, right) => compareTexts(left.end?.reason ?? '', right.end?.reason ?? ''),
  rtt: () => largest((facts) => facts.roundTripMs),
}

/** Orders that make sense for connections that ended only. */
export const CLOSED_ORDERS: readonly string[] = ['stop', 'reason']

export function isOrder(name: string): boolean {
  return Object.hasOwn(ORDERS, name)
}

/** Equal ones stand in the order of their numbers. */
export function inOrder(all: readonly ConnectionFacts[], name: string, now: bigint): ConnectionFacts[] {
  const compare = (ORDERS[name] as (now: bigint) => Compare)(now)
  return [...all].sort((left, right) => compare(left, right) || byId(left, right))
}

function uptimeOf({ start, end }: ConnectionFacts, now: bigint): bigint {
  return (end?.time ?? now) - start
}

function compareTexts(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
