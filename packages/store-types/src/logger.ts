/** The part of pino's logger that packages use; any pino logger fits. */
export interface Logger {
  fatal: LogFunction
  error: LogFunction
  warn: LogFunction
  info: LogFunction
  debug: LogFunction
  trace: LogFunction
}

/** `fields` come first, as in pino; texts are complete sentences with place and values. */
export interface LogFunction {
  (message: string): void
  (fields: object, message: string): void
}

const drop: LogFunction = () => {}

/** Logs nothing: the default of every option that takes a logger. */
export const silentLogger: Logger = { fatal: drop, error: drop, warn: drop, info: drop, debug: drop, trace: drop }
