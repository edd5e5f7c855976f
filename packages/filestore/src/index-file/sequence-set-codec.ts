/**
 * A sequence set as index.db holds it (store-format.md section 12.4): the nodes of a balanced tree in
 * pre-order, 2048 sequences each.
 *
 *     0   1   magic 22            10  8     base of the node      (repeated)
 *     1   1   version 2           18  256   bitmap
 *     2   4   node count          274 2     height, leaf = 1
 *     6   4   sequence count
 */
import type { VarintCursor } from '@rivulet/store-types'
import { SequenceSet } from '../block/sequence-set.js'

const MAGIC = 22
const VERSION = 2
const HEADER_SIZE = 10
const NODE_SPAN = 2048
const NODE_WORDS = NODE_SPAN / 32
const NODE_SIZE = 8 + NODE_SPAN / 8 + 2

type Node = Readonly<{ base: number; words: Uint32Array }>

export function encodedSetSize(set: SequenceSet): number {
  return HEADER_SIZE + set.nodes.length * NODE_SIZE
}

/** Writes the set and returns the offset behind it. The caller has made room. */
export function encodeSequenceSet(set: SequenceSet, bytes: Buffer, offset: number): number {
  const { nodes } = set
  bytes[offset] = MAGIC
  bytes[offset + 1] = VERSION
  bytes.writeUInt32LE(nodes.length, offset + 2)
  bytes.writeUInt32LE(set.size, offset + 6)
  return encodeSubtree(nodes, { from: 0, to: nodes.length }, bytes, offset + HEADER_SIZE).offset
}

function encodeSubtree(
  nodes: readonly Node[],
  range: Readonly<{ from: number; to: number }>,
  bytes: Buffer,
  offset: number,
): { offset: number; height: number } {
  if (range.from === range.to) return { offset, height: 0 }
  const middle = (range.from + range.to) >>> 1
  const node = nodes[middle] as Node
  bytes.writeBigUInt64LE(BigInt(node.base), offset)
  for (let i = 0; i < NODE_WORDS; i++) bytes.writeUInt32LE(node.words[i] as number, offset + 8 + i * 4)
  const left = encodeSubtree(nodes, { from: range.from, to: middle }, bytes, offset + NODE_SIZE)
  const right = encodeSubtree(nodes, { from: middle + 1, to: range.to }, bytes, left.offset)
  const height = Math.max(left.height, right.height) + 1
  bytes.writeUInt16LE(height, offset + NODE_SIZE - 2)
  return { offset: right.offset, height }
}

/** Reads a set into an empty one. @throws Error when the bytes are no set */
export function decodeSequenceSet(cursor: VarintCursor, into: SequenceSet): void {
  const bytes = Buffer.from(cursor.bytes.buffer, cursor.bytes.byteOffset, cursor.end)
  const start = cursor.offset
  if (start + HEADER_SIZE > bytes.length || bytes[start] !== MAGIC) throw new Error('no sequence set')
  const version = bytes[start + 1]
  if (version !== 1 && version !== 2) throw new Error(`sequence set version ${version}`)
  const nodeCount = bytes.readUInt32LE(start + 2)
  const size = bytes.readUInt32LE(start + 6)
  // A node of version 1 spans twice as much: two of ours.
  const parts = version === 1 ? 2 : 1
  const nodeSize = 8 + parts * (NODE_SPAN / 8) + 2
  if (nodeCount > (bytes.length - start - HEADER_SIZE) / nodeSize) throw new Error('sequence set ends early')
  let offset = start + HEADER_SIZE
  for (let n = 0; n < nodeCount; n++, offset += nodeSize) {
    const base = Number(bytes.readBigUInt64LE(offset))
    if (!Number.isSafeInteger(base) || base % NODE_SPAN !== 0) throw new Error(`sequence set node at ${base}`)
    for (let part = 0; part < parts; part++) {
      const words = new Uint32Array(NODE_WORDS)
      const at = offset + 8 + part * (NODE_SPAN / 8)
      for (let i = 0; i < NODE_WORDS; i++) words[i] = bytes.readUInt32LE(at + i * 4)
      into.restoreNode(base + part * NODE_SPAN, words)
    }
  }
  if (into.size !== size) throw new Error(`sequence set counts ${size} but holds ${into.size}`)
  cursor.offset = offset
}
