/** An error in our own code: a fact that must hold did not. Nobody below the top of the process catches it. */
export class AssertionError extends Error {
  override readonly name: string = 'AssertionError'
}

/**
 * States a fact about our own code. Stays on in production; `message` is a literal, because it is
 * evaluated even when the fact holds. Never judges input from a client or a disk: that is an error.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}
