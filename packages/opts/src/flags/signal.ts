/** `--signal command=pid`: what to send to which process. Sending is the caller's business. */
import type { ReadFile } from '../language/config-source.js'
import { quote } from '../values/quote.js'

const SIGNALS: Readonly<Record<string, NodeJS.Signals>> = {
  stop: 'SIGKILL',
  quit: 'SIGINT',
  term: 'SIGTERM',
  reopen: 'SIGUSR1',
  reload: 'SIGHUP',
  ldm: 'SIGUSR2',
}

export type SignalOrder = Readonly<{ command: string; signal: NodeJS.Signals; pid: number }>

/**
 * Reads `ldm=1234` or `ldm=/path/to/file.pid`. The process must be named: no process is looked for by
 * its program, and no pattern of process ids is taken.
 */
export function parseSignal(text: string, readFile: ReadFile): SignalOrder | { reason: string } {
  const [command = '', named, ...rest] = text.split('=')
  if (rest.length > 0) return { reason: `invalid signal parameters: [${rest.join(' ')}]` }
  const pidText = named === undefined || named === '' ? '' : pidTextOf(named, readFile)
  if (pidText !== '' && !/^[+-]?\d+$/.test(pidText)) return { reason: `invalid pid: ${pidText}` }
  const signal = Object.hasOwn(SIGNALS, command) ? SIGNALS[command] : undefined
  if (signal === undefined) return { reason: `unknown signal ${quote(command)}` }
  if (pidText === '') return { reason: 'unable to resolve pid, try providing one' }
  const pid = Number(pidText)
  if (pid <= 0 || !Number.isSafeInteger(pid)) return { reason: `invalid pid: ${pidText}` }
  return { command, signal, pid }
}

function pidTextOf(named: string, readFile: ReadFile): string {
  try {
    return readFile(named).replace(/\n$/, '')
  } catch {
    return named
  }
}

/** What to print, with exit status 1, when the signal of `order` could not be sent. */
export function signalFailureText(order: SignalOrder, reason: string): string {
  return `nats-server: \nsignal ${quote(order.command)} ${order.pid}: ${reason}\n`
}
