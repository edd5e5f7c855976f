/**
 * A lock on a directory that dies with its process, also by SIGKILL or power loss, without a waiting
 * time: the file `rivulet.lock` names its owner, and whoever finds it asks whether that process lives.
 *
 *     {"pid":4711,"started":"123456","boot":"<boot id>"}
 *
 * `started` and `boot` come from /proc where there is one: they tell a process from a later one with
 * the same number, which in containers is the rule. Elsewhere only the number is asked for.
 * Taking over a dead owner's file is a rename of exactly that file, so of two who try one wins.
 * Not covered: two machines or two containers that share a directory and can not see each other's processes.
 * nats-server ignores the file.
 */
import type * as nodeFs from 'node:fs'
import { join } from 'node:path'
import { StoreError, type DirectoryLock } from '@rivulet/store-types'

export const LOCK_FILE_NAME = 'rivulet.lock'

type Files = Pick<
  typeof nodeFs,
  'linkSync' | 'mkdirSync' | 'readFileSync' | 'renameSync' | 'unlinkSync' | 'writeFileSync'
>

/** @throws StoreError STORE_LOCKED when the owner lives. */
export function lockDirectory(directory: string, fs: Files): DirectoryLock {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, LOCK_FILE_NAME)
  const own = describeProcess(process.pid, fs)
  const staging = `${path}.${process.pid}`
  fs.writeFileSync(staging, own, { mode: 0o600 })
  try {
    let wasAbandoned = false
    for (let attempt = 0; attempt < 10; attempt++) {
      if (linkNew(staging, path, fs)) return { wasAbandoned, release: releaseOnce(path, own, fs) }
      const found = readText(path, fs)
      if (found === undefined) continue
      if (isAlive(found, fs)) throw lockedError(directory, path, found)
      wasAbandoned = true
      takeAside(path, found, fs)
    }
    throw lockedError(directory, path, readText(path, fs) ?? '')
  } finally {
    removeQuietly(staging, fs)
  }
}

function releaseOnce(path: string, own: string, fs: Files): () => void {
  let isHeld = true
  return () => {
    if (!isHeld) return
    isHeld = false
    if (readText(path, fs) === own) removeQuietly(path, fs)
  }
}

/** False when something is there already. A hard link, because it is atomic and never replaces. */
function linkNew(staging: string, path: string, fs: Files): boolean {
  try {
    fs.linkSync(staging, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (codeOf(error) !== 'EPERM' && codeOf(error) !== 'ENOTSUP') throw error
    return createNew(staging, path, fs)
  }
}

/** For file systems without hard links. */
function createNew(staging: string, path: string, fs: Files): boolean {
  try {
    fs.writeFileSync(path, fs.readFileSync(staging), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Moves a dead owner's file away; puts it back when another process has replaced it meanwhile. */
function takeAside(path: string, judged: string, fs: Files): void {
  const aside = `${path}.${process.pid}.stale`
  try {
    fs.renameSync(path, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (readText(aside, fs) !== judged) linkNew(aside, path, fs)
  removeQuietly(aside, fs)
}

function isAlive(text: string, fs: Files): boolean {
  const pid = parsePid(text)
  if (pid === undefined) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  return describeProcess(pid, fs) === text
}

/** A file that was torn by a power cut names nobody: its owner is gone. */
function parsePid(text: string): number | undefined {
  try {
    const pid = (JSON.parse(text) as { pid?: unknown } | null)?.pid
    return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

function describeProcess(pid: number, fs: Files): string {
  const boot = readText('/proc/sys/kernel/random/boot_id', fs)?.trim() ?? ''
  // Field 22 of stat; the second field may hold anything, but ends with the last parenthesis.
  const stat = readText(`/proc/${pid}/stat`, fs)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  // A killed process that nobody has reaped yet has a number and a start time, but holds nothing.
  const started = fields[0] === 'Z' ? 'ended' : (fields[19] ?? '')
  return JSON.stringify({ pid, started, boot })
}

function readText(path: string, fs: Files): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function removeQuietly(path: string, fs: Files): void {
  try {
    fs.unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function lockedError(directory: string, path: string, owner: string): StoreError {
  const pid = parsePid(owner)
  return new StoreError('STORE_LOCKED', `${directory} is in use by process ${pid ?? 'unknown'} (${path})`)
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code
}
