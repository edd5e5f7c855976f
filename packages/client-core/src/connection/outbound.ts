/**
 * Bytes on their way to one client. They are written into arenas; once per turn, in its 'send' phase,
 * the arenas go to the transport, one write in flight at a time.
 *
 *     room() ──► filling ──► waiting ──► in flight ──► released
 *
 * Limits: a write in flight has a deadline. `pendingBytes` counts everything that the operating system has not taken;
 * the owner judges it.
 */
import { assert, type Timer, type TurnTask } from '@rivulet/store-types'
import type { Arena } from '../memory/arena.js'
import type { ConnectionHost } from './connection-host.js'
import type { Transport } from './transport.js'

/** How long a connection that was closed may take to send its last bytes. */
const LAST_BYTES_MS = 1_000

export interface OutboundOwner {
  /** Called when a turn begins to send; counters are settled here. */
  sending(): void
  /** The operating system took bytes; `pendingBytes` is smaller than before. */
  drained(): void
  /** A write took longer than the deadline. */
  writeDeadlineExceeded(): void
}

export class Outbound implements TurnTask {
  /** Bytes that the operating system has not taken yet. */
  pendingBytes = 0
  readonly #host: ConnectionHost
  readonly #transport: Transport
  readonly #owner: OutboundOwner
  #filling: Arena | undefined
  readonly #waiting: Arena[] = []
  #inFlight: Arena | undefined
  #isScheduled = false
  #isEnding = false
  #isDestroyed = false
  #deadline: Timer | undefined
  readonly #onFlushed: () => void

  constructor(host: ConnectionHost, transport: Transport, owner: OutboundOwner) {
    this.#host = host
    this.#transport = transport
    this.#owner = owner
    this.#onFlushed = () => this.#flushed()
  }

  /** True while a write waits for the operating system. */
  get isBlocked(): boolean {
    return this.#inFlight !== undefined
  }

  /** An arena with room for `size` bytes at its tail. The caller writes and calls `wrote`. */
  room(size: number): Arena {
    const arena = this.#filling
    return arena !== undefined && arena.end - arena.tail >= size ? arena : this.#nextArena(size)
  }

  /** `tail` is the offset behind what was written into the arena. */
  wrote(arena: Arena, tail: number): void {
    this.pendingBytes += tail - arena.tail
    arena.tail = tail
    if (!this.#isScheduled) this.#schedule()
  }

  /** Writes a protocol line, latin1, line end included. */
  write(line: string): void {
    const arena = this.room(line.length)
    this.wrote(arena, arena.tail + arena.buffer.latin1Write(line, arena.tail))
  }

  /** Hands over as much as the transport takes. */
  flush(): void {
    let hasMoved = false
    while (this.#inFlight === undefined && !this.#isDestroyed) {
      const arena = this.#waiting.shift() ?? this.#takeFilling()
      if (arena === undefined) break
      this.#inFlight = arena
      const bytes = arena.buffer.subarray(arena.start, arena.tail)
      if (!this.#transport.write(bytes, this.#onFlushed)) {
        this.#deadline = this.#host.clock.setTimer(this.#host.limits.writeDeadlineMs, () => this.#late())
        break
      }
      this.#inFlight = undefined
      this.#release(arena)
      hasMoved = true
    }
    if (this.#isEnding && this.#inFlight === undefined && !this.#isDestroyed) {
      this.#isDestroyed = true
      this.#deadline?.cancel()
      this.#transport.end()
    } else if (hasMoved) {
      this.#owner.drained()
    }
  }

  runTurn(): void {
    this.#isScheduled = false
    this.#owner.sending()
    this.flush()
  }

  /** Sends what is there, then closes the transport. */
  end(): void {
    if (this.#isEnding || this.#isDestroyed) return
    this.#isEnding = true
    this.#deadline?.cancel()
    this.#deadline = this.#host.clock.setTimer(LAST_BYTES_MS, () => this.destroy())
    this.#schedule()
  }

  /** Closes the transport and forgets what was not sent. */
  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#deadline?.cancel()
    if (this.#filling) this.#release(this.#filling)
    this.#filling = undefined
    for (const arena of this.#waiting.splice(0)) this.#release(arena)
    this.#transport.destroy()
  }

  #nextArena(size: number): Arena {
    const arena = this.#filling
    if (arena !== undefined && arena.size > 0) this.#waiting.push(arena)
    else if (arena !== undefined) this.#host.memory.release(arena)
    this.#filling = this.#host.memory.acquire(size)
    assert(this.#filling.end - this.#filling.tail >= size, 'a new arena has the room that was asked for')
    return this.#filling
  }

  #takeFilling(): Arena | undefined {
    const arena = this.#filling
    this.#filling = undefined
    return arena
  }

  #schedule(): void {
    this.#isScheduled = true
    this.#host.turns.schedule('send', this)
  }

  #release(arena: Arena): void {
    this.pendingBytes -= arena.size
    assert(this.pendingBytes >= 0, 'no more bytes leave than came')
    this.#host.memory.release(arena)
  }

  #flushed(): void {
    const arena = this.#inFlight
    if (arena === undefined) return
    this.#inFlight = undefined
    if (!this.#isEnding) this.#deadline?.cancel()
    this.#release(arena)
    if (this.#isDestroyed) return
    this.#owner.drained()
    if (!this.#isScheduled && (this.#isEnding || this.#filling !== undefined || this.#waiting.length > 0)) this.#schedule()
  }

  #late(): void {
    if (this.#inFlight !== undefined) this.#owner.writeDeadlineExceeded()
  }
}
