/**
 * A stream as an archive, version 2 (store-format.md section 11.2), made while it is read: never more than about a
 * chunk of S2 is in memory. What the stream takes meanwhile is not part of it; what is removed meanwhile may be.
 */
import {
  consumerConfigToJson,
  consumerStateToJson,
  nanosOf,
  S2Encoder,
  StoredMessage,
  streamStateToJson,
  SubjectFilter,
  writeJson,
  type ConsumerState,
  type JsonWritable,
  type StreamState,
} from '@rivulet/store-types'
import type { Consumer } from '../consumer/consumer.js'
import type { Stream } from '../stream/stream.js'
import { ARCHIVE_MAGIC, CONSUMER_PREFIX, encodeEntryHead, END_ENTRY, STATE_ENTRY } from './archive-entry.js'

export class StreamArchive {
  /** The stream as it was when the archive was begun. */
  readonly state: StreamState
  readonly #stream: Stream
  readonly #encoder = new S2Encoder()
  readonly #message = new StoredMessage()
  #next: number
  #isEnded = false
  #parts: Buffer[] = []
  #size = 0

  /** The stream is at rest: what the archive holds is on disk. */
  constructor(stream: Stream, options: Readonly<{ hasConsumers: boolean }>) {
    this.#stream = stream
    this.state = stream.state(false)
    this.#next = Math.max(1, this.state.firstSequence)
    const consumers = options.hasConsumers ? archivedConsumers(stream) : []
    this.#encoder.write(ARCHIVE_MAGIC)
    this.#writeDocument(STATE_ENTRY, streamStateToJson({ ...this.state, consumerCount: consumers.length }))
    for (const [consumer, state] of consumers) {
      const config = consumerConfigToJson(consumer.config)
      const known = consumerStateToJson(boundedState(state, this.state.lastSequence))
      this.#writeDocument(`${CONSUMER_PREFIX}${consumer.name}`, { config, state: known })
    }
  }

  /**
   * The next `size` bytes of the archive, fewer at its end, none behind it.
   * @throws StoreError when the stream can not be read any more
   */
  read(size: number): Buffer {
    while (this.#size < size && !this.#isEnded) this.#advance()
    const wanted = Math.min(size, this.#size)
    const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts)
    this.#parts = [all.subarray(wanted)]
    this.#size -= wanted
    return all.subarray(0, wanted)
  }

  /** One message more, or the end. */
  #advance(): void {
    const { store } = this.#stream
    const last = this.state.lastSequence
    const sequence = this.#next > last ? 0 : store.loadNext(SubjectFilter.all, this.#next, this.#message)
    if (sequence === 0 || sequence > last) {
      this.#encoder.write(encodeEntryHead(END_ENTRY))
      this.#encoder.end()
      this.#isEnded = true
    } else {
      this.#writeMessage(this.#message, sequence)
      this.#next = sequence + 1
    }
    for (const part of this.#encoder.take()) {
      this.#parts.push(part)
      this.#size += part.length
    }
  }

  #writeMessage(message: StoredMessage, sequence: number): void {
    const { subjectBytes, subjectOffset, subjectSize, bodyBytes, bodyOffset, bodySize, headerSize } = message
    const head = {
      nameSize: subjectSize,
      time: nanosOf(message.seconds, message.nanoseconds),
      sequence,
      headerSize,
      payloadSize: bodySize - headerSize,
    }
    this.#encoder.write(encodeEntryHead(head))
    this.#encoder.write(subjectBytes.subarray(subjectOffset, subjectOffset + subjectSize))
    this.#encoder.write(bodyBytes.subarray(bodyOffset, bodyOffset + bodySize))
  }

  #writeDocument(name: string, value: JsonWritable): void {
    const nameBytes = Buffer.from(name, 'utf8')
    const payload = Buffer.from(writeJson(value), 'utf8')
    const time = this.#stream.account.engine.options.clock.wallNanos()
    const head = { nameSize: nameBytes.length, time, sequence: 0, headerSize: 0, payloadSize: payload.length }
    for (const bytes of [encodeEntryHead(head), nameBytes, payload]) this.#encoder.write(bytes)
  }
}

/** Consumers that have a state to keep; those of mirrors and sources have none. */
function archivedConsumers(stream: Stream): [Consumer, ConsumerState][] {
  const found: [Consumer, ConsumerState][] = []
  for (const consumer of stream.consumers.values()) {
    const state = consumer.storedState()
    if (state !== undefined) found.push([consumer, state])
  }
  return found
}

/** Nothing of what came after the archive was begun. */
function boundedState(state: ConsumerState, last: number): ConsumerState {
  const { delivered, ackFloor } = state
  return {
    delivered: { ...delivered, streamSequence: Math.min(delivered.streamSequence, last) },
    ackFloor: { ...ackFloor, streamSequence: Math.min(ackFloor.streamSequence, last) },
    pending: new Map([...state.pending].filter(([sequence]) => sequence <= last)),
    redelivered: new Map([...state.redelivered].filter(([sequence]) => sequence <= last)),
  }
}
