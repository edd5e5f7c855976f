/**
 * The mark of a stream that is being restored: a member of the metadata in its `meta.inf`. Clients can not set it
 * (config/asset-level.ts takes it away), and it goes with the last step of the restore.
 */
import type { StreamConfig } from '@rivulet/store-types'

export const RESTORE_MARK = '_rivulet.restoring'

export function withRestoreMark(config: StreamConfig): StreamConfig {
  return { ...config, metadata: { ...config.metadata, [RESTORE_MARK]: 'true' } }
}

export function hasRestoreMark(config: StreamConfig): boolean {
  return config.metadata?.[RESTORE_MARK] !== undefined
}
