/**
 * Power cuts: nothing acknowledged is lost, nothing acknowledged as removed comes back, nothing appears
 * twice, no sequence is given out again, recovery never fails. Fault model: crash.ts.
 *
 * `pnpm sim --cuts 1000000 --seed 7` runs longer, from another seed.
 */
import { describe, expect, it } from 'vitest'
import { crashScript, printFailure } from './crash.js'

const CUTS = Number(process.env['FILESTORE_SIM_CUTS'] ?? 10_000)
const FIRST_SEED = Number(process.env['FILESTORE_SIM_SEED'] ?? 1)
const PARTS = 4

describe('a stream on a disk that loses power', () => {
  it.each(Array.from({ length: PARTS }, (_, part) => part))(
    'keeps its promises at every cut (part %d)',
    async (part) => {
      let cuts = 0
      for (let seed = FIRST_SEED + part; cuts < CUTS / PARTS; seed += PARTS) {
        const result = await crashScript(seed)
        cuts += result.cuts
        if (result.failure !== undefined) expect.fail(printFailure(result.failure))
      }
      expect(cuts).toBeGreaterThanOrEqual(CUTS / PARTS)
    },
    Math.max(120_000, CUTS * 60),
  )
})
