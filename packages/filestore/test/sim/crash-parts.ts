/**
 * Power cuts: nothing acknowledged is lost, nothing acknowledged as removed comes back, nothing appears
 * twice, no sequence is given out again, recovery never fails. Fault model: crash.ts.
 *
 * `pnpm sim --cuts 1000000 --seed 7` runs longer, from another seed. The cuts are shared out over files,
 * because files run at the same time and tests of a file do not.
 */
import { expect, it } from 'vitest'
import { crashScript, printFailure } from './crash.js'

const CUTS = Number(process.env['FILESTORE_SIM_CUTS'] ?? 50_000)
const FIRST_SEED = Number(process.env['FILESTORE_SIM_SEED'] ?? 1)
const FILES = 2
const PARTS = 4

/** The tests of file `file`, from 0. */
export function testCuts(file: number): void {
  it.each(Array.from({ length: PARTS }, (_, part) => part))(
    'keeps its promises at every cut (part %d)',
    async (part) => {
      let cuts = 0
      const wanted = CUTS / FILES / PARTS
      for (let seed = FIRST_SEED + file + FILES * part; cuts < wanted; seed += FILES * PARTS) {
        const result = await crashScript(seed)
        cuts += result.cuts
        if (result.failure !== undefined) expect.fail(printFailure(result.failure))
      }
      expect(cuts).toBeGreaterThanOrEqual(wanted)
    },
    Math.max(240_000, CUTS * 60),
  )
}
