/** The choice between the two kernels. */
import type { HashKernel } from './hash-kernel.js'
import { createTypeScriptHashKernel } from './typescript-hash-kernel.js'
import { createWasmHashKernel } from './wasm-hash-kernel.js'

export type HashKernelOptions = Readonly<{
  /**
   * Bytes of kernel memory, reserved but untouched until used; segments beyond it are ordinary buffers.
   * @default 256 MiB
   */
  memoryBytes?: number
}>

/** The WebAssembly kernel, or the TypeScript one where the engine has no SIMD or no address space left. */
export function createHashKernel(options: HashKernelOptions = {}): HashKernel {
  return createWasmHashKernel(options.memoryBytes ?? 256 * 1024 * 1024) ?? createTypeScriptHashKernel()
}
