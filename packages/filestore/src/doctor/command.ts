/**
 * `rivulet doctor ...`: the command line over the functions of this folder. What it reads and writes is
 * passed in, so it runs over a simulated disk too.
 *
 * Exit status: 0 all is sound or was done, 1 something is damaged or failed, 2 it was called wrongly.
 */
import { parseArgs } from 'node:util'
import { StoreError, type FileSystem, type OpenFile } from '@rivulet/store-types'
import { exportDirectory, exportNdjson, importNdjson } from './export.js'
import type { PortableCompression } from './import.js'
import { printImport, printRepair, printReport, printVerification } from './print-report.js'
import { repairDirectory } from './repair.js'
import { verifyDirectory, type DoctorOptions } from './verify.js'

export const DOCTOR_HELP = `Usage: rivulet doctor COMMAND DIRECTORY [options]

Looks after the directories of streams, of rivulet and of nats-server, while no server runs.
DIRECTORY is a store directory, its jetstream directory, an account's, or one stream's.

Commands:
  verify              Say which streams are sound; writes nothing
  report              The same with every block and consumer
  repair              Rewrite what is broken, after copying the stream aside
  export              Write streams as lines of JSON, or with --to as a clean directory; writes nothing else
  import              Make streams of such lines in the store directory DIRECTORY

Options:
  --account NAME      Only this account; with import, all streams go to it
  --stream NAME       Only this stream
  --key KEY           Key of encrypted streams
  --key-file FILE     The same, read from a file
  --json              Print a report as JSON
  --copy-to DIR       Where repair copies to (default: <store directory>.before-repair-<n>)
  --to DIR            Export to this store directory
  --compression WORD  What the streams that are made ask for, none or s2 (default: as they were)
  --output FILE       Export to this file (default: standard output)
  --from FILE         Import from this file (default: standard input)
  --help              Show this text

Exit status: 0 sound or done, 1 damaged or failed, 2 wrong usage.
`

export type DoctorSurroundings = Readonly<{
  fileSystem: FileSystem
  /** Standard output; resolves when there is room for more. */
  write: (text: string) => Promise<void> | void
  /** Standard error. */
  writeError: (text: string) => void
  /** Standard input. */
  input: AsyncIterable<Uint8Array | string>
}>

const OPTIONS = {
  account: { type: 'string' },
  stream: { type: 'string' },
  key: { type: 'string' },
  'key-file': { type: 'string' },
  json: { type: 'boolean' },
  'copy-to': { type: 'string' },
  to: { type: 'string' },
  compression: { type: 'string' },
  output: { type: 'string' },
  from: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What each command takes beside --help. */
const SELECTION = ['account', 'stream', 'key', 'key-file']
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  verify: [...SELECTION, 'json'],
  report: [...SELECTION, 'json'],
  repair: [...SELECTION, 'json', 'copy-to'],
  export: [...SELECTION, 'to', 'compression', 'output', 'json'],
  import: ['account', 'compression', 'from', 'json'],
}

const READ_BYTES = 256 * 1024

type Call = Readonly<{
  command: string
  directory: string
  values: Readonly<{ [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string }>
}>

/** The call was wrong; its text says how. */
class UsageError extends Error {}

/** @param argv what follows `doctor`. @returns the exit status */
export async function runDoctor(argv: readonly string[], surroundings: DoctorSurroundings): Promise<number> {
  try {
    const call = parseCall(argv)
    if (call === undefined) {
      await surroundings.write(DOCTOR_HELP)
      return 0
    }
    return await runCall(call, surroundings)
  } catch (error) {
    const isUsage = error instanceof UsageError || (error as { code?: string }).code === 'STORE_INVALID_OPTION'
    surroundings.writeError(`rivulet doctor: ${error instanceof Error ? error.message : String(error)}\n`)
    if (error instanceof UsageError) surroundings.writeError(`See 'rivulet doctor --help'.\n`)
    return isUsage ? 2 : 1
  }
}

/** Undefined for a call for help. */
function parseCall(argv: readonly string[]): Call | undefined {
  const { values, positionals } = parse(argv)
  if (values.help === true) return undefined
  const [command, directory, extra] = positionals
  if (command === undefined) throw new UsageError('no command')
  const allowed = ALLOWED[command]
  if (allowed === undefined) throw new UsageError(`unknown command '${command}'`)
  if (directory === undefined) throw new UsageError(`${command} needs a directory`)
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`)
  for (const name of Object.keys(values)) if (!allowed.includes(name)) throw new UsageError(`${command} takes no --${name}`)
  if (values.key !== undefined && values['key-file'] !== undefined) throw new UsageError('--key and --key-file exclude each other')
  if (values.to !== undefined && values.output !== undefined) throw new UsageError('--to and --output exclude each other')
  return { command, directory, values }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

async function runCall({ command, directory, values }: Call, surroundings: DoctorSurroundings): Promise<number> {
  const { fileSystem, write } = surroundings
  const { account, stream } = values
  const options: DoctorOptions = { fileSystem, directory, account, stream, key: readKeyOption(values, fileSystem) }
  const print = (report: object, text: () => string) => write(values.json === true ? `${JSON.stringify(report, null, 2)}\n` : text())
  if (command === 'repair') {
    const report = await repairDirectory({ ...options, copyTo: values['copy-to'] })
    await print(report, () => printRepair(report))
    return report.verdict === 'sound' ? 0 : 1
  }
  if (command === 'import') {
    const input = values.from === undefined ? surroundings.input : readPieces(fileSystem, values.from)
    const compression = readCompression(values.compression)
    const streams = await importNdjson({ fileSystem, directory, account, compression }, input)
    await print(streams, () => printImport(streams))
    return 0
  }
  if (command === 'export') {
    const compression = readCompression(values.compression)
    if (values.to === undefined && compression !== undefined) throw new UsageError('--compression goes with --to')
    if (values.to === undefined) return exportLines(options, values.output, surroundings)
    const streams = await exportDirectory({ ...options, to: values.to, compression })
    await print(streams, () => printImport(streams))
    return 0
  }
  const report = await verifyDirectory(options)
  await print(report, () => (command === 'report' ? printReport(report) : printVerification(report)))
  return report.verdict === 'sound' ? 0 : 1
}

async function exportLines(options: DoctorOptions, output: string | undefined, surroundings: DoctorSurroundings): Promise<number> {
  const { fileSystem, write } = surroundings
  const pieces = exportNdjson(options)
  if (output === undefined) {
    for await (const piece of pieces) await write(piece)
    return 0
  }
  if (fileSystem.stat(output) !== undefined) throw new UsageError(`${output} is there already`)
  let file: OpenFile | undefined
  try {
    let position = 0
    for await (const piece of pieces) {
      // Not before the first piece: what can not be exported leaves no file.
      file ??= fileSystem.open(output, 'create')
      const bytes = Buffer.from(piece, 'utf8')
      file.write(bytes, 0, bytes.length, position)
      position += bytes.length
    }
    await file?.sync()
  } finally {
    file?.close()
  }
  return 0
}

async function* readPieces(fileSystem: FileSystem, path: string): AsyncGenerator<Uint8Array> {
  const file = fileSystem.open(path, 'read')
  try {
    for (let position = 0; ; ) {
      const bytes = Buffer.allocUnsafe(READ_BYTES)
      const size = await file.readAsync(bytes, 0, READ_BYTES, position)
      if (size === 0) return
      yield bytes.subarray(0, size)
      position += size
    }
  } finally {
    file.close()
  }
}

function readCompression(word: string | undefined): PortableCompression | undefined {
  if (word === undefined || word === 'none' || word === 's2') return word
  throw new UsageError(`--compression is none or s2, not '${word}'`)
}

/** One line end at the end of a key file is not part of the key. */
function readKeyOption(values: Call['values'], fileSystem: FileSystem): string | undefined {
  const path = values['key-file']
  if (path === undefined) return values.key
  try {
    return fileSystem.readFile(path).toString('utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new StoreError('STORE_INVALID_OPTION', `the key file can not be read: ${(cause as Error).message}`, { cause })
  }
}
