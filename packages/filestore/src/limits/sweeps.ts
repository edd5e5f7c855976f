/** Changed configurations that are being applied in parts (gradual-limits.ts), and what appends leave to them. */
export class Sweeps {
  /** How many are. */
  count = 0
  /** Appends may leave what they would have to read a block for. */
  takesAll = false
  /** They did. */
  hasBeenLeft = false

  get areUnderWay(): boolean {
    return this.count > 0
  }
}
