/**
 * What a handler of an API call is given, and what it gives back.
 *
 * A handler runs its checks in the order of jetstream-api.md and throws an ApiError at the first that fails; the
 * caller (account/account-api.ts) makes the error reply, counts and audits. The order differs between calls, so each
 * handler writes its own.
 */
import type { Clock, JsonWritable, Logger } from '@rivulet/store-types'
import { apiError, type JetStreamAccount, type Stream } from '@rivulet/jetstream-core'
import { demandsHigherLevel } from '../request/api-level.js'
import type { ApiRequest } from '../request/api-request.js'
import type { ApiCallName, ApiSubject } from '../subject/api-subject.js'

/** Facts of the server that requests see. */
export type ServerFacts = Readonly<{
  clock: Clock
  logger: Logger
  serverName: string
  clusterName: string | undefined
  domain: string | undefined
  /** of the reference we match */
  version: string
  isStrict: boolean
}>

export type ApiCall = Readonly<{
  request: ApiRequest
  subject: ApiSubject
  /** undefined: the account has no JetStream */
  account: JetStreamAccount | undefined
  server: ServerFacts
}>

/** Members of a response beside `type`, in the order in which they are written. */
export type Members = { readonly [name: string]: JsonWritable }

export type Answer = Readonly<{
  members: Members
  /** a whole header block */
  headers?: string | undefined
}>

/** Undefined: no reply at all. */
export type AnswerOrSilence = Answer | undefined

export type CallHandler = (call: ApiCall) => AnswerOrSilence | Promise<AnswerOrSilence>

export type CallDefinition = Readonly<{
  call: ApiCallName
  /** without `io.nats.jetstream.api.v1.` and `_response` */
  type: string
  /** what an error reply carries beside `type` and `error` */
  errorMembers?: Members
  /** 'errors': a successful reply is neither counted nor audited; 'nothing': no reply is. */
  tracks?: 'errors' | 'nothing'
  handle: CallHandler
}>

export function answer(members: Members, headers?: string): Answer {
  return { members, headers }
}

/** @throws ApiError 10185 */
export function requireLevel(call: ApiCall): void {
  if (demandsHigherLevel(call.request.headers)) throw apiError('JSRequiredApiLevelErr')
}

/**
 * The account, once the two checks that most calls begin with have passed.
 * @throws ApiError 10185, 10039
 */
export function requireAccount(call: ApiCall): JetStreamAccount {
  requireLevel(call)
  return requireJetStream(call)
}

/** @throws ApiError 10039 */
export function requireJetStream(call: ApiCall): JetStreamAccount {
  if (call.account === undefined) throw apiError('JSNotEnabledForAccountErr')
  return call.account
}

/** @throws ApiError 10059; 10194 when the stream is there and can not be served */
export function requireStream(account: JetStreamAccount, name: string): Stream {
  const stream = account.streams.get(name)
  if (stream !== undefined) return stream
  const reason = account.offline.get(name)
  if (reason !== undefined) throw apiError('JSStreamOfflineReasonErrF', { err: reason })
  throw apiError('JSStreamNotFoundErr')
}
