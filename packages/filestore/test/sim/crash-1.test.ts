import { describe } from 'vitest'
import { testCuts } from './crash-parts.js'

describe('a stream on a disk that loses power', () => {
  testCuts(1)
})
