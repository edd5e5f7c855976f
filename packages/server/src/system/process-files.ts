/** The files by which launchers find a running server: its process id, and where it listens. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '@rivulet/store-types'
import { type ListenerAddresses, portsFileText } from '../lifecycle/ports-file.js'
import { executableName, interfaceAddresses } from './machine.js'
import { openErrorText } from './system-error.js'

/** Digits only; stays when the server ends. */
export class PidFile {
  readonly #logger: Logger
  #path = ''

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Writes nothing when `path` is empty. @throws Error when it cannot be written: the server does not start */
  write(path: string): void {
    this.#path = path
    if (path === '') return
    try {
      writeFileSync(path, String(process.pid))
    } catch (cause) {
      throw new Error(`Could not write pidfile: ${openErrorText(path, cause)}`, { cause })
    }
  }

  /** After a reload. A running server goes on without it. */
  move(path: string): void {
    if (path === this.#path) return
    try {
      this.write(path)
    } catch (error) {
      this.#logger.error((error as Error).message)
    }
  }
}

export type BoundAddresses = Readonly<{
  clients: Readonly<{ host: string; port: number }> | undefined
  monitor: Readonly<{ host: string; port: number }> | undefined
}>

/** `<folder>/<executable>_<pid>.ports`; removed when the server ends orderly. */
export class PortsFile {
  readonly #logger: Logger
  #folder = ''
  #path: string | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Writes nothing when `folder` is empty. A failure is told in the log; the server goes on. */
  write(folder: string, { clients, monitor }: BoundAddresses): void {
    this.#folder = folder
    if (folder === '') return
    const addresses: ListenerAddresses = {
      ...(clients ? { nats: { scheme: 'nats', ...clients } } : {}),
      ...(monitor ? { monitoring: { scheme: 'http', ...monitor } } : {}),
    }
    const path = join(folder, `${executableName(process.argv[1])}_${process.pid}.ports`)
    try {
      writeFileSync(path, portsFileText(addresses, interfaceAddresses()))
      this.#path = path
    } catch (error) {
      this.#logger.error(`Error writing ports file (${path}): ${openErrorText(path, error)}`)
    }
  }

  /** After a reload. */
  move(folder: string, addresses: BoundAddresses): void {
    if (folder === this.#folder) return
    this.remove()
    this.write(folder, addresses)
  }

  remove(): void {
    if (this.#path !== undefined) rmSync(this.#path, { force: true })
    this.#path = undefined
  }
}
