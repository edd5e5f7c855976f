/** CONSUMER.CREATE in all its forms (jetstream-api.md section 8.1). */
import { apiError, asApiError, uniqueToken, type Stream } from '@rivulet/jetstream-core'
import type { ConsumerConfigInput } from '@rivulet/store-types'
import { readBody } from '../request/request-body.js'
import { headerValue } from '../request/header-value.js'
import { consumerCreateShape } from '../request/request-shapes.js'
import { consumerInfoMembers } from '../response/consumer-info.js'
import { identityHeader, STREAM_IDENTITY, streamIdentity } from '../response/stream-identity.js'
import { answer, requireAccount, requireStream, type AnswerOrSilence, type ApiCall } from './api-call.js'
import { namedConfig } from './consumer-names.js'

const NAME_SUFFIX_SIZE = 8

export async function createConsumer(call: ApiCall): Promise<AnswerOrSilence> {
  const request = readBody(consumerCreateShape, call.request.body, call.server.isStrict)
  const account = requireAccount(call)
  const named = namedConfig(call.subject, request)
  if ((named.replicas ?? 0) > 1) throw apiError('JSStreamReplicasNotSupportedErr')
  const stream = requireStream(account, call.subject.stream)
  const config = sourcingConfig(named, stream, account.engine.options.random)
  const isForSource = config.direct === true || config.sourcing === true
  const identity = isForSource ? streamIdentity(stream) : undefined
  if (identity !== undefined) requireIdentity(call, identity)

  const options = { action: request.action ?? '', pedantic: request.pedantic ?? false }
  const consumer = await stream.createConsumer(config, options).catch((error: unknown) => {
    throw asApiError('JSConsumerCreateErrF', error)
  })
  const headers = identity === undefined ? undefined : identityHeader(identity)
  return answer(consumerInfoMembers(consumer, call.server, true), headers)
}

/**
 * Consumers that a mirror or source makes: where messages go once they are acknowledged, they must be durable and
 * acknowledge by flow control; elsewhere they are many, because sources ask under one name again and again.
 */
function sourcingConfig(config: ConsumerConfigInput, stream: Stream, random: () => number): ConsumerConfigInput {
  if (config.direct !== true || config.sourcing !== true || config.name === undefined || config.name === '')
    return config
  if (stream.config.retention === 'limits') {
    return { ...config, name: `${config.name}-${uniqueToken(random, NAME_SUFFIX_SIZE)}` }
  }
  return {
    ...config,
    direct: false,
    durableName: config.name,
    ackPolicy: 'flow_control',
    ackWait: 0n,
    maxDeliver: 0,
    inactiveThreshold: 0n,
  }
}

/** @throws ApiError 10225 */
function requireIdentity(call: ApiCall, identity: string): void {
  const expected = headerValue(call.request.headers, STREAM_IDENTITY) ?? ''
  if (expected !== '' && expected !== identity) throw apiError('JSConsumerStreamIdentityMismatchF', { msg: identity })
}
