/** The store did what it must not do. */
export class Violation extends Error {
  override readonly name: string = 'Violation'
}
