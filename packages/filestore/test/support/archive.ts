/** Reads a .tar.gz into memory: names and bytes of its files. Enough of ustar, GNU and PAX for our fixtures. */
import { gunzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'

const BLOCK = 512

export type ArchiveEntry = Readonly<{ name: string; bytes: Buffer }>

/** Regular files in the order of the archive, and directories with a trailing slash and no bytes. */
export function readArchive(path: string | URL): ArchiveEntry[] {
  const tar = gunzipSync(readFileSync(path))
  const entries: ArchiveEntry[] = []
  let longName: string | undefined
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const header = tar.subarray(at, at + BLOCK)
    const size = Number.parseInt(textOf(header, 124, 12).trim() || '0', 8)
    const type = String.fromCharCode(header[156]!)
    const bytes = tar.subarray(at + BLOCK, at + BLOCK + size)
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    if (type === 'L') longName = textOf(bytes, 0, bytes.length)
    else if (type === 'x') longName = /\d+ path=(.*)\n/.exec(bytes.toString('utf8'))?.[1]
    else if (type !== 'g') {
      const prefix = textOf(header, 345, 155)
      const name = longName ?? (prefix === '' ? '' : `${prefix}/`) + textOf(header, 0, 100)
      longName = undefined
      if (type === '0' || type === '\0') entries.push({ name, bytes })
      else if (type === '5') entries.push({ name: name.replace(/\/*$/, '/'), bytes: Buffer.alloc(0) })
    }
  }
  return entries
}

function textOf(bytes: Buffer, offset: number, size: number): string {
  const text = bytes.toString('utf8', offset, offset + size)
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}
