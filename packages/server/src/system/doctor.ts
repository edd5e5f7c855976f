/** `rivulet doctor ...`: the doctor of @rivulet/filestore on the real disk and the process's streams. */
import { once } from 'node:events'
import { NodeFileSystem } from '@rivulet/filestore'
import { runDoctor } from '@rivulet/filestore/doctor'

/** Ends the process when it is done. @param argv what follows `doctor` */
export async function doctor(argv: readonly string[]): Promise<void> {
  const { stdin, stdout, stderr } = process
  // Whoever reads the output may have seen enough, as `head` has.
  stdout.on('error', () => process.exit(1))
  const status = await runDoctor(argv, {
    fileSystem: new NodeFileSystem(),
    write: async (text) => {
      if (!stdout.write(text)) await once(stdout, 'drain')
    },
    writeError: (text) => stderr.write(text),
    input: stdin,
  })
  stdout.write('', () => process.exit(status))
}
