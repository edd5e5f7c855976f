/** Where log lines go: stderr, or a file that others may read while we write (lines whole, at once). */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { LogDestination } from '../log/server-log.js'

/** Standard error. Write errors (a closed pipe) are swallowed: launchers close it before they kill. */
export function stderrDestination(): LogDestination {
  return fileDescriptorDestination(2)
}

function fileDescriptorDestination(descriptor: number): LogDestination {
  return {
    write(line) {
      try {
        writeSync(descriptor, line)
      } catch {
        // EPIPE, EAGAIN of an unread pipe: a log line is not worth the server.
      }
    },
  }
}

/** A log file, appended to. `reopen` follows a rename by log rotation (SIGUSR1). */
export class LogFile implements LogDestination {
  readonly path: string
  #descriptor: number

  /** @throws the system's error when the file cannot be opened */
  constructor(path: string) {
    this.path = path
    this.#descriptor = openSync(path, 'a', 0o640)
  }

  write(line: string): void {
    try {
      writeSync(this.#descriptor, line)
    } catch {
      // A full disk must not stop the server because of its log.
    }
  }

  reopen(): void {
    const next = openSync(this.path, 'a', 0o640)
    closeSync(this.#descriptor)
    this.#descriptor = next
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
