/** CONSUMER.NAMES, LIST and INFO (jetstream-api.md section 8.2). */
import { apiError, type Consumer } from '@rivulet/jetstream-core'
import { isEmptyRequest, readOptionalBody } from '../request/request-body.js'
import { consumerListShape } from '../request/request-shapes.js'
import { consumerInfoMembers } from '../response/consumer-info.js'
import { compareNames, LIST_LIMIT, NAMES_LIMIT, pageOf, type Page } from '../response/paging.js'
import { answer, requireAccount, requireJetStream, requireLevel, requireStream } from './api-call.js'
import type { AnswerOrSilence, ApiCall } from './api-call.js'

export function consumerNames(call: ApiCall): AnswerOrSilence {
  const { entries, ...page } = consumerPage(call, NAMES_LIMIT)
  return answer({ ...page, consumers: entries.map((consumer) => consumer.name) })
}

export function listConsumers(call: ApiCall): AnswerOrSilence {
  const { entries, ...page } = consumerPage(call, LIST_LIMIT)
  return answer({ ...page, consumers: entries.map((consumer) => consumerInfoMembers(consumer, call.server, false)) })
}

export function consumerInfo(call: ApiCall): AnswerOrSilence {
  if (!isEmptyRequest(call.request.body)) throw apiError('JSNotEmptyRequestErr')
  requireLevel(call)
  const account = requireJetStream(call)
  return answer(
    consumerInfoMembers(requireConsumer(requireStream(account, call.subject.stream), call), call.server, true),
  )
}

/** @throws ApiError 10014 */
export function requireConsumer(stream: { consumers: ReadonlyMap<string, Consumer> }, call: ApiCall): Consumer {
  const consumer = stream.consumers.get(call.subject.consumer)
  if (consumer === undefined) throw apiError('JSConsumerNotFoundErr')
  return consumer
}

/** Consumers of mirrors and sources stay hidden. */
function consumerPage(call: ApiCall, limit: number): Page<Consumer> {
  const account = requireAccount(call)
  const { offset = 0 } = readOptionalBody(consumerListShape, call.request.body, call.server.isStrict)
  const stream = requireStream(account, call.subject.stream)
  const shown = [...stream.consumers.values()].filter((consumer) => !consumer.config.direct)
  return pageOf(
    shown.sort((a, b) => compareNames(a.name, b.name)),
    offset,
    limit,
  )
}
