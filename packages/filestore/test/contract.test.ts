/** The suite every store passes, over plain, small-block and compressed stores on a simulated disk. */
import type { StreamConfig } from '@rivulet/store-types'
import { describeStoreContract, type StoreEnvironment, type StoreHost } from '@rivulet/store-types/contract'
import { FileStreamStore } from '../src/file-store.js'
import { createHashKernel } from '../src/hash/create-hash-kernel.js'
import { SimulatedDisk } from '../src/simulation.js'
import { StoreGroup } from '../src/store-group.js'

const kernel = createHashKernel({ memoryBytes: 32 << 20 })

type Options = { blockBytes?: number }

function host({ clock, turns }: StoreEnvironment, options: Options): StoreHost {
  const disk = new SimulatedDisk()
  let config: StreamConfig
  const open = () =>
    FileStreamStore.open({
      fileSystem: disk,
      directory: '/data/streams/CONTRACT',
      config,
      created: 1n,
      clock,
      turns,
      group: new StoreGroup({ clock, kernel }),
      logger: { fatal: drop, error: drop, warn: drop, info: drop, debug: drop, trace: drop },
      ...options,
    })
  return {
    create: (created) => {
      config = created
      return open()
    },
    reopen: open,
  }
}

const drop = (): void => {}

for (const [name, options] of Object.entries<Options>({ plain: {}, 'small blocks': { blockBytes: 512 } })) {
  describeStoreContract(
    `filestore, ${name},`,
    (environment) => host(environment, options),
    {
      kind: 'file',
      durable: true,
      messageTtl: true,
      sizeOf: (subjectSize, headerSize, payloadSize) =>
        22 + subjectSize + payloadSize + 8 + (headerSize > 0 ? 4 + headerSize : 0),
    },
    { modelRuns: 60 },
  )
}
