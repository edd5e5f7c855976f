/**
 * The log line of nats-server, which launchers read (server-contract.md section 5):
 *
 *     [<pid>] 2006/01/02 15:04:05.000000 [INF] <text>
 */

/** pino's level numbers and the labels of the reference. */
const LABELS: Readonly<Record<number, string>> = { 10: 'TRC', 20: 'DBG', 30: 'INF', 40: 'WRN', 50: 'ERR', 60: 'FTL' }

export type LineOptions = Readonly<{
  pid: number
  /** false: no date and time (`logtime: false`) */
  hasTime: boolean
  /** true: UTC, else the time zone of the process */
  isUtc: boolean
}>

/** One line with its line end. `timeMs`: wall time; the reference prints microseconds. */
export function referenceLine(options: LineOptions, level: number, timeMs: number, text: string): string {
  const time = options.hasTime ? `${timeText(timeMs, options.isUtc)} ` : ''
  return `[${options.pid}] ${time}[${LABELS[level] ?? 'INF'}] ${text.replaceAll('\n', '\\n')}\n`
}

/** `2006/01/02 15:04:05.000000` */
export function timeText(timeMs: number, isUtc: boolean): string {
  const date = new Date(timeMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  const [year, month, day] = isUtc
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
    : [date.getFullYear(), date.getMonth(), date.getDate()]
  const [hour, minute, second] = isUtc
    ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds()]
  const micros = String(Math.floor((timeMs % 1000) * 1000)).padStart(6, '0')
  return `${year}/${two(month + 1)}/${two(day)} ${two(hour)}:${two(minute)}:${two(second)}.${micros}`
}
