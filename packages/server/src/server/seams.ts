/** Everything of the world that a server is given. The defaults are the real ones. */
import { NodeFileSystem } from '@rivulet/filestore'
import { SystemClock, systemRandom, TurnLoop } from '@rivulet/store-types'
import type { Clock, FileSystem, Logger, Turns } from '@rivulet/store-types'

export type ServerSeams = Readonly<{
  clock: Clock
  turns: Turns
  /** floats in [0, 1) */
  random: () => number
  fileSystem: FileSystem
  logger: Logger
}>

/** The real world, with what the caller replaces. */
export function systemSeams(replaced: Partial<ServerSeams> & { logger: Logger }): ServerSeams {
  return {
    clock: replaced.clock ?? new SystemClock(),
    turns: replaced.turns ?? new TurnLoop((err) => replaced.logger.error({ err }, 'A task of this turn failed')),
    random: replaced.random ?? systemRandom(),
    fileSystem: replaced.fileSystem ?? new NodeFileSystem(),
    logger: replaced.logger,
  }
}
