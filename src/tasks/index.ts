export { type LoadOptions, loadGeneral, loadTable, loadTask } from './load.ts'
export { BENCHMARKS, TASKS } from './registry.ts'
