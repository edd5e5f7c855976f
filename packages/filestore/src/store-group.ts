/**
 * What the stores of one process share: the hash kernel with its memory, the pool of append segments,
 * and one budget for loaded blocks. Made once, passed to every store; nothing here is global.
 */
import type { Clock } from '@rivulet/store-types'
import { SegmentPool } from './block/append-segment.js'
import { BlockCache } from './block/block-cache.js'
import { HandlePool } from './block/handle-pool.js'
import { RecordScan } from './block/record-scan.js'
import { createHashKernel } from './hash/create-hash-kernel.js'
import type { HashKernel } from './hash/hash-kernel.js'
import { SubjectGuesses } from './subject-index/subject-guesses.js'
import { Lz4Library, type Lz4Loader } from './lz4/lz4-library.js'

export type StoreGroupOptions = Readonly<{
  clock: Clock
  /** @default the WebAssembly kernel */
  kernel?: HashKernel
  /**
   * Bytes of loaded blocks over all stores.
   * @default 256 MiB
   */
  cacheBytesMax?: number
  /**
   * A loaded block that nobody reads is dropped after this time.
   * @default 10_000
   */
  cacheIdleMs?: number
  /**
   * Where LZ4 comes from, asked when a stream or a block needs it.
   * @default the package lz4-napi
   */
  lz4?: Lz4Loader
}>

export class StoreGroup {
  readonly kernel: HashKernel
  readonly cache: BlockCache
  readonly segments: SegmentPool
  readonly handles: HandlePool
  readonly lz4: Lz4Library
  /** Scratch of whoever scans a block; nothing is kept in it between calls. */
  readonly scan: RecordScan = new RecordScan(1024)
  readonly guesses: SubjectGuesses = new SubjectGuesses()

  constructor(options: StoreGroupOptions) {
    const { clock, cacheBytesMax, cacheIdleMs } = options
    this.kernel = options.kernel ?? createHashKernel()
    this.cache = new BlockCache({
      clock,
      ...(cacheBytesMax === undefined ? {} : { bytesMax: cacheBytesMax }),
      ...(cacheIdleMs === undefined ? {} : { idleMs: cacheIdleMs }),
    })
    this.segments = new SegmentPool(this.kernel)
    this.handles = new HandlePool(clock)
    this.lz4 = new Lz4Library(options.lz4)
  }

  /** Stops the timers. The stores are closed by their owners. */
  close(): void {
    this.cache.close()
    this.handles.close()
  }
}
