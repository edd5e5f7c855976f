/**
 * A directory's small files get a new key (store-format.md section 4.5). At every moment each of them opens
 * with `meta.key` or with `rivulet.key`, which is there from before the first is sealed anew until after the
 * last; an empty one says that they were plain. A crash on the way leaves both, and the next opening goes on.
 */
import { join } from 'node:path'
import type { FileSystem } from '@rivulet/store-types'
import { readFileIfPresent, replaceFiles } from '../atomic-file.js'
import type { KeyRing } from '../cipher/key-ring.js'
import { META_KEY_FILE, OLDER_KEY_FILE, makeKey, readSealer } from '../cipher/stream-keys.js'
import type { Sealer } from '../meta/meta-files.js'

export type KeyPlace = Readonly<{ fileSystem: FileSystem; ring: KeyRing; context: string; directory: string }>

/**
 * Makes the key of `place` a current one; `reseal` writes everything again that it seals. Does nothing when it
 * is current already, or does not open. True when something was written.
 * @throws the file system's error; what was not done is done the next time
 */
export async function changeKey(place: KeyPlace, reseal: (sealer: Sealer) => Promise<void>): Promise<boolean> {
  const { fileSystem, ring, context, directory } = place
  let isChanged = false
  for (;;) {
    const file = readFileIfPresent(fileSystem, join(directory, META_KEY_FILE))
    const key = file && ring.open(context, file)
    if (file !== undefined && key === undefined) return isChanged
    const isChanging = fileSystem.stat(join(directory, OLDER_KEY_FILE)) !== undefined
    if (key?.isCurrent === true && !isChanging) return isChanged
    isChanged = true
    if (key !== undefined && isChanging) await finish(place, reseal)
    else {
      if (!isChanging) {
        const older = { name: OLDER_KEY_FILE, bytes: key === undefined ? Buffer.alloc(0) : ring.wrap(context, key) }
        await replaceFiles(fileSystem, directory, [older], { isSynced: true })
      }
      await makeKey(fileSystem, ring, { context, directory, isSynced: true })
    }
  }
}

async function finish({ fileSystem, ring, context, directory }: KeyPlace, reseal: (sealer: Sealer) => Promise<void>): Promise<void> {
  const sealer = readSealer(fileSystem, ring, context, directory)
  if (sealer !== undefined) await reseal(sealer)
  fileSystem.remove(join(directory, OLDER_KEY_FILE))
  await fileSystem.syncDirectory(directory)
}
