/** Facts of the machine and the process: memory, addresses, paths. The one place that asks for them. */
import { availableParallelism, networkInterfaces, tmpdir, totalmem } from 'node:os'
import { statfsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** 75 % of the machine's memory: what memory streams may use unless told otherwise. */
export function defaultMemoryLimit(): number {
  return Math.floor(totalmem() * 0.75)
}

/** 75 % of what is free where the store is (or will be); 1 TB when unknown. */
export function defaultStorageLimit(storeDir: string): number {
  for (let folder = storeDir; ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = statfsSync(folder)
      return Math.floor(bavail * bsize * 0.75)
    } catch {
      if (folder === dirname(folder)) return 1024 ** 4
    }
  }
}

/** Where JetStream keeps its data without a configured directory. */
export function defaultStoreDir(): string {
  return join(tmpdir(), 'nats')
}

/** This machine's addresses, loopback last. */
export function interfaceAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const sorted = [...all.filter((entry) => !entry.internal), ...all.filter((entry) => entry.internal)]
  return sorted.map((entry) => entry.address)
}

/**
 * What the ports file is named after: the name the executable was called by. Our own name counts as the
 * reference's, because launchers look for that one.
 */
export function executableName(argument: string | undefined): string {
  const name = basename(argument ?? '').replace(/\.[cm]?js$/, '')
  return name === '' || name === 'rivulet' ? 'nats-server' : name
}

/** Shown where nats-server shows its Go version. */
export function runtimeName(): string {
  return `node${process.version.slice(1)}`
}

/** What this process takes: resident bytes, and per cent of one core since it was started. */
export function processUsage(): { memoryBytes: number; cpuPercent: number; cores: number } {
  const { user, system } = process.cpuUsage()
  const cpuPercent = Math.round((user + system) / 1e4 / process.uptime())
  return { memoryBytes: process.memoryUsage.rss(), cpuPercent, cores: availableParallelism() }
}
