/**
 * PUB and HPUB of one connection: checks in the reference's order, then the message goes to the
 * account as a view of the bytes that were read. The hot half of a connection.
 *
 *  1. counted
 *  2. pedantic: an invalid subject is reported, and routed all the same
 *  3. reserved subjects and permissions: reported and dropped
 *  4. reserved replies: reported and dropped
 *  5. verbose: +OK
 *  6. delivered; 503 when nobody was there and the client asked for that
 */
import type { Account, PermissionSet, Publisher, Route, Subscription } from '@rivulet/accounts'
import {
  ROW_BODY,
  ROW_BODY_SIZE,
  ROW_HEADER_SIZE,
  ROW_REPEATS,
  ROW_REPLY,
  ROW_REPLY_SIZE,
  ROW_SUBJECT,
  ROW_SUBJECT_SIZE,
  ROW_TAIL,
} from '../codec/descriptors.js'
import { WireMessage } from '../codec/wire-message.js'
import type { ConnectOptions } from './connect-options.js'
import { isPublishableSubject } from './publishable-subject.js'
import { quote } from './quote.js'
import { isReservedReply, isReservedSubject } from './reserved-subjects.js'
import { RouteMemo } from './route-memo.js'

const DOLLAR = 0x24

/** What the publishing half needs from its connection. */
export interface PublishOwner extends Publisher {
  /** Writes a protocol line, line end included, wire text. */
  sendLine(line: string): void
  /** +OK */
  acknowledge(): void
  /** -ERR, and a line in the log. */
  refuse(error: string, logged: string): void
}

export class PublishPath {
  /** Messages, and their bytes with headers, since the connection last settled its counters. */
  messages = 0
  bytes = 0
  readonly #owner: PublishOwner
  readonly #options: ConnectOptions
  readonly #message = new WireMessage()
  readonly #memo = new RouteMemo()
  /** Of the last message that went along a route of the list. */
  #route: Route | undefined
  #account: Account | undefined
  #isSystemAccount = false
  #permissions: PermissionSet | undefined

  constructor(owner: PublishOwner, options: ConnectOptions) {
    this.#owner = owner
    this.#options = options
  }

  /** Who publishes from now on. */
  adopt(account: Account, permissions: PermissionSet | undefined, isSystemAccount: boolean): void {
    this.#account = account
    this.#permissions = permissions
    this.#isSystemAccount = isSystemAccount
    this.#memo.clear()
    this.#route = undefined
  }

  publish(bytes: Buffer, rows: Int32Array, row: number): void {
    const subjectAt = rows[row + ROW_SUBJECT] as number
    const subjectSize = rows[row + ROW_SUBJECT_SIZE] as number
    const replyAt = rows[row + ROW_REPLY] as number
    const replySize = rows[row + ROW_REPLY_SIZE] as number
    const bodySize = rows[row + ROW_BODY_SIZE] as number
    const account = this.#account
    this.messages++
    this.bytes += bodySize
    if (account === undefined) return
    if (!this.#maySend(bytes, subjectAt, subjectSize)) return
    if (replySize > 0 && isReservedReply(bytes, replyAt, replySize)) return this.#refuseReply(bytes, replyAt, replySize)
    if (this.#options.verbose) this.#owner.acknowledge()

    const message = this.#message
    message.subjectBytes = message.replyBytes = message.bodyBytes = bytes
    message.subjectOffset = subjectAt
    message.subjectSize = subjectSize
    message.replyOffset = replyAt
    message.replySize = replySize
    message.bodyOffset = rows[row + ROW_BODY] as number
    message.bodySize = bodySize
    message.headerSize = rows[row + ROW_HEADER_SIZE] as number
    message.tailOffset = rows[row + ROW_TAIL] as number
    const count = this.#send(account, message, rows[row + ROW_REPEATS] === 1)
    if (count === 0 && replySize > 0 && this.#options.no_responders) this.#tellNobodyIsThere(account, message)
  }

  /** `repeats`: the subject is that of the message before, in the same read. */
  #send(account: Account, message: WireMessage, repeats: boolean): number {
    const { subjectBytes: bytes, subjectOffset: offset, subjectSize: size } = message
    // Acknowledgements and requests to the server: few repeat, and the account knows a shorter way.
    if (bytes[offset] === DOLLAR) return account.publish(message, this.#owner)
    const list = account.subscriptions
    let route = this.#route
    if (!repeats || route === undefined || route.generation !== list.generation) {
      route = this.#memo.find(bytes, offset, size, list.generation)
      if (route === undefined) {
        route = list.routeOf(bytes, offset, size)
        this.#memo.keep(bytes, offset, size, route)
      }
      this.#route = route
    }
    return account.send(route, message, this.#owner)
  }

  #maySend(bytes: Buffer, offset: number, size: number): boolean {
    if (this.#options.pedantic && !isPublishableSubject(bytes, offset, size)) {
      this.#owner.refuse('Invalid Publish Subject', '')
    }
    const isReserved = isReservedSubject(bytes, offset, size, this.#isSystemAccount)
    if (!isReserved && this.#permissions === undefined) return true
    const subject = bytes.latin1Slice(offset, offset + size)
    if (!isReserved && this.#permissions?.mayPublish(subject)) return true
    const shown = quote(subject)
    this.#owner.refuse(`Permissions Violation for Publish to ${shown}`, `Publish Violation - Subject ${shown}`)
    return false
  }

  #refuseReply(bytes: Buffer, offset: number, size: number): void {
    const shown = quote(bytes.latin1Slice(offset, offset + size))
    this.#owner.refuse(`Permissions Violation for Publish with Reply of ${shown}`, `Publish Violation - Reply ${shown}`)
  }

  /** 503 on the reply subject, if this client itself listens there with a plain subscription. */
  #tellNobodyIsThere(account: Account, message: WireMessage): void {
    const route = account.subscriptions.routeOf(message.replyBytes, message.replyOffset, message.replySize)
    const isOwn = (candidate: Subscription): boolean => candidate.sink === this.#owner.ownSink && !candidate.isClosed
    const subscription = route.plain.find(isOwn)
    if (subscription === undefined) return
    const block = `NATS/1.0 503\r\nNats-Subject: ${message.subject()}\r\n\r\n`
    const size = block.length
    this.#owner.sendLine(`HMSG ${message.reply()} ${subscription.sid} ${size} ${size}\r\n${block}\r\n`)
  }
}
