/**
 * The program `rivulet`, which also answers to the name `nats-server`: command line, signals, exit
 * status. The only place that reads the process.
 */
import { readFileSync } from 'node:fs'
import { type CommandLine, resolveOptions, resolveReload, signalFailureText, type ServerOptions } from '@rivulet/opts'
import { type Clock, SystemClock, type Logger } from '@rivulet/store-types'
import { timeText } from '../log/reference-line.js'
import { type LogDestination, type LogSettings, ServerLog } from '../log/server-log.js'
import { RivuletServer } from '../server/rivulet-server.js'
import { systemSeams } from '../server/seams.js'
import { REFERENCE_VERSION, RIVULET_VERSION } from '../server/server-info.js'
import { doctor } from './doctor.js'
import { LogFile, stderrDestination } from './log-destination.js'
import { runtimeName } from './machine.js'
import { PidFile, PortsFile } from './process-files.js'
import { openErrorText, systemErrorText } from './system-error.js'

/** An orderly exit that takes longer is ended; launchers kill after five seconds. */
const SHUTDOWN_MS_MAX = 4500

/** Runs the program; ends the process when it is done. */
export function main(): void {
  if (process.argv[2] === 'doctor') return void doctor(process.argv.slice(3))
  const line: CommandLine = {
    argv: process.argv.slice(2),
    version: REFERENCE_VERSION,
    readFile: (path) => readFileSync(path, 'utf8'),
    environment: process.env,
  }
  const resolved = resolveOptions(line)
  if (resolved.kind === 'exit') {
    process.stderr.write(resolved.stderr)
    process.stdout.write(resolved.stdout, () => process.exit(resolved.code))
    return
  }
  if (resolved.kind === 'signal') {
    try {
      process.kill(resolved.pid, resolved.signal)
    } catch (error) {
      process.stderr.write(signalFailureText(resolved, systemErrorText(error)))
      process.exit(1)
    }
    process.exit(0)
  }
  void new Program(line, resolved.options).run(resolved.warnings)
}

class Program {
  readonly #line: CommandLine
  readonly #log: ServerLog
  readonly #logger: Logger
  readonly #pidFile: PidFile
  readonly #portsFile: PortsFile
  #options: ServerOptions
  #logFile: LogFile | undefined
  #server: RivuletServer | undefined
  #isReady = false
  #isExiting = false
  /** Reloads run one after another. */
  #reloading: Promise<void> = Promise.resolve()

  constructor(line: CommandLine, options: ServerOptions) {
    this.#line = line
    this.#options = options
    const clock = new SystemClock()
    const { log } = options
    this.#logFile = log.file === '' ? undefined : openLogOrEnd(log.file, clock)
    const destination = this.#logFile ?? stderrDestination()
    this.#log = new ServerLog({ clock, format: log.format, pid: process.pid }, settingsOf(options, destination))
    this.#logger = this.#log.logger
    this.#pidFile = new PidFile(this.#logger)
    this.#portsFile = new PortsFile(this.#logger)
  }

  async run(warnings: readonly string[]): Promise<void> {
    this.#listenToProcess()
    try {
      this.#announce()
      const server = new RivuletServer(this.#options, systemSeams({ logger: this.#logger }), runtimeName())
      this.#server = server
      this.#pidFile.write(this.#options.pidFile)
      await server.start({ clients: true })
      for (const warning of warnings) this.#logger.warn(warning)
      this.#logger.info('Server is ready')
      this.#isReady = true
      this.#portsFile.write(this.#options.portsFileDir, server.boundAddresses)
    } catch (error) {
      if (!this.#isExiting) this.#fail(error instanceof Error ? error.message : String(error))
    }
  }

  #listenToProcess(): void {
    process.on('SIGINT', () => this.#stop('SIGINT'))
    process.on('SIGTERM', () => this.#stop('SIGTERM'))
    process.on('SIGUSR1', () => this.#reopenLog())
    process.on('SIGUSR2', () => void this.#lameDuck())
    process.on('SIGHUP', () => {
      this.#reloading = this.#reloading.then(() => this.#reload())
    })
    process.on('unhandledRejection', (reason) => {
      const place = reason instanceof Error ? reason.stack : String(reason)
      this.#logger.error(`Internal error, the server goes on: ${place}`)
    })
    process.on('uncaughtException', (error) => {
      this.#fail(`Internal error, the server ends: ${error.stack ?? error.message}`)
    })
  }

  #announce(): void {
    const { configFile, configDigest } = this.#options
    this.#logger.info('Starting nats-server')
    this.#logger.info(`  Version:  ${REFERENCE_VERSION}`)
    this.#logger.info(`  Rivulet:  ${RIVULET_VERSION} (${runtimeName()})`)
    if (this.#options.serverName !== '') this.#logger.info(`  Name:     ${this.#options.serverName}`)
    if (configFile !== '') this.#logger.info(`Using configuration file: ${configFile} (${configDigest})`)
  }

  /** Puts the configuration file into effect again; a file that cannot be served changes nothing. */
  async #reload(): Promise<void> {
    this.#logger.info('Trapped "hangup" signal')
    const server = this.#server
    if (!server || !this.#isReady || this.#isExiting) {
      return this.#logger.error('Failed to reload server configuration: the server is not running')
    }
    try {
      const next = resolveReload(this.#line, this.#options)
      if (next.kind === 'refused') return this.#logger.error(`Failed to reload server configuration: ${next.reason}`)
      this.#switchLog(next.options)
      this.#options = next.options
      for (const warning of next.warnings) this.#logger.warn(warning)
      this.#pidFile.move(next.options.pidFile)
      this.#portsFile.move(next.options.portsFileDir, server.boundAddresses)
      await server.reload(next.options, next.changes)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#logger.error(`Failed to reload server configuration: ${reason}`)
    }
  }

  /** @throws Error when the new log file cannot be opened; then the old one stays */
  #switchLog(next: ServerOptions): void {
    const before = this.#logFile
    const { file } = next.log
    if (file !== (before?.path ?? '')) this.#logFile = file === '' ? undefined : openLog(file)
    this.#log.configure(settingsOf(next, this.#logFile ?? stderrDestination()))
    if (before !== this.#logFile) before?.close()
  }

  #reopenLog(): void {
    if (!this.#logFile) return this.#logger.info('File log re-open ignored, not a file logger')
    try {
      this.#logFile.reopen()
      this.#logger.info('File log re-opened')
    } catch (error) {
      this.#logger.error(`File log not re-opened: ${openErrorText(this.#logFile.path, error)}`)
    }
  }

  #stop(signal: NodeJS.Signals): void {
    // A server that is leaving slowly goes on leaving slowly; an interrupt ends it.
    if (this.#isExiting || (signal === 'SIGTERM' && this.#server?.isLameDuck)) return
    this.#logger.info(`Trapped "${signal === 'SIGINT' ? 'interrupt' : 'terminated'}" signal`)
    void this.#exit()
  }

  async #lameDuck(): Promise<void> {
    if (this.#isExiting || !this.#isReady || !this.#server || this.#server.isLameDuck) return
    try {
      await this.#server.enterLameDuck()
    } catch (error) {
      this.#logger.error(`Error in lame duck mode: ${error instanceof Error ? error.message : String(error)}`)
    }
    await this.#exit()
  }

  async #exit(): Promise<void> {
    if (this.#isExiting) return
    this.#isExiting = true
    setTimeout(() => process.exit(1), SHUTDOWN_MS_MAX).unref()
    try {
      await this.#server?.close()
      this.#portsFile.remove()
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

function settingsOf({ log }: ServerOptions, destination: LogDestination): LogSettings {
  return { destination, isDebug: log.debug, isTrace: log.trace, hasTime: log.time, isUtc: log.timeUtc }
}

/** @throws Error with the reason */
function openLog(path: string): LogFile {
  try {
    return new LogFile(path)
  } catch (cause) {
    throw new Error(`error opening file: ${openErrorText(path, cause)}`, { cause })
  }
}

function openLogOrEnd(path: string, clock: Clock): LogFile {
  try {
    return openLog(path)
  } catch (error) {
    const time = timeText(Number(clock.wallNanos() / 1_000_000n), false).replace(/\.\d+$/, '')
    process.stderr.write(`${time} ${(error as Error).message}\n`)
    process.exit(1)
  }
}
