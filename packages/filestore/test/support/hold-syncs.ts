import type { SimulatedDisk } from '../../src/simulation.js'

/** Syncs of blocks end when `letGo` was called. */
export function holdSyncs(disk: SimulatedDisk): { letGo: () => void; syncs: () => number } {
  let letGo = (): void => {}
  let count = 0
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const open = disk.open.bind(disk)
  disk.open = (path, mode) => {
    const file = open(path, mode)
    if (!path.endsWith('.blk')) return file
    const sync = file.sync.bind(file)
    file.sync = () => {
      count++
      return sync().then(() => gate)
    }
    return file
  }
  return { letGo, syncs: () => count }
}
