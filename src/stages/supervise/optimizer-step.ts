import { UserError } from '../../common/errors.ts'
import { stopwatch } from '../../common/stopwatch.ts'
import type { AdamSettings, Trainer } from '../../engines/contract.ts'

/**
 * One optimizer step on the gradient of a loss.
 *
 * @param backward computes the loss and adds its gradient to the trainer's.
 * @returns what `backward` resolves to, the norm of the gradient (null if the engine does not report it), and the time of both.
 * @throws UserError if the loss is not finite; the weights are then unchanged.
 */
export async function optimizerStep<Result extends { readonly loss: number }>(
  trainer: Trainer,
  adam: AdamSettings,
  step: number,
  backward: () => Promise<Result>,
): Promise<Result & { readonly gradNorm: number | null; readonly seconds: number }> {
  const seconds = stopwatch()
  const result = await backward()
  checkFinite(step, result.loss)
  const { gradNorm } = await trainer.optimStep(adam)
  return { ...result, gradNorm, seconds: seconds() }
}

/** @throws UserError if a loss is not finite. */
export function checkFinite(step: number, loss: number): void {
  if (!Number.isFinite(loss))
    throw new UserError(`training has diverged at step ${step} (loss ${loss}); lower learningRate`)
}
