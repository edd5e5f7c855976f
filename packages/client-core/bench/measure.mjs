/** The best of many rounds, in CPU nanoseconds an operation: other processes of the machine count less than by the wall clock. */
export function bestCpuNanos(operations, body, rounds = 25) {
  for (let i = 0; i < 3; i++) body()
  let best = Infinity
  for (let i = 0; i < rounds; i++) {
    const start = process.cpuUsage()
    body()
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, ((user + system) * 1e3) / operations)
  }
  return best
}
