/** The executable as a child process: what launchers see. Runs the built program. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const EXECUTABLE = fileURLToPath(new URL('../../bin/rivulet.js', import.meta.url))

export class ChildServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'rivulet-child-'))
  /** All that was printed on stderr. */
  log = ''
  port = 0
  #process: ChildProcess | undefined
  #exited: Promise<number | string> = Promise.resolve(0)

  /** Starts with these flags and waits for the ready line. Rejects with the log when the process ends first. */
  async start(...flags: string[]): Promise<void> {
    const port = this.port === 0 ? '-1' : String(this.port)
    await this.run('-a', '127.0.0.1', '-p', port, ...flags).untilLogged('Server is ready')
    this.port = Number(/Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(this.log)?.[1])
  }

  /** Runs the program with exactly these arguments. */
  run(...flags: string[]): this {
    this.log = ''
    const child = spawn(process.execPath, [EXECUTABLE, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    this.stdout = ''
    child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (this.log += chunk.toString()))
    this.#exited = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal ?? 0)))
    return this
  }

  stdout = ''

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  /** Waits until the log holds `text`, so many times. Rejects with the log when the process ends first. */
  async untilLogged(text: string, count = 1): Promise<void> {
    const child = this.#process as ChildProcess
    const isThere = (): boolean => this.log.split(text).length > count
    if (isThere()) return
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!isThere()) return
        child.stderr?.off('data', look)
        resolve()
      }
      child.stderr?.on('data', look)
      void this.#exited.then((status) => reject(new Error(`ended with ${status} before "${text}":\n${this.log}`)))
    })
  }

  /** Sends a signal and waits for the end; resolves to the exit status or the signal. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.#process?.kill(signal)
    return this.#exited
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  get exited(): Promise<number | string> {
    return this.#exited
  }

  file(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, text: string): string {
    writeFileSync(this.file(name), text)
    return this.file(name)
  }

  has(name: string): boolean {
    return existsSync(this.file(name))
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8')
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
