/**
 * Status messages to pull requests and deliver subjects: a header block and no body (jetstream-api.md section 18.4).
 */
import { messageOf } from '@rivulet/store-types'
import { internalPublisher, type Account } from '@rivulet/accounts'
import type { PullRequest } from './request-queue.js'

export const NO_MESSAGES = '404 No Messages'
export const REQUESTS_PENDING = '408 Requests Pending'
export const REQUEST_TIMEOUT = '408 Request Timeout'
export const MESSAGE_TOO_LARGE = '409 Message Size Exceeds MaxBytes'
export const BATCH_COMPLETED = '409 Batch Completed'
export const EXCEEDED_MAX_WAITING = '409 Exceeded MaxWaiting'
export const PUSH_BASED = '409 Consumer is push based'
export const CONSUMER_DELETED = '409 Consumer Deleted'
export const SERVER_SHUTDOWN = '409 Server Shutdown'
export const REQUIRED_API_LEVEL = '412 Required Api Level'
export const PIN_MISMATCH = '423 Nats-Pin-Id mismatch'
export const WRONG_PIN = '423 Nats-Wrong-Pin-Id'
export const IDLE_HEARTBEAT = '100 Idle Heartbeat'
export const FLOW_CONTROL_REQUEST = '100 FlowControl Request'

export type HeaderLine = readonly [name: string, value: string | number]

export class StatusSender {
  readonly #account: Account

  constructor(account: Account) {
    this.#account = account
  }

  /** `subject` and `reply`: wire text. */
  send(subject: string, status: string, lines: readonly HeaderLine[] = [], reply = ''): void {
    let headers = `NATS/1.0 ${status}\r\n`
    for (const [name, value] of lines) headers += `${name}: ${value}\r\n`
    this.#account.publish(messageOf({ subject, reply, headers: `${headers}\r\n` }), internalPublisher)
  }

  /** As `send`, with what the request still wanted. */
  end(request: PullRequest, status: string): void {
    this.send(request.reply, status, [
      ['Nats-Pending-Messages', request.remaining],
      ['Nats-Pending-Bytes', request.bytesRemaining],
    ])
  }
}
