/** Errors of the operating system in the words of nats-server, whose messages launchers match. */

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EISDIR: 'is a directory',
  EMFILE: 'too many open files',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
  ESRCH: 'no such process',
}

/** `no such file or directory` and its like; the error's own text where there are no such words. */
export function systemErrorText(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return WORDS[code ?? ''] ?? (error instanceof Error ? error.message : String(error))
}

/** `open /x/y: no such file or directory` */
export function openErrorText(path: string, error: unknown): string {
  return `open ${path}: ${systemErrorText(error)}`
}
