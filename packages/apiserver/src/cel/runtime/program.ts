import { CelError, CelPending, type CelValue } from '../value.ts';
import type { CompiledExpression } from './compiler.ts';
import { type Activation, CelCancelled, Frame, interrupted, limitExceeded } from './frame.ts';

export interface EvaluateOptions {
  /** Cost at which evaluation stops; without it there is none. */
  readonly costLimit?: number;
  readonly signal?: AbortSignal;
}

/** What an evaluation came to, and what it cost. */
export type CelResult =
  | { readonly value: CelValue; readonly cost: number; readonly error?: undefined }
  /** `cancelled`: stopped by the limit or the signal. */
  | { readonly error: string; readonly cost: number; readonly cancelled: boolean; readonly value?: undefined };

/** An expression that is ready to run. */
export class CelProgram {
  readonly #expression: CompiledExpression;

  constructor(expression: CompiledExpression) {
    this.#expression = expression;
  }

  /** Evaluates with the values of variables. Fails where an answer would have to be waited for. */
  evaluate(activation: Activation, options: EvaluateOptions = {}): CelResult {
    const result = this.#attempt(activation, options);
    if (!(result instanceof CelPending)) return result;
    result.answer.catch(() => undefined);
    return { error: 'the answer has to be waited for', cost: 0, cancelled: true };
  }

  /** As `evaluate`, for what is evaluated within another evaluation, which is to wait: throws a `CelPending`. */
  evaluateWithin(activation: Activation, options: EvaluateOptions = {}): CelResult {
    const result = this.#attempt(activation, options);
    if (result instanceof CelPending) throw result;
    return result;
  }

  /**
   * Evaluates, waits for an answer that is missing, and evaluates again, until none is. What waits knows its answer by
   * then, so that each is asked once.
   */
  async evaluateAsync(activation: Activation, options: EvaluateOptions = {}): Promise<CelResult> {
    for (;;) {
      const result = this.#attempt(activation, options);
      if (!(result instanceof CelPending)) return result;
      await result.answer;
      if (options.signal?.aborted) return { error: interrupted, cost: 0, cancelled: true };
    }
  }

  #attempt(
    activation: Activation,
    { costLimit = Number.POSITIVE_INFINITY, signal }: EvaluateOptions,
  ): CelResult | CelPending {
    const { run, slots } = this.#expression;
    const frame = new Frame(activation, slots, costLimit, signal);
    try {
      const value = run(frame);
      if (frame.cost > costLimit) return { error: limitExceeded, cost: frame.cost, cancelled: true };
      return { value, cost: frame.cost };
    } catch (error) {
      if (error instanceof CelPending) return error;
      if (error instanceof CelCancelled) return { error: error.message, cost: frame.cost, cancelled: true };
      if (error instanceof CelError) return { error: error.message, cost: frame.cost, cancelled: false };
      throw error;
    }
  }
}
