/**
 * The program `rivulet`, which also answers to the name `nats-server`: command line, signals, pid and
 * ports file, exit status. The only place that reads the process.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { resolveOptions, signalFailureText, type ServerOptions } from '@rivulet/opts'
import { SystemClock, type Logger } from '@rivulet/store-types'
import { createServerLogger } from '../log/server-logger.js'
import { portsFileText, type ListenerAddresses } from '../lifecycle/ports-file.js'
import { RivuletServer } from '../server/rivulet-server.js'
import { systemSeams } from '../server/seams.js'
import { REFERENCE_VERSION, RIVULET_VERSION } from '../server/server-info.js'
import { LogFile, stderrDestination } from './log-destination.js'
import { executableName, interfaceAddresses, runtimeName } from './machine.js'

/** An orderly exit that takes longer is ended; launchers kill after five seconds. */
const SHUTDOWN_MS_MAX = 4500

/** Runs the program; ends the process when it is done. */
export function main(): void {
  const resolved = resolveOptions({
    argv: process.argv.slice(2),
    version: REFERENCE_VERSION,
    readFile: (path) => readFileSync(path, 'utf8'),
    environment: process.env,
  })
  if (resolved.kind === 'exit') {
    process.stderr.write(resolved.stderr)
    process.stdout.write(resolved.stdout, () => process.exit(resolved.code))
    return
  }
  if (resolved.kind === 'signal') {
    try {
      process.kill(resolved.pid, resolved.signal)
    } catch (error) {
      process.stderr.write(signalFailureText(resolved, signalErrorText(error)))
      process.exit(1)
    }
    process.exit(0)
  }
  void new Program(resolved.options).run(resolved.warnings)
}

class Program {
  readonly #options: ServerOptions
  readonly #logFile: LogFile | undefined
  readonly #logger: Logger
  #server: RivuletServer | undefined
  #portsFile: string | undefined
  #isExiting = false

  constructor(options: ServerOptions) {
    this.#options = options
    const clock = new SystemClock()
    const { log } = options
    this.#logFile = log.file === '' ? undefined : openLog(log.file)
    this.#logger = createServerLogger({
      clock,
      destination: this.#logFile ?? stderrDestination(),
      format: log.format === 'json' ? 'json' : 'reference',
      isDebug: log.debug,
      isTrace: log.trace,
      hasTime: log.time,
      isUtc: log.timeUtc,
      pid: process.pid,
    })
  }

  async run(warnings: readonly string[]): Promise<void> {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#stop(signal))
    process.on('SIGUSR1', () => this.#logFile?.reopen())
    process.on('SIGUSR2', () => void this.#lameDuck())
    process.on('SIGHUP', () => this.#logger.error('Failed to reload server configuration: reload is not served yet'))
    process.on('uncaughtException', (error) => this.#fail(`Internal error, the server ends: ${error.stack ?? error.message}`))
    try {
      this.#announce(warnings)
      const server = new RivuletServer(this.#options, systemSeams({ logger: this.#logger }), runtimeName())
      this.#server = server
      this.#writePidFile()
      await server.start({ clients: true })
      this.#logger.info('Server is ready')
      this.#writePortsFile(server)
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    }
  }

  #announce(warnings: readonly string[]): void {
    const { configFile, configDigest } = this.#options
    this.#logger.info('Starting nats-server')
    this.#logger.info(`  Version:  ${REFERENCE_VERSION}`)
    this.#logger.info(`  Rivulet:  ${RIVULET_VERSION} (${runtimeName()})`)
    if (this.#options.serverName !== '') this.#logger.info(`  Name:     ${this.#options.serverName}`)
    if (configFile !== '') this.#logger.info(`Using configuration file: ${configFile} (${configDigest})`)
    for (const warning of warnings) this.#logger.warn(warning)
  }

  #writePidFile(): void {
    const { pidFile } = this.#options
    if (pidFile === '') return
    try {
      writeFileSync(pidFile, String(process.pid))
    } catch (cause) {
      throw new Error(`Could not write pidfile: ${(cause as Error).message}`, { cause })
    }
  }

  #writePortsFile(server: RivuletServer): void {
    const { portsFileDir } = this.#options
    if (portsFileDir === '') return
    const addresses: ListenerAddresses = {
      ...(server.address ? { nats: { scheme: 'nats', ...server.address } } : {}),
      ...(server.monitorAddress ? { monitoring: { scheme: 'http', ...server.monitorAddress } } : {}),
    }
    const path = join(portsFileDir, `${executableName(process.argv[1])}_${process.pid}.ports`)
    try {
      writeFileSync(path, portsFileText(addresses, interfaceAddresses()))
      this.#portsFile = path
    } catch (error) {
      this.#logger.error(`Error writing ports file to ${path}: ${(error as Error).message}`)
    }
  }

  #stop(signal: string): void {
    // A server that is leaving slowly goes on leaving slowly; an interrupt ends it.
    if (this.#isExiting || (signal === 'SIGTERM' && this.#server?.isLameDuck)) return
    this.#logger.info(`Trapped "${signal === 'SIGINT' ? 'interrupt' : 'terminated'}" signal`)
    void this.#exit()
  }

  async #lameDuck(): Promise<void> {
    if (this.#isExiting || !this.#server || this.#server.isLameDuck) return
    await this.#server.enterLameDuck()
    await this.#exit()
  }

  async #exit(): Promise<void> {
    if (this.#isExiting) return
    this.#isExiting = true
    setTimeout(() => process.exit(1), SHUTDOWN_MS_MAX).unref()
    try {
      await this.#server?.close()
      if (this.#portsFile !== undefined) rmSync(this.#portsFile, { force: true })
    } catch (error) {
      this.#logger.error(`Error at shutdown: ${(error as Error).message}`)
    }
    this.#logger.info('Server Exiting..')
    process.exit(0)
  }

  #fail(reason: string): void {
    this.#logger.fatal(reason)
    process.exit(1)
  }
}

/** The system's words for a signal that was not sent. */
function signalErrorText(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ESRCH') return 'no such process'
  if (code === 'EPERM') return 'operation not permitted'
  return (error as Error).message
}

function openLog(path: string): LogFile {
  try {
    return new LogFile(path)
  } catch (error) {
    process.stderr.write(`nats-server: error opening log file: ${(error as Error).message}\n`)
    process.exit(1)
  }
}
