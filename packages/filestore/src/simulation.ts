export { SimulatedDisk } from './file-system/simulated-disk.js'
export type { SimulatedDiskOptions, SimulatedFault, SimulatedOperation } from './file-system/simulated-disk.js'
