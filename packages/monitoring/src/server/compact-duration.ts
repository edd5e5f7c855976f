/** How long something lasted, in whole seconds: `1y2d3h4m5s`, without what would be zero in front. */
export function formatCompactDuration(nanos: bigint): string {
  const seconds = Number(nanos / 1_000_000_000n)
  const minutes = Math.trunc(seconds / 60)
  const hours = Math.trunc(minutes / 60)
  const days = Math.trunc(hours / 24)
  const years = Math.trunc(days / 365)
  const parts = [
    [years, `${years}y`],
    [days, `${days % 365}d`],
    [hours, `${hours % 24}h`],
    [minutes, `${minutes % 60}m`],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  const shown = first < 0 ? [] : parts.slice(first)
  return `${shown.map(([, text]) => text).join('')}${seconds % 60}s`
}
