/** A configuration file into options: parse, read every key, report everything that is wrong at once. */
import { configDigest } from '../language/config-digest.js'
import { ConfigError } from '../language/config-error.js'
import type { ConfigMap } from '../language/config-node.js'
import { type ReadFile, readConfigText } from '../language/config-source.js'
import { parseConfig } from '../language/parse-config.js'
import { readFields } from '../keys/field.js'
import { Report } from '../keys/report.js'
import { type FileTarget, topLevelKeys } from '../keys/top-level-keys.js'
import { defaultOptions, type ServerOptions } from './server-options.js'

export type ConfigResult = Readonly<{
  options: ServerOptions
  /** In the order of the file; empty when the file can be served as far as its keys go. */
  errors: readonly ConfigError[]
  /** Accepted by a start, refused by a check. */
  deprecations: readonly ConfigError[]
  /** Keys that are not served and ignored, one line each. */
  ignored: readonly string[]
}>

export type ConfigReading = Readonly<{
  readFile: ReadFile
  environment: Readonly<Record<string, string | undefined>>
}>

/** Reads the configuration file at `path`. Errors are returned, not thrown. */
export function readOptionsFile(path: string, reading: ConfigReading): ConfigResult {
  try {
    return readOptionsText(readConfigText(reading.readFile, path), path, reading)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { options: defaultOptions(), errors: [error], deprecations: [], ignored: [] }
  }
}

/** Reads `text` as the configuration file at `path`. @throws ConfigError when it is no configuration. */
export function readOptionsText(text: string, path: string, reading: ConfigReading): ConfigResult {
  const values = parseConfig(text, { file: path, ...reading })
  const options = defaultOptions()
  options.configFile = path
  options.configDigest = configDigest(values)
  const report = new Report()
  readValues(values, options, report)
  const errors = report.errors.length > 0 ? report.errors : report.refused
  const deprecations = [...emptyFile(values, path), ...report.deprecations]
  return { options, errors, deprecations, ignored: report.ignored }
}

function readValues(values: ConfigMap, options: ServerOptions, report: Report): void {
  const target: FileTarget = { options, storeDirs: { isNamed: false } }
  readFields(topLevelKeys, values, target, report)
}

function emptyFile(values: ConfigMap, path: string): ConfigError[] {
  if (values.size > 0) return []
  const reason = `${path}: config has no values or is empty`
  return [new ConfigError('CONFIG_EMPTY', reason, { file: path, line: 1, column: 0 }, { isPlaceShown: false })]
}
