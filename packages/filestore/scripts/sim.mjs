// Power cuts, damage and failing disks by the number:
// `pnpm sim --cuts 1000000 [--damages 5000] [--faults 3000] [--seed 7]`.
// A failure prints its seed and a short script.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '50000' },
    damages: { type: 'string', default: '400' },
    faults: { type: 'string', default: '150' },
    seed: { type: 'string', default: '1' },
  },
})
const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const env = {
  ...process.env,
  FILESTORE_SIM_CUTS: values.cuts,
  FILESTORE_SIM_DAMAGES: values.damages,
  FILESTORE_SIM_FAULTS: values.faults,
  FILESTORE_SIM_SEED: values.seed,
}
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const run = spawnSync(process.execPath, [vitest, 'run', 'packages/filestore/test/sim'], { cwd: root, env, stdio: 'inherit' })
process.exitCode = run.status ?? 1
