/**
 * The push side of a consumer: where its messages go, whether somebody listens there, heartbeats and flow control
 * (jetstream-api.md section 18.5).
 */
import type { ConsumerConfig } from '@rivulet/store-types'
import { wireOf, type MessageView } from '@rivulet/store-types'
import {
  Subscription,
  type Account,
  type InterestWatcher,
  type MessageSink,
  type Route,
} from '@rivulet/accounts'
import { uniqueToken } from '../identifiers.js'
import { FlowWindow } from './flow-window.js'
import * as status from './status.js'

const FLOW_TOKEN_SIZE = 4

/** What the consumer behind the target knows and wants to hear. */
export interface PushSource {
  readonly nextSequence: number
  readonly nextDelivery: number
  /** Somebody listens now, or nobody does any more. */
  interestChanged(isActive: boolean): void
  /** A flow-control request was answered by `message`. */
  flowAnswered(message: MessageView): void
}

export type PushTargetOptions = Readonly<{
  account: Account
  source: PushSource
  sender: status.StatusSender
  random: () => number
  /** wire text */
  streamName: string
  consumerName: string
  /** `<domain or _>.<account hash>`: the second form of flow-control subjects */
  longForm: string
}>

export class PushTarget implements InterestWatcher, MessageSink {
  readonly #options: PushTargetOptions
  readonly #window: FlowWindow | undefined
  readonly #flowSubscriptions: Subscription[] = []
  #subject: string
  #group: string | undefined
  #route: Route
  #isActive = false
  #isWatching = false

  constructor(options: PushTargetOptions, config: ConsumerConfig) {
    this.#options = options
    this.#subject = wireOf(config.deliverSubject ?? '')
    this.#group = config.deliverGroup ? wireOf(config.deliverGroup) : undefined
    this.#route = options.account.subscriptions.routeOfText(this.#subject)
    this.#window = config.flowControl ? new FlowWindow() : undefined
  }

  /** wire text */
  get subject(): string {
    return this.#subject
  }

  /** Does somebody listen, in the group if there is one? */
  get isActive(): boolean {
    return this.#isActive
  }

  get mayDeliver(): boolean {
    return this.#isActive && this.#window?.isFull !== true
  }

  /** A flow-control request waits for its answer. */
  get isAsking(): boolean {
    return this.#window !== undefined && this.#window.requestSubject !== ''
  }

  /** Begins to listen for interest and for flow-control answers. */
  open(): void {
    const { subscriptions } = this.#options.account
    subscriptions.watch(this.#subject, this)
    this.#isWatching = true
    this.#isActive = this.#hasInterest()
    if (!this.#window) return
    const { streamName, consumerName, longForm } = this.#options
    for (const subject of [
      `$JS.FC.${streamName}.${consumerName}.*`,
      `$JS.FC.${longForm}.${streamName}.${consumerName}.*`,
    ]) {
      const subscription = new Subscription({ subject, sink: this })
      this.#flowSubscriptions.push(subscription)
      subscriptions.insert(subscription)
    }
  }

  close(): void {
    const { subscriptions } = this.#options.account
    if (this.#isWatching) subscriptions.unwatch(this.#subject, this)
    this.#isWatching = false
    this.#isActive = false
    for (const subscription of this.#flowSubscriptions.splice(0)) {
      subscription.isClosed = true
      subscriptions.remove(subscription)
    }
  }

  /** Text, not wire text. */
  setSubject(deliverSubject: string, deliverGroup: string | undefined): void {
    const { subscriptions } = this.#options.account
    if (this.#isWatching) subscriptions.unwatch(this.#subject, this)
    this.#subject = wireOf(deliverSubject)
    this.#group = deliverGroup ? wireOf(deliverGroup) : undefined
    this.#route = subscriptions.routeOfText(this.#subject)
    if (this.#isWatching) subscriptions.watch(this.#subject, this)
    this.interestChanged()
  }

  /** Who gets the messages now. */
  route(): Route {
    const { subscriptions } = this.#options.account
    if (this.#route.generation !== subscriptions.generation) this.#route = subscriptions.routeOfText(this.#subject)
    return this.#route
  }

  interestChanged(): void {
    const isActive = this.#hasInterest()
    if (isActive === this.#isActive) return
    this.#isActive = isActive
    this.#options.source.interestChanged(isActive)
  }

  /** A message did not arrive: nothing more is sent until interest changes. */
  lost(): void {
    this.#isActive = false
  }

  /** Interest is a subscription to exactly this subject: plain ones without a group, else its members. */
  #hasInterest(): boolean {
    const route = this.route()
    const group = this.#group
    if (group === undefined) return route.plain.some((one) => one.subject === this.#subject)
    return route.groups.some((members) =>
      members.some((member) => member.queue === group && member.subject === this.#subject),
    )
  }

  /** Counts a message of `size` bytes; asks for an answer when the window wants one. */
  sent(size: number, mustAsk: boolean): void {
    if (this.#window?.sent(size + this.#subject.length, mustAsk) === true) this.askFlowControl()
  }

  askFlowControl(): void {
    const { streamName, consumerName, random, sender } = this.#options
    const reply = `$JS.FC.${streamName}.${consumerName}.${uniqueToken(random, FLOW_TOKEN_SIZE)}`
    this.#window?.asked(reply)
    sender.send(this.#subject, status.FLOW_CONTROL_REQUEST, [], reply)
  }

  sendHeartbeat(): void {
    const { source, sender } = this.#options
    const lines: status.HeaderLine[] = [
      ['Nats-Last-Consumer', source.nextDelivery - 1],
      ['Nats-Last-Stream', source.nextSequence - 1],
    ]
    if (this.#window && this.#window.requestSubject !== '') {
      lines.push(['Nats-Consumer-Stalled', this.#window.requestSubject])
    }
    sender.send(this.#subject, status.IDLE_HEARTBEAT, lines)
  }

  /** An answer to a flow-control request. */
  deliver(message: MessageView): void {
    if (this.#window?.answered(message.subject()) !== true) return
    this.#options.source.flowAnswered(message)
  }
}
