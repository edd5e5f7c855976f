/**
 * The audit advisory (jetstream-api.md section 21): who asked what and what was answered, in the account of who
 * asked, also when that account has no JetStream.
 */
import { textOf } from '@rivulet/store-types'
import type { Advisories } from '@rivulet/jetstream-core'
import type { ServerFacts } from '../calls/api-call.js'
import type { ApiRequest } from '../request/api-request.js'

/** `response`: the reply's JSON. Costs one look-up when nobody listens. */
export function publishAudit(advisories: Advisories, request: ApiRequest, response: string, server: ServerFacts): void {
  advisories.publish('API', 'api_audit', () => ({
    server: server.serverName,
    client: request.publisher.clientInfo() ?? null,
    subject: textOf(request.subject),
    ...(request.body.length === 0 ? {} : { request: request.body.utf8Slice(0, request.body.length) }),
    response,
  }))
}
