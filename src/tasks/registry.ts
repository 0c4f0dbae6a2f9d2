import { aime } from './aime.ts'
import type { Benchmark } from './benchmark.ts'
import { chat } from './chat.ts'
import { code } from './code.ts'
import { countdown } from './countdown.ts'
import { gsm8k } from './gsm8k.ts'
import { math, math500 } from './math.ts'
import { miniature, miniatureArithmetic, miniatureFill } from './miniature/index.ts'
import { general } from './miniature/world/index.ts'
import { gpqa, mmlu } from './multiple-choice.ts'
import type { Task } from './task.ts'

/** The tasks that make their own questions. */
export const TASKS: readonly Task[] = [miniature, miniatureArithmetic, miniatureFill, general, countdown]

/** The tasks whose questions are published as tables. */
export const BENCHMARKS: readonly Benchmark[] = [gsm8k, math, math500, aime, gpqa, mmlu, code, chat]
