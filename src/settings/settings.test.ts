import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { UserError } from '../common/errors.ts'
import { distillStages, resolveDistillSettings } from './distill.ts'
import { resolveDpoSettings } from './dpo.ts'
import { checkSettings, merge, readAssignment, readSettingsFile, type Tree } from './layers.ts'
import { algorithmNames, baseNames } from './presets.ts'
import { pretrainSettings } from './pretrain.ts'
import { resolveR1Settings } from './r1.ts'
import { resolveSftSettings, withOneSource } from './sft.ts'
import { resolveZeroSettings } from './zero.ts'
import { checkRewards } from './zero-rewards.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-settings-'))
writeFileSync(join(folder, 'config.json'), '{}')
const resolved = (...assignments: string[]) =>
  resolveZeroSettings(merge({ model: folder }, ...assignments.map(readAssignment)))

test('defaults are those of the preset', () => {
  expect(resolved()).toMatchObject({
    seed: 0,
    steps: 200,
    rewards: { accuracy: 1, format: 0.1, language: 0, shuffle: false },
    rl: { groupSize: 8, learningRate: 5e-4, temperature: 1, topK: 0, topP: 1, minP: 0 },
    eval: { temperature: 1, topK: 0, topP: 1, minP: 0 },
  })
  expect(resolved('preset=r1-zero', 'algorithm=dapo')).toMatchObject({
    rewards: { format: 1 },
    rl: { groupSize: 16, dynamicSampling: true },
  })
})

const given: [string, object][] = [
  ['rewards.language=0.1', { rewards: { language: 0.1, accuracy: 1 } }],
  ['rewards.shuffle=true', { rewards: { shuffle: true } }],
  ['rewards.language=null', { rewards: { language: null, repetition: null } }],
  ['rewards.repetition=0.5', { rewards: { repetition: { weight: 0.5, n: 16 } } }],
  ['rewards.repetition={weight: 1, n: 4}', { rewards: { repetition: { weight: 1, n: 4 } } }],
  [
    'rewards.cosine=1',
    { rewards: { cosine: { weight: 1, correct: [2, 1], wrong: [-10, 0], exceeded: -10 } } },
  ],
  ['rl.objective.kl.beta=0', { rl: { objective: { kl: { beta: 0, estimator: 'k3' }, surrogate: 'clip' } } }],
  ['eval.every=10', { eval: { every: 10, questions: 300 } }],
]
test.each(given)('--set %s', (assignment, expected) => {
  expect(resolved(assignment)).toMatchObject(expected)
})

const wrong: [string, RegExp][] = [
  ['steps=-5', /setting steps is -5: expected a number of at least 0/],
  ['steps=1.5', /setting steps is 1\.5: expected a whole number/],
  ['rl.groupSize=1', /setting rl\.groupSize is 1: expected a number of at least 2/],
  ['rewards.langage=1', /unknown setting rewards\.langage; did you mean rewards\.language\?/],
  [
    'rewards.repetition=often',
    /setting rewards\.repetition is "often": expected a weight, null or \{weight, n\}/,
  ],
  ['rewards.repetition.n=4', /setting rewards\.repetition\.weight is missing/],
  [
    'rewards.repetition={weight: 1, n: 0}',
    /setting rewards\.repetition\.n is 0: expected a number of at least 1/,
  ],
  [
    'rewards.repetition={weight: 1, m: 4}',
    /unknown setting rewards\.repetition\.m; did you mean rewards\.repetition\.n\?/,
  ],
  ['rewards.overlong={weight: 1, buffer: 300}', /the buffer must be 1 to 260 tokens/],
  ['rewards.cosine={weight: 1, wrong: [0, 1]}', /a wrong answer must never pay as much as a right one/],
  ['rewards.accuracy=high', /setting rewards\.accuracy is "high"/],
  ['stpes=1', /unknown setting stpes; did you mean steps\?/],
  ['clipHigh=0.3', /unknown setting clipHigh; did you mean rl\.objective\.clipHigh\?/],
  ['rl.clip_high=0.3', /unknown setting rl\.clip_high; did you mean rl\.objective\.clipHigh\?/],
  ['eval.langauge=1', /unknown setting eval\.langauge; did you mean rewards\.language\?/],
  ['wibble=1', /unknown setting wibble; the settings are model, task, .*threads$/],
  [
    'eval.wibble=1',
    /unknown setting eval\.wibble; the settings are share, questions, samples, every, temperature, topK, topP, minP$/,
  ],
  [
    'rl.objective.clipHih=1',
    /unknown setting rl\.objective\.clipHih; did you mean rl\.objective\.clipHigh\?/,
  ],
  ['engine=ray', /setting engine is "ray"/],
  ['rl.temperature=hot', /setting rl\.temperature is "hot": expected a number$/],
  ['chat.date=yesterday', /setting chat\.date is "yesterday": expected a date such as 2026-01-31/],
  ['chat.arguments=1', /setting chat\.arguments is 1: expected a mapping/],
  ['template=alpaca', /setting template is "alpaca": expected one of r1-zero, chat/],
  [
    'rl.schedule.kind=step',
    /setting rl\.schedule\.kind is "step": expected one of constant, linear, cosine, /,
  ],
  ['algorithm=ppo', /unknown algorithm "ppo"/],
  ['rl.temperature=0', /setting rl\.temperature is 0: expected a number of at least 0\.000001/],
  [
    'eval.temperature=0.0000001',
    /setting eval\.temperature is 1e-7: expected 0 \(greedy\) or at least 0\.000001/,
  ],
  ['eval.temperature=-1', /setting eval\.temperature is -1: expected a number of at least 0/],
  ['eval.minP=2', /setting eval\.minP is 2: expected a number of at most 1/],
  ['rl.topK=-1', /setting rl\.topK is -1: expected a number of at least 0/],
  ['rl.topP=0', /setting rl\.topP is 0: expected a number above 0/],
  ['rl.minP=1.5', /setting rl\.minP is 1\.5: expected a number of at most 1/],
]
test.each(wrong)('%s is a usage error', (assignment, message) => {
  const error = failure(() => resolved(assignment))
  expect(error.message).toMatch(message)
  expect(error.exitCode).toBe(2)
})

test.each(['rl.topK=20', 'rl.topP=0.9', 'rl.minP=0.05'])(
  '%s: truncated sampling is corrected per token, so it needs a ratio per token',
  (truncation) => {
    expect(resolved('rl.temperature=0.6', truncation).rl.temperature).toBe(0.6)
    const { message, exitCode } = failure(() => resolved('algorithm=gspo', truncation))
    expect(message).toMatch(/set rl\.objective\.ratio=token/)
    expect(exitCode).toBe(2)
    resolved('algorithm=gspo', truncation, 'rl.objective.ratio=token')
  },
)

test.each<[string[], RegExp]>([
  [
    ['rl.objective.gate.negative=2'],
    /rl\.objective\.gate has no effect on the surrogate clip: leave it out, or set rl\.objective\.surrogate=sapo$/,
  ],
  [
    ['algorithm=sapo', 'rl.objective.clipHigh=0.3'],
    /^setting rl\.objective\.clipHigh has no effect on the surrogate sapo: leave it out, or set rl\.objective\.surrogate=clip$/,
  ],
  [['algorithm=sapo', 'rl.objective.clipLow=0.3'], /objective\.clipLow has no effect on the surrogate sapo/],
  [
    ['rl.objective.surrogate=sapo', 'rl.objective.dualClip=3'],
    /objective\.dualClip has no effect on the surrogate sapo/,
  ],
  [
    ['algorithm=cispo', 'rl.objective.dualClip=3'],
    /objective\.dualClip has no effect on the surrogate cispo/,
  ],
  [['algorithm=kl-cov', 'rl.objective.clipLow=0.3'], /clipLow has no effect on the surrogate importance/],
  [['algorithm=rloo', 'rl.objective.ratio=sequence'], /ratio has no effect on the surrogate reinforce/],
  [['algorithm=rloo', 'rl.objective.clipHigh=1'], /clipHigh has no effect on the surrogate reinforce/],
  [['algorithm=gspo', 'rl.objective.gate={}'], /gate has no effect on the surrogate clip/],
  [
    ['algorithm=dapo', 'rl.objective.kl.estimator=k1'],
    /kl\.estimator has no effect without a KL penalty in the loss/,
  ],
  [
    ['algorithm=rloo', 'rl.klInReward={beta: 0, estimator: k3}'],
    /klInReward\.estimator has no effect without a KL penalty in the reward/,
  ],
  [['algorithm=dapo', 'rl.referenceRefresh=5'], /referenceRefresh has no effect without a KL penalty/],
  [['algorithm=dapo', 'rl.dropZeroVariance=true'], /dropZeroVariance has no effect with rl\.dynamicSampling/],
  [['eval.temperature=0', 'eval.topP=0.9'], /eval\.topP has no effect on greedy sampling/],
  [['algorithm=kl-cov', 'rl.covariance.from=1'], /covariance\.from has no effect on rl\.covariance\.kind=kl/],
  [
    ['algorithm=clip-cov', 'rl.covariance.beta=1'],
    /covariance\.beta has no effect on rl\.covariance\.kind=clip/,
  ],
  [['rl.schedule.final=0.1'], /schedule\.final has no effect on rl\.schedule\.kind=constant: leave it out$/],
  [['algorithm=gspo', 'rl.covariance.kind=clip'], /rl\.covariance selects single tokens/],
  [['algorithm=clip-cov', 'rl.covariance.from=5'], /rl\.covariance\.from is 5: it must be below/],
  [['algorithm=clip-cov', 'rl.covariance.share=0'], /rl\.covariance\.share is 0: expected a number above 0/],
  [['algorithm=kl-cov', 'rl.minibatches=1'], /no effect with one optimizer step per step/],
  [['rl.curriculum={solved: null, unsolvable: null}'], /rl\.curriculum drops nothing/],
  [['rl.curriculum={solved: 0.2, unsolvable: 0.2}'], /rl\.curriculum\.solved is 0\.2: it must be above/],
  [['rl.interruption.after=260'], /rl\.interruption\.after is 260: it must be below rl\.maxTokens, 260/],
  [['rl.interruption.phrase=Stop'], /rl\.interruption\.after is missing/],
  [
    ['teacher.model=x', 'rl.dynamicSampling=true'],
    /rl\.dynamicSampling leaves out responses.*leave out the teacher/,
  ],
  [['teacher.model=x', 'algorithm=scalerl'], /rl\.dropZeroVariance leaves out responses/],
])('%j contradict each other', (assignments, message) => {
  const error = failure(() => resolved(...assignments))
  expect(error.message).toMatch(message)
  expect(error.exitCode).toBe(2)
})

test('parts of an algorithm have defaults of their own', () => {
  expect(resolved('rl.curriculum={}').rl.curriculum).toEqual({ solved: 1, unsolvable: 0, draws: 2, rest: 20 })
  expect(resolved('rl.interruption.after=100').rl.interruption).toEqual({
    after: 100,
    phrase: expect.stringMatching(/^Okay, time is up/),
  })
  expect(resolved('rl.covariance.kind=clip').rl.covariance).toEqual({
    kind: 'clip',
    share: 2e-4,
    from: 1,
    to: 5,
  })
  expect(resolved('algorithm=sapo', 'rl.objective.gate.negative=2').rl.objective.gate).toEqual({
    positive: 1,
    negative: 2,
  })
  expect(resolved('algorithm=scalerl', 'rl.curriculum=null').rl.curriculum).toBeNull()
  expect(resolved('teacher.model=x').teacher).toEqual({ model: 'x', weight: 1 })
})

test('what only another kind of the preset has is no fault of those who choose a kind', () => {
  expect(resolved('algorithm=sapo', 'rl.objective.surrogate=clip').rl.objective.surrogate).toBe('clip')
  expect(resolved('algorithm=dapo', 'rl.objective.surrogate=reinforce').rl.objective.clipHigh).toBe(0.28)
  expect(resolved('algorithm=clip-cov', 'rl.covariance.kind=kl', 'rl.minibatches=2').rl.covariance).toEqual({
    kind: 'kl',
    share: 2e-3,
    beta: 1,
  })
  expect(resolved('rl.schedule.kind=linear', 'rl.schedule.final=0.1').rl.schedule).toEqual({
    kind: 'linear',
    warmup: 5,
    final: 0.1,
  })
})

test.each(algorithmNames)('the settings of %s are those of a run that is resumed', (algorithm) => {
  for (const preset of baseNames) {
    const { threads: _, ...settings } = resolveZeroSettings({ preset, algorithm })
    expect(resolveZeroSettings(settings)).toMatchObject(settings)
  }
})

test.each<[object, string]>([
  [{ template: 'chat' }, 'template'],
  [{ questions: 5 }, 'questions'],
])('sft: %j has no effect on demonstrations', (given, name) => {
  expect(failure(() => resolveSftSettings({ data: 'rows.jsonl', ...given })).message).toBe(
    `setting ${name} has no effect on demonstrations, which are learned as they are written: leave it out, or give a task in the place of data`,
  )
  expect(resolveSftSettings({ task: 'a.csv', ...given })).toMatchObject(given)
  // settings for a task in a file do not concern the data of another layer
  const layers = withOneSource([{ task: 'a.csv', ...given }, { data: 'rows.jsonl' }])
  expect(resolveSftSettings(merge(...layers))).toMatchObject({ data: 'rows.jsonl', task: null })
  // nor do those at the top of a file, which are for other commands, too
  const file = withOneSource([{ data: 'rows.jsonl', ...given }, { epochs: 2 }], 1)
  expect(resolveSftSettings(merge(...file))).toMatchObject({ data: 'rows.jsonl', epochs: 2 })
})

test('stages refuse what has no effect in them', () => {
  const message = (work: () => unknown): string => failure(work).message
  expect(message(() => resolveR1Settings({ rl2: { zero: { rewards: { boxed: 1 } } } }))).toMatch(
    /^setting rl2\.zero\.rewards\.boxed has no effect in the last stage, whose rewards are accuracy, format, /,
  )
  expect(
    message(() => resolveR1Settings({ rl1: { algorithm: 'sapo', rl: { objective: { clipLow: 1 } } } })),
  ).toMatch(
    /^setting rl1\.rl\.objective\.clipLow has no effect on the surrogate sapo: leave it out, or set rl1\.rl\./,
  )
  expect(message(() => resolveR1Settings({ eval: { temperature: 0, topP: 0.5 } }))).toMatch(
    /eval\.topP has no/,
  )
  expect(resolveR1Settings({ eval: { temperature: 0 } }).eval.topP).toBe(0.95)
  expect(message(() => resolveDistillSettings({ teacher: 'x', sft: { columns: { prompt: 'q' } } }))).toMatch(
    /^setting sft\.columns has no effect on the answers of a teacher/,
  )
})

test('dpo: each algorithm has its objective', () => {
  const objective = (given: Tree) => resolveDpoSettings({ data: 'pairs.jsonl', ...given }).objective
  expect(objective({})).toEqual({
    loss: 'sigmoid',
    beta: 0.1,
    labelSmoothing: 0,
    margin: 0,
    lengthNormalised: false,
    referenceFree: false,
  })
  expect(objective({ algorithm: 'ipo' })).toMatchObject({ loss: 'ipo', lengthNormalised: true })
  expect(objective({ algorithm: 'simpo', objective: { beta: 2.5 } })).toMatchObject({
    beta: 2.5,
    margin: 0.5,
    referenceFree: true,
  })
  for (const [given, message] of [
    [{ algorithm: 'ipo', objective: { labelSmoothing: 0.1 } }, /no effect on the loss ipo/],
    [{ algorithm: 'ppo' }, /algorithm is "ppo"/],
    [{ objective: { beta: 0 } }, /objective\.beta is 0: expected a number above 0/],
    [{ objective: { labelSmoothing: 0.5 } }, /objective\.labelSmoothing is 0\.5/],
  ] as const)
    expect(failure(() => objective(given)).message).toMatch(message)
})

test('on-policy distillation needs a teacher on this machine', () => {
  const distilling = (given: Tree) => () => resolveDistillSettings(given)
  expect(failure(distilling({ data: 'x.jsonl', onPolicy: {} })).message).toMatch(/teacher on this machine/)
  const provider = { baseUrl: 'http://localhost:1', model: 'm' }
  expect(failure(distilling({ teacher: provider, onPolicy: {} })).message).toMatch(/provider's m does not/)
  expect(failure(distilling({ teacher: 'x', onPolicy: { teacher: { model: 'y' } } })).message).toMatch(
    /onPolicy\.teacher\.model is set by the run/,
  )
  const { onPolicy } = distillStages(resolveDistillSettings({ teacher: 'x', onPolicy: { steps: 7 } }))
  expect(onPolicy).toMatchObject({ steps: 7, template: 'chat', teacher: { weight: 1 } })
})

test('length cannot be punished twice', () => {
  expect(failure(() => resolved('algorithm=dapo', 'rewards.overlong=1')).message).toMatch(
    /would both punish length/,
  )
  expect(resolved('algorithm=dapo', 'rewards.overlong=1', 'rl.overlong=null').rewards.overlong).toEqual({
    weight: 1,
    buffer: null,
  })
})

test('the overlong buffer scales with the longest response, and cannot exceed it', () => {
  expect(resolved('algorithm=dapo').rl.overlong).toEqual({ buffer: 52 })
  expect(resolved('algorithm=dapo', 'rl.maxTokens=40').rl.overlong).toEqual({ buffer: 8 })
  const { message, exitCode } = failure(() => resolved('rl.overlong={buffer: 500}'))
  expect(message).toBe('setting rl.overlong.buffer is 500: it must be at most rl.maxTokens, 260')
  expect(exitCode).toBe(2)
})

test.each(['steps', '=3', 'a..b=1', 'x=[1'])('--set %s cannot be read', (text) => {
  expect(failure(() => readAssignment(text)).exitCode).toBe(2)
})

test('settings files', () => {
  const file = (text: string): string => {
    writeFileSync(join(folder, 'settings.yaml'), text)
    return join(folder, 'settings.yaml')
  }
  expect(readSettingsFile(file('steps: 3\nrl: { groupSize: 4 }'))).toEqual({ steps: 3, rl: { groupSize: 4 } })
  expect(failure(() => readSettingsFile(file('just text'))).message).toMatch(/must be a mapping/)
  expect(failure(() => readSettingsFile(join(folder, 'none.yaml'))).message).toMatch(/there is no such file/)
})

test('shuffled rewards need a weight', () => {
  const weightless = ['rewards.accuracy=0', 'rewards.format=0', 'rewards.shuffle=true', 'teacher.model=x']
  const check = (...more: string[]) => checkRewards(resolved(...weightless, ...more), {})
  expect(failure(() => check()).message).toMatch(
    /^setting rewards\.shuffle has no effect where no reward has/,
  )
  check('rl.overlong={buffer: 20}')
  check('rewards.language=1')
})

test('generators: rules, or a model with settings that have an effect', () => {
  const message = (judge: unknown): string => failure(() => resolveR1Settings({ judge })).message
  for (const judge of ['fair', 5])
    expect(message(judge)).toBe(
      `setting judge is ${JSON.stringify(judge)}: expected rules (miniature), a provider's model (PROVIDER:NAME), or a mapping with a model's name such as {model: NAME}`,
    )
  expect(message({ model: 'x', topK: -1 })).toBe('setting judge.topK is -1: expected a number of at least 0')
  expect(message({ model: 'x', temperature: 0, topK: 5 })).toMatch(
    /topK, topP and minP have no effect on greedy sampling: leave them out/,
  )
  expect(resolveR1Settings({ judge: { model: 'x', temperature: 0 } }).judge).toMatchObject({ temperature: 0 })
})

test('pretraining has its own settings', () => {
  expect(checkSettings(pretrainSettings, {})).toMatchObject({
    model: { hiddenSize: 128 },
    learningRate: 4e-3,
  })
})

function failure(work: () => unknown): UserError {
  try {
    work()
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  throw new Error('nothing was wrong')
}
