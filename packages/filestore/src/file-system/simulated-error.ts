/** An error as Node's file system throws it. */
export function errorOf(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}' (simulated)`), { code, syscall: operation, path })
}
