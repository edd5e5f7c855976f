export { verifyDirectory, type DoctorOptions } from './doctor/verify.js'
export { repairDirectory, type RepairOptions, type RepairReport, type StreamRepair } from './doctor/repair.js'
export { exportDirectory, exportNdjson, importNdjson } from './doctor/export.js'
export type { ImportOptions, ImportedStream } from './doctor/import.js'
export type {
  BlockReport,
  ConsumerReport,
  DirectoryReport,
  IndexReport,
  Problem,
  SequenceRange,
  StreamReport,
  StreamTotals,
  Verdict,
} from './doctor/report.js'
export { printImport, printRepair, printReport, printVerification } from './doctor/print-report.js'
export { DOCTOR_HELP, runDoctor, type DoctorSurroundings } from './doctor/command.js'
