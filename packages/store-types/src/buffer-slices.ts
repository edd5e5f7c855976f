/**
 * Node's Buffer has these methods (they are what `toString('latin1')` calls after reading its
 * arguments, 30 ns later); @types/node does not list them.
 */
declare global {
  interface Buffer {
    latin1Slice(start?: number, end?: number): string
    latin1Write(text: string, offset?: number, length?: number): number
    utf8Slice(start?: number, end?: number): string
    utf8Write(text: string, offset?: number, length?: number): number
  }
}

