/**
 * A sequence set in bytes (store-format.md section 12.4): the nodes of a balanced tree in pre-order.
 *
 *     offset  size  field
 *     0       1     magic 22
 *     1       1     version 2; version 1, with nodes of 4096 sequences, is read too
 *     2       4     node count
 *     6       4     sequence count
 *     10      266   per node: base (8), bitmap (256), height (2), a leaf has 1
 */
import { StoreError } from '../errors.js'
import { NODE_SPAN, NODE_WORDS, SequenceSet, type SequenceNode } from './sequence-set.js'

const MAGIC = 22
const VERSION = 2
const HEADER_SIZE = 10
const BITMAP_SIZE: number = NODE_SPAN / 8
const NODE_SIZE: number = 8 + BITMAP_SIZE + 2

export function encodedSequenceSetSize(set: SequenceSet): number {
  return HEADER_SIZE + set.nodes.length * NODE_SIZE
}

/** Writes the set and returns the offset behind it. The caller has made room. */
export function encodeSequenceSet(set: SequenceSet, bytes: Buffer, offset: number): number {
  bytes[offset] = MAGIC
  bytes[offset + 1] = VERSION
  bytes.writeUInt32LE(set.nodes.length, offset + 2)
  bytes.writeUInt32LE(set.size, offset + 6)
  return encodeSubtree(set.nodes, 0, set.nodes.length, { bytes, offset: offset + HEADER_SIZE }).offset
}

/**
 * Reads a set that starts at `offset`, and where it ends.
 * @throws StoreError STORE_CORRUPT_STATE when the bytes are no set
 */
export function decodeSequenceSet(bytes: Uint8Array, offset: number): { set: SequenceSet; end: number } {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const corrupt = (reason: string) => new StoreError('STORE_CORRUPT_STATE', `sequence set at offset ${offset}: ${reason}`)
  if (offset + HEADER_SIZE > source.length) throw corrupt('ends inside its header')
  if (source[offset] !== MAGIC) throw corrupt(`magic ${source[offset]} is not ${MAGIC}`)
  const version = source[offset + 1]
  if (version !== 1 && version !== 2) throw corrupt(`version ${version} is unknown`)
  const nodeCount = source.readUInt32LE(offset + 2)
  const size = source.readUInt32LE(offset + 6)
  const parts = version === 1 ? 2 : 1
  const nodeSize = 8 + parts * BITMAP_SIZE + 2
  if (nodeCount > (source.length - offset - HEADER_SIZE) / nodeSize) throw corrupt(`${nodeCount} nodes do not fit`)

  const set = new SequenceSet()
  let at = offset + HEADER_SIZE
  for (let n = 0; n < nodeCount; n++, at += nodeSize) {
    const base = Number(source.readBigUInt64LE(at))
    if (!Number.isSafeInteger(base + parts * NODE_SPAN)) throw corrupt(`node ${n} is beyond 2^53`)
    for (let part = 0; part < parts; part++) addBitmap(set, base + part * NODE_SPAN, source, at + 8 + part * BITMAP_SIZE)
  }
  if (set.size !== size) throw corrupt(`counts ${size} sequences and holds ${set.size}`)
  return { set, end: at }
}

function encodeSubtree(
  nodes: readonly Readonly<SequenceNode>[],
  from: number,
  to: number,
  place: { bytes: Buffer; offset: number },
): { offset: number; height: number } {
  if (from === to) return { offset: place.offset, height: 0 }
  const { bytes, offset } = place
  const middle = (from + to) >>> 1
  const node = nodes[middle] as SequenceNode
  bytes.writeBigUInt64LE(BigInt(node.base), offset)
  for (let i = 0; i < NODE_WORDS; i++) bytes.writeUInt32LE(node.words[i] as number, offset + 8 + i * 4)
  const left = encodeSubtree(nodes, from, middle, { bytes, offset: offset + NODE_SIZE })
  const right = encodeSubtree(nodes, middle + 1, to, { bytes, offset: left.offset })
  const height = Math.max(left.height, right.height) + 1
  bytes.writeUInt16LE(height, offset + NODE_SIZE - 2)
  return { offset: right.offset, height }
}

/** A node's base need not be a multiple of its span: the reference can start a tree anywhere. */
function addBitmap(set: SequenceSet, base: number, bytes: Buffer, offset: number): void {
  const words = new Uint32Array(NODE_WORDS)
  for (let i = 0; i < NODE_WORDS; i++) words[i] = bytes.readUInt32LE(offset + i * 4)
  if (base % NODE_SPAN === 0) return set.addNode(base, words)
  for (let bit = 0; bit < NODE_SPAN; bit++) {
    if (((words[bit >>> 5] as number) & (1 << (bit & 31))) !== 0) set.add(base + bit)
  }
}
