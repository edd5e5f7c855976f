import { VirtualClock } from '@rivulet/store-types'
import { expect, test } from 'vitest'
import { type LogSettings, ServerLog } from '../../src/log/server-log.js'

function logOf(settings: Partial<LogSettings> = {}, format: 'text' | 'json' = 'text') {
  const lines: string[] = []
  const complete: LogSettings = {
    destination: { write: (line) => void lines.push(line) },
    isDebug: false,
    isTrace: false,
    hasTime: false,
    isUtc: true,
    ...settings,
  }
  return { lines, settings: complete, log: new ServerLog({ clock: new VirtualClock(), format, pid: 7 }, complete) }
}

test('lines have the labels of the reference, and end with a line end', () => {
  const { lines, log } = logOf({ isDebug: true, isTrace: true })
  for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const) log.logger[level](level)

  expect(lines).toEqual([
    '[7] [FTL] fatal\n',
    '[7] [ERR] error\n',
    '[7] [WRN] warn\n',
    '[7] [INF] info\n',
    '[7] [DBG] debug\n',
    '[7] [TRC] trace\n',
  ])
})

test('times have microseconds, in UTC where asked for', () => {
  const { lines, log } = logOf({ hasTime: true })
  log.logger.info('x')

  expect(lines[0]).toMatch(/^\[7\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} \[INF\] x\n$/)
})

test('debug and trace are switches of their own, and change while it runs', () => {
  const { lines, log, settings } = logOf({ isTrace: true })
  const say = (): void => {
    log.logger.debug('debug')
    log.logger.trace('trace')
  }

  say()
  log.configure({ ...settings, isTrace: false, isDebug: true })
  say()
  log.configure({ ...settings, isTrace: false, isDebug: false })
  say()
  log.configure({ ...settings, isTrace: true, isDebug: true })
  say()

  expect(lines.map((line) => line.slice(10, -1))).toEqual(['trace', 'debug', 'debug', 'trace'])
})

test('a new destination gets the lines from then on', () => {
  const { lines, log, settings } = logOf()
  const later: string[] = []

  log.logger.info('one')
  log.configure({ ...settings, destination: { write: (line) => void later.push(line) } })
  log.logger.info('two')

  expect(lines).toEqual(['[7] [INF] one\n'])
  expect(later).toEqual(['[7] [INF] two\n'])
})

test('an error that is logged says why, on one line', () => {
  const { lines, log } = logOf()
  log.logger.error({ err: new Error('disk\nfull') }, 'not written')
  log.logger.error({ err: new Error('disk full') }, 'not written: disk full')

  expect(lines).toEqual(['[7] [ERR] not written: disk\\nfull\n', '[7] [ERR] not written: disk full\n'])
})

test('as JSON it is what pino writes', () => {
  const { lines, log } = logOf({}, 'json')
  log.logger.warn({ account: 'A' }, 'careful')

  expect(JSON.parse(lines[0] as string)).toMatchObject({ level: 40, pid: 7, account: 'A', msg: 'careful' })
})
