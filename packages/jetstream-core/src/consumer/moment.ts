import { Timestamp, type Clock } from '@rivulet/store-types'

/** "Now" on both clocks, read once per turn and reused. */
export class Moment {
  /** for what is due */
  monotonicMs = 0
  /** for what is written down */
  readonly wall = new Timestamp()

  read(clock: Clock): this {
    this.monotonicMs = clock.monotonicMs()
    clock.wallTime(this.wall)
    return this
  }

  /** Milliseconds since the epoch. */
  get wallMs(): number {
    return this.wall.seconds * 1000 + Math.floor(this.wall.nanoseconds / 1e6)
  }
}
