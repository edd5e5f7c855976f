/** Where the text of configurations comes from: passed in, so that reading one touches nothing else. */
import { ConfigError, type ConfigPlace } from './config-error.js'

/**
 * Returns the text of the file at `path`. Throws what node:fs throws: an error whose `code` says why.
 */
export type ReadFile = (path: string) => string

/** Reads a file; a failure reads as nats-server's does: `open x.conf: no such file or directory`. */
export function readConfigText(readFile: ReadFile, path: string, place?: ConfigPlace): string {
  try {
    return readFile(path)
  } catch (cause) {
    const reason = reasonOf(path, cause)
    throw new ConfigError('CONFIG_UNREADABLE', reason, place, { cause, isPlaceShown: false })
  }
}

function reasonOf(path: string, cause: unknown): string {
  switch ((cause as NodeJS.ErrnoException | null)?.code) {
    case 'ENOENT':
      return `open ${path}: no such file or directory`
    case 'ENOTDIR':
      return `open ${path}: not a directory`
    case 'EACCES':
      return `open ${path}: permission denied`
    case 'EISDIR':
      return `read ${path}: is a directory`
    default:
      return `open ${path}: ${cause instanceof Error ? cause.message : String(cause)}`
  }
}

/** `name` beside the file at `path`, even if it begins with a slash. */
export function joinPath(path: string, name: string): string {
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) || '/' : '.'
  const parts: string[] = []
  for (const part of `${folder}/${name}`.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '..' || !folder.startsWith('/')) parts.push(part)
  }
  const joined = parts.join('/')
  return folder.startsWith('/') ? `/${joined}` : joined || '.'
}
