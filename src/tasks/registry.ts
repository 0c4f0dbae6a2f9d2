import { aime } from './benchmarks/aime.ts'
import type { Benchmark } from './benchmarks/benchmark.ts'
import { chat } from './benchmarks/chat.ts'
import { code } from './benchmarks/code.ts'
import { gsm8k } from './benchmarks/gsm8k.ts'
import { math, math500 } from './benchmarks/math.ts'
import { gpqa, mmlu } from './benchmarks/multiple-choice.ts'
import { countdown } from './countdown/countdown.ts'
import { miniature, miniatureArithmetic, miniatureFill } from './miniature/index.ts'
import { general } from './miniature/world/index.ts'
import type { Task } from './task.ts'

/** Tasks that generate their questions. */
export const TASKS: readonly Task[] = [miniature, miniatureArithmetic, miniatureFill, general, countdown]

/** Tasks whose questions are published as tables. */
export const BENCHMARKS: readonly Benchmark[] = [gsm8k, math, math500, aime, gpqa, mmlu, code, chat]
