import type { ReadFile } from '../src/index.js'

/** A file system of texts; a folder is what files lie in. Fails as node:fs does. */
export function fileSystemOf(files: Readonly<Record<string, string>>): ReadFile {
  return (path) => {
    const text = files[path]
    if (text !== undefined) return text
    const isFolder = Object.keys(files).some((file) => file.startsWith(`${path.replace(/\/$/, '')}/`))
    const code = isFolder ? 'EISDIR' : 'ENOENT'
    throw Object.assign(new Error(`${code}: ${path}`), { code })
  }
}
