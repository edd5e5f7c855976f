/** An error as Node's file system throws it: it too has no stack. */
export function errorOf(code: string, operation: string, path: string): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const error = new Error(`${code}: ${operation} '${path}' (simulated)`)
  Error.stackTraceLimit = stackTraceLimit
  return Object.assign(error, { code, syscall: operation, path })
}
