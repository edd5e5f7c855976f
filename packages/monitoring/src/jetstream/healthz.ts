/** /healthz: can clients connect, and is what is stored being served? */
import type { JetStreamAccount } from '@rivulet/jetstream-core'
import { type JsonWritable, writeJson } from '@rivulet/store-types'
import { jsonTextAnswer, type MonitorAnswer } from '../http/answer.js'
import { queryFlag, queryText } from '../http/query.js'
import type { MonitoredServer } from '../monitored-server.js'

type ProblemType = 'CONNECTION' | 'BAD_REQUEST' | 'JETSTREAM' | 'ACCOUNT' | 'STREAM' | 'CONSUMER'

/** `status`: what the status line of the answer says. */
type Problem = Readonly<{
  status: number
  type: ProblemType
  error: string
  account?: string
  stream?: string
  consumer?: string
}>

type HealthQuery = Readonly<{ account: string; stream: string; consumer: string; depth: 'server' | 'enabled' | 'all' }>

export function healthz(server: MonitoredServer, query: URLSearchParams): MonitorAnswer {
  const isEnabledOnly = [queryFlag(query, 'js-enabled'), queryFlag(query, 'js-enabled-only')].includes(true)
  const isServerOnly = queryFlag(query, 'js-server-only')
  queryFlag(query, 'js-meta-only') // there is no meta group in a server by itself
  const hasDetails = queryFlag(query, 'details')
  const problems = problemsOf(server, {
    account: queryText(query, 'account'),
    stream: queryText(query, 'stream'),
    consumer: queryText(query, 'consumer'),
    depth: isServerOnly ? 'server' : isEnabledOnly ? 'enabled' : 'all',
  })
  return answerOf(problems, hasDetails)
}

function answerOf(problems: readonly Problem[], hasDetails: boolean): MonitorAnswer {
  const first = problems[0]
  if (first === undefined) return jsonTextAnswer(200, writeJson({ status: 'ok' }))
  if (hasDetails) return jsonTextAnswer(first.status, writeJson({ status: 'error', errors: problems.map(problemJson) }))
  const status = first.type === 'BAD_REQUEST' || first.type === 'CONNECTION' ? 'error' : 'unavailable'
  return jsonTextAnswer(first.status, writeJson({ status, error: first.error }))
}

function problemJson({ type, account, stream, consumer, error }: Problem): JsonWritable {
  return { type, account, stream, consumer, error }
}

function problemsOf(server: MonitoredServer, asked: HealthQuery): Problem[] {
  const refused = badRequest(asked)
  if (refused !== undefined) return [refused]
  if (!server.isReady) {
    const error = 'failed to be ready for connections after 1ms: server'
    return [{ status: 500, type: 'CONNECTION', error }]
  }
  if (asked.depth === 'server' || !server.options.jetStream.isEnabled) return []
  if (server.jetStream === undefined) {
    return [{ status: 503, type: 'JETSTREAM', error: 'JetStream not enabled (10076)' }]
  }
  if (asked.depth === 'enabled') return []
  const { accounts } = server.jetStream.engine
  const missing = missingAsset(accounts, asked)
  if (missing !== undefined) return [missing]
  return [...accounts.values()]
    .filter(({ name }) => asked.account === '' || name === asked.account)
    .flatMap((account) => accountProblems(account, asked.stream))
}

function badRequest({ account, stream, consumer }: HealthQuery): Problem | undefined {
  const missing = (what: string, of: string): Problem => ({
    status: 400,
    type: 'BAD_REQUEST',
    error: `"${what}" must not be empty when checking ${of} health`,
  })
  if (account === '' && stream !== '') return missing('account', 'stream')
  return stream === '' && consumer !== '' ? missing('stream', 'consumer') : undefined
}

function missingAsset(accounts: ReadonlyMap<string, JetStreamAccount>, asked: HealthQuery): Problem | undefined {
  const { account: accountName, stream: streamName, consumer } = asked
  if (accountName === '') return undefined
  const notFound = { status: 404, account: accountName }
  const account = accounts.get(accountName)
  if (account === undefined) {
    return { ...notFound, type: 'ACCOUNT', error: `JetStream account ${quoted(accountName)} not found` }
  }
  if (streamName === '') return undefined
  const stream = account.streams.get(streamName)
  if (stream === undefined) {
    if (account.offline.has(streamName)) return undefined // told as a problem of its own
    const error = `JetStream stream ${quoted(streamName)} not found on account ${quoted(accountName)}`
    return { ...notFound, type: 'STREAM', stream: streamName, error }
  }
  if (consumer === '' || stream.consumers.has(consumer)) return undefined
  const place = `for stream ${quoted(streamName)} on account ${quoted(accountName)}`
  const error = `JetStream consumer ${quoted(consumer)} not found ${place}`
  return { ...notFound, type: 'CONSUMER', stream: streamName, consumer, error }
}

/** Streams that could not be recovered, and those that cannot write any more. */
function accountProblems(account: JetStreamAccount, streamName: string): Problem[] {
  const problems: Problem[] = []
  const tell = (stream: string, what: string): void => {
    const error = `JetStream stream '${account.name} > ${stream}' ${what}`
    problems.push({ status: 503, type: 'STREAM', account: account.name, stream, error })
  }
  for (const name of account.offline.keys()) {
    if (streamName === '' || name === streamName) tell(name, 'could not be recovered')
  }
  for (const { name, store } of account.streams.values()) {
    if (streamName !== '' && name !== streamName) continue
    if (store.failure !== undefined) tell(name, `write error: ${store.failure.message}`)
  }
  return problems
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
