import type { CelError, CelValue } from '../value.ts';

/** The values of variables by their names. */
export type Activation = Readonly<Record<string, CelValue>>;

/** An evaluation that was stopped from outside of the expression: neither `&&` nor `||` take it for an error of theirs. */
export class CelCancelled {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** The state of one evaluation. */
export class Frame {
  readonly activation: Activation;
  /** Variables of comprehensions; an accumulator may hold an error, and undefined until it is first asked for. */
  readonly locals: (CelValue | CelError | undefined)[];
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
  cost = 0;
  #steps = 0;

  constructor(activation: Activation, locals: number, limit: number, signal: AbortSignal | undefined) {
    this.activation = activation;
    this.locals = locals === 0 ? none : new Array(locals);
    this.limit = limit;
    this.signal = signal;
  }

  /** Asked once for each round of a loop. */
  step(): void {
    if (this.cost > this.limit) throw new CelCancelled(limitExceeded);
    this.#steps += 1;
    if (this.#steps % stepsBetweenLooks === 0 && this.signal?.aborted) throw new CelCancelled(interrupted);
  }
}

/** How many rounds of loops may run before the signal is looked at again. */
const stepsBetweenLooks = 100;
export const limitExceeded = 'operation cancelled: actual cost limit exceeded';
export const interrupted = 'operation interrupted';
const none: (CelValue | CelError | undefined)[] = [];

export type Run = (frame: Frame) => CelValue;
