/** Damage that was found, told once each: to the log at once, to the listener as soon as there is one. */
import type { DamageReport, Logger, StreamStoreListener } from '@rivulet/store-types'

export class DamageLedger {
  readonly #logger: Logger
  readonly #places = new Set<string>()
  #unheard: DamageReport[] = []
  #listener: StreamStoreListener | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** The same place is found by the scan and by every load of its block: the first report counts. */
  report(report: DamageReport): void {
    const { file, offset, size, firstSequence, lastSequence, cause } = report
    const place = `${file} ${offset} ${size}`
    if (this.#places.has(place)) return
    this.#places.add(place)
    const sequences = firstSequence === 0 ? '' : `, sequences ${firstSequence} to ${lastSequence}`
    this.#logger.warn(`${file}: ${size} bytes at offset ${offset} are damaged${sequences}: ${cause}`)
    if (this.#listener === undefined) this.#unheard.push(report)
    else this.#listener.damaged(report)
  }

  /** Sets who is told, and tells what was found before: opening finds most damage. */
  setListener(listener: StreamStoreListener | undefined): void {
    this.#listener = listener
    if (listener === undefined) return
    const unheard = this.#unheard
    this.#unheard = []
    for (const report of unheard) listener.damaged(report)
  }
}
