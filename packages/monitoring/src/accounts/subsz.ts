/** /subsz: the subscriptions of all accounts, in numbers and, with `subs`, one by one. */
import type { SubscriptionList } from '@rivulet/accounts'
import { formatRfc3339, isLiteral, isValidSubject, type JsonWritable, matches, wireOf } from '@rivulet/store-types'
import { subscriptionJson } from '../connections/connz.js'
import { BadRequestError } from '../http/answer.js'
import { pageOf, queryFlag, queryInteger, queryText } from '../http/query.js'
import type { MonitoredServer } from '../monitored-server.js'

export const SUBSCRIPTIONS_LIMIT = 1024

export function subsz(server: MonitoredServer, query: URLSearchParams): JsonWritable {
  const hasList = queryFlag(query, 'subs')
  queryInteger(query, 'offset') // complaints come in this order
  queryInteger(query, 'limit')
  const test = queryText(query, 'test')
  if (test !== '' && !isPublishable(test)) {
    throw new BadRequestError(`invalid test subject, must be valid publish subject: ${test}`)
  }
  const accountName = queryText(query, 'acc')
  const lists = [...server.accounts].filter(({ name }) => accountName === '' || name === accountName)
  const all = hasList ? subscriptionsOf(server, accountName, wireOf(test)) : []
  const page = pageOf(all, query, SUBSCRIPTIONS_LIMIT)
  return {
    server_id: server.id,
    now: formatRfc3339(server.clock.wallNanos()),
    ...sublistStats(lists.map(({ subscriptions }) => subscriptions)),
    total: all.length,
    offset: page.offset,
    limit: page.limit,
    subscriptions_list: page.entries.length === 0 ? undefined : page.entries,
  }
}

function isPublishable(subject: string): boolean {
  return isValidSubject(wireOf(subject)) && isLiteral(wireOf(subject))
}

/** Those of clients. `test`: wire text of a subject that must match; empty: any. */
function subscriptionsOf(server: MonitoredServer, accountName: string, test: string): JsonWritable[] {
  const found: JsonWritable[] = []
  for (const connection of server.connections.values()) {
    const account = connection.account?.name
    if (account === undefined || (accountName !== '' && account !== accountName)) continue
    for (const subscription of connection.subscriptions()) {
      if (test !== '' && !matches(subscription.subject, test)) continue
      found.push({ account, account_tag: account, ...subscriptionJson(subscription, connection.id) })
    }
  }
  return found
}

/** Routes are found per message, so nothing is counted there: matches and the rates made of them are 0. */
export function sublistStats(lists: readonly SubscriptionList[]): Record<string, JsonWritable> {
  let count = 0
  let inserts = 0
  for (const list of lists) {
    count += list.count
    inserts += list.insertCount
  }
  return {
    num_subscriptions: count,
    num_cache: 0,
    num_inserts: inserts,
    num_removes: inserts - count,
    num_matches: 0,
    cache_hit_rate: 0,
    max_fanout: 0,
    avg_fanout: 0,
  }
}
