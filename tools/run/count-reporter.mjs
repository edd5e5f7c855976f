/** A vitest reporter whose only output is the closing line `N passed, N failed[, N skipped]`. */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      let tests = 0
      for (const test of module.children.allTests()) {
        tests++
        const { state } = test.result()
        if (state in counts) counts[state]++
      }
      // A file that could not be loaded has no tests, and is a failure all the same.
      if (tests === 0 && module.state() === 'failed') counts.failed++
    }
    if (unhandledErrors.length > 0) counts.failed += unhandledErrors.length
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
    process.on('exit', () => console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`))
  }
}
