export { type LoadOptions, loadTable, loadTask } from './load.ts'
export { BENCHMARKS, TASKS } from './registry.ts'
