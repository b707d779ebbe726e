import { appendFileSync } from 'node:fs'
import { SummaryReporter } from '@as-pect/core'

/**
 * Prints as-pect's summary and appends one JSON line a spec file to ASPECT_RESULTS, for
 * scripts/test.mjs.
 */
class CountingReporter extends SummaryReporter {
  onFinish(suite) {
    super.onFinish(suite)
    if (!process.env.ASPECT_RESULTS) return
    const passed = suite.testPassCount
    const failed = Math.max(suite.testCount - passed, suite.pass ? 0 : 1)
    appendFileSync(
      process.env.ASPECT_RESULTS,
      `${JSON.stringify({ file: suite.fileName, passed, failed })}\n`,
    )
  }
}

export default new CountingReporter()
